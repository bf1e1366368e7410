#include "derate.h"

#include "numeric.h"

/* Below every sensor's range: the first believed sample is followed at once. */
#define HELD_AT_START_degC (-100.0f)

void derate_init(derate_t *derate, const vcu_calibration_t *cal)
{
    *derate = (derate_t){.is_limp = {0U}};
    for (uint32_t i = 0U; i < (uint32_t)TEMPERATURE_COUNT; i++) {
        derate->bound_Nm[i]  = cal->torque_gearbox_max_Nm;
        derate->held_degC[i] = HELD_AT_START_degC;
    }
}

static void follow(derate_t *derate, const vcu_calibration_t *cal, uint32_t id, float degC)
{
    const float behind_degC = degC + cal->derate_hysteresis_K;

    derate->held_degC[id] = numeric_max(degC, numeric_min(derate->held_degC[id], behind_degC));

    derate->limp_ticks[id] = numeric_held_u16(derate->limp_ticks[id], degC > cal->derate_limp_degC[id]);
    if (derate->limp_ticks[id] > cal->derate_limp_delay_ms[id]) {
        derate->is_limp[id] = 1U;
    } else if (degC < cal->derate_half_degC[id]) {
        derate->is_limp[id] = 0U;
    } else {
        /* as it was */
    }
}

static float target_Nm(const derate_t *derate, const vcu_calibration_t *cal, uint32_t id, float earlier_K)
{
    const float start_degC = cal->derate_start_degC[id] - earlier_K;
    const float taken      = 0.5f * numeric_fraction(derate->held_degC[id], start_degC, cal->derate_half_degC[id]);
    const float share      = (derate->is_limp[id] != 0U) ? cal->derate_limp_ratio : (1.0f - taken);

    return cal->torque_gearbox_max_Nm * share;
}

/* What is known of a temperature, last believed or present, bounds torque; a lost sensor bounds it further. */
static float next_target_Nm(derate_t *derate, const vcu_calibration_t *cal, uint32_t id,
                            const temperature_t *temperature, float earlier_K)
{
    const bool is_lost = temperature_is_lost(temperature);
    float      target  = derate->bound_Nm[id];

    if (temperature->is_known != 0U) {
        follow(derate, cal, id, temperature->degC);
        target = target_Nm(derate, cal, id, earlier_K);
    }
    if (is_lost) {
        target = numeric_min(target, cal->torque_gearbox_max_Nm * cal->derate_lost_ratio);
        target = numeric_min(target, derate->bound_Nm[id]);
    }
    return target;
}

void derate_tick(derate_t *derate, const vcu_calibration_t *cal, const temperature_t temperature[TEMPERATURE_COUNT],
                 uint32_t lost_fans)
{
    for (uint32_t id = 0U; id < (uint32_t)TEMPERATURE_COUNT; id++) {
        const bool  is_coolant = id == (uint32_t)TEMPERATURE_COOLANT;
        const float earlier_K  = is_coolant ? (cal->derate_lost_fan_K * (float)lost_fans) : 0.0f;

        derate->is_fallback[id] = numeric_flag(temperature_is_lost(&temperature[id]));
        derate->bound_Nm[id]    = numeric_clamp(derate->bound_Nm[id], 0.0f, cal->torque_gearbox_max_Nm);
        derate->bound_Nm[id] = numeric_slew(derate->bound_Nm[id],
                                            next_target_Nm(derate, cal, id, &temperature[id], earlier_K),
                                            cal->derate_rise_Nmps, cal->derate_fall_Nmps);
    }
}

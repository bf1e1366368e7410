#include "derate.h"

#include "raster.h"

/* Below every sensor's range: the first believed sample is followed at once. */
#define HELD_AT_START_degC (-100.0f)

void derate_init(derate_t *derate, const vcu_calibration_t *cal)
{
    *derate = (derate_t){.is_limp = {0U}};
    for (uint32_t i = 0U; i < (uint32_t)TEMPERATURE_COUNT; i++) {
        derate->bound_Nm[i]  = cal->torque_gearbox_max_Nm;
        derate->target_Nm[i] = cal->torque_gearbox_max_Nm;
        derate->held_degC[i] = HELD_AT_START_degC;
    }
}

static void follow(derate_t *derate, const vcu_calibration_t *cal, uint32_t id, float degC)
{
    const float behind_degC = degC + cal->derate_hysteresis_K;

    derate->held_degC[id] = numeric_max(degC, numeric_min(derate->held_degC[id], behind_degC));
}

static void judge_limp(derate_t *derate, const vcu_calibration_t *cal, uint32_t id, float degC)
{
    derate->limp_ticks[id] = raster_held_u16(derate->limp_ticks[id], degC > cal->derate_limp_degC[id]);
    if (derate->limp_ticks[id] > cal->derate_limp_delay_ms[id]) {
        derate->is_limp[id] = 1U;
    } else if (degC < cal->derate_half_degC[id]) {
        derate->is_limp[id] = 0U;
    } else {
        /* as it was */
    }
}

static float slope_Nm(const derate_t *derate, const vcu_calibration_t *cal, uint32_t id, float earlier_K)
{
    const float start_degC = cal->derate_start_degC[id] - earlier_K;
    const float taken      = 0.5f * numeric_fraction(derate->held_degC[id], start_degC, cal->derate_half_degC[id]);

    return cal->torque_gearbox_max_Nm * (1.0f - taken);
}

/* What is known of a temperature, last believed or present, bounds torque; a lost sensor bounds it further. */
static float next_target_Nm(const derate_t *derate, const vcu_calibration_t *cal, uint32_t id, bool is_lost)
{
    const float full_Nm = cal->torque_gearbox_max_Nm;
    float       target  = derate->target_Nm[id];

    if (derate->is_limp[id] != 0U) {
        target = full_Nm * cal->derate_limp_ratio;
    }
    if (is_lost) {
        target = numeric_min(target, full_Nm * cal->derate_lost_ratio);
        target = numeric_min(target, derate->bound_Nm[id]);
    }
    return target;
}

void derate_tick(derate_t *derate, const vcu_calibration_t *cal, const temperature_t temperature[TEMPERATURE_COUNT],
                 uint32_t lost_fans, float hidden_K)
{
    for (uint32_t id = 0U; id < (uint32_t)TEMPERATURE_COUNT; id++) {
        const bool  is_coolant = id == (uint32_t)TEMPERATURE_COOLANT;
        const float earlier_K  = is_coolant ? (cal->derate_lost_fan_K * (float)lost_fans) : 0.0f;
        const float degC       = temperature[id].degC + (is_coolant ? hidden_K : 0.0f);

        const bool is_lost = temperature_is_lost(&temperature[id]);

        derate->is_fallback[id] = numeric_flag(is_lost);
        derate->bound_Nm[id]    = numeric_clamp(derate->bound_Nm[id], 0.0f, cal->torque_gearbox_max_Nm);
        if (temperature[id].is_known != 0U) {
            judge_limp(derate, cal, id, degC);
        }
        if ((temperature[id].is_known != 0U) && (is_lost || temperature_is_new(&temperature[id]))) {
            follow(derate, cal, id, degC);
            derate->target_Nm[id] = slope_Nm(derate, cal, id, earlier_K);
        }
        derate->bound_Nm[id] = raster_slew(derate->bound_Nm[id], next_target_Nm(derate, cal, id, is_lost),
                                           cal->derate_rise_Nmps, cal->derate_fall_Nmps);
    }
}

#include "temperature.h"

#include "raster.h"

/* The fastest that the true value may have drifted away while the sensor was lost: 50 kW of excess heat move the
 * coolant by 0.24 K/s, doubled for margin. */
#define DRIFT_Kps 0.5f

/* All fans on and torque reduced take a hot engine down to its thermostat, not below it. */
#define COOL_DOWN_K 20.0f

static bool is_step_plausible(const temperature_t *temperature, const vcu_calibration_t *cal, float sample_degC)
{
    const float elapsed_s = (float)temperature->since_ticks / NUMERIC_TICKS_PER_S;
    const float allowed_K = numeric_max(cal->temperature_max_step_K, cal->temperature_max_rate_Kps * elapsed_s);

    return numeric_abs(sample_degC - temperature->sample_degC) <= allowed_K;
}

static bool is_near_last_believed(const temperature_t *temperature, const vcu_calibration_t *cal, float sample_degC)
{
    const float drift_K    = DRIFT_Kps * ((float)temperature->lost_ticks / NUMERIC_TICKS_PER_S);
    const float highest_K  = cal->temperature_max_step_K + drift_K;
    const float lowest_K   = -cal->temperature_max_step_K - numeric_min(drift_K, COOL_DOWN_K);
    const float distance_K = sample_degC - temperature->degC;

    return (distance_K >= lowest_K) && (distance_K <= highest_K);
}

static void believe(temperature_t *temperature, const signal_t *signal_degC)
{
    temperature->degC       = signal_degC->value;
    temperature->lost_ticks = 0U;
    temperature->good_ticks = 0U;
    temperature->is_known   = 1U;
    temperature->state      = (uint8_t)TEMPERATURE_BELIEVED;
}

static void lose(temperature_t *temperature)
{
    temperature->lost_ticks = raster_count_u32(temperature->lost_ticks);
    temperature->state      = (uint8_t)TEMPERATURE_LOST;
}

/* A new sample is plausible if it is not too far from the one before; between samples nothing speaks against it. */
static bool take_sample(temperature_t *temperature, const vcu_calibration_t *cal, const signal_t *signal_degC,
                        bool is_recent)
{
    bool is_plausible = signal_is_usable(signal_degC);

    temperature->since_ticks = raster_count_u16(temperature->since_ticks);
    if (is_recent && is_plausible) {
        is_plausible = (temperature->is_known == 0U) || is_step_plausible(temperature, cal, signal_degC->value);
        temperature->sample_degC = signal_degC->value;
        temperature->since_ticks = 0U;
    }
    return is_plausible && (temperature->is_contradicted == 0U);
}

/* The signal is usable and, once anything is known, its last sample plausible. */
static bool may_believe(const temperature_t *temperature, const vcu_calibration_t *cal, float sample_degC)
{
    const bool is_first   = temperature->is_known == 0U;
    const bool has_healed = (temperature->good_ticks >= cal->temperature_heal_ms) &&
                            is_near_last_believed(temperature, cal, sample_degC);

    return is_first || temperature_is_believed(temperature) || has_healed;
}

void temperature_tick(temperature_t *temperature, const vcu_calibration_t *cal, const signal_t *signal_degC,
                      bool is_recent, uint16_t since_start_ticks)
{
    const bool is_plausible = take_sample(temperature, cal, signal_degC, is_recent);
    const bool is_booting   = (temperature->is_known == 0U) && (since_start_ticks < cal->temperature_boot_ms);

    temperature->good_ticks = raster_held_u16(temperature->good_ticks, is_plausible);
    if (is_plausible && may_believe(temperature, cal, signal_degC->value)) {
        believe(temperature, signal_degC);
    } else if (!is_booting) {
        lose(temperature);
    } else {
        /* unknown yet */
    }
}

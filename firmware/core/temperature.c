#include "temperature.h"

#include "numeric.h"

/* The fastest that the true value may have drifted away while the sensor was lost: 50 kW of excess heat move the
 * coolant by 0.24 K/s, doubled for margin. */
#define DRIFT_Kps 0.5f

static bool is_step_plausible(const temperature_t *temperature, const vcu_calibration_t *cal, float sample_degC)
{
    const float elapsed_s = (float)temperature->since_ticks / NUMERIC_TICKS_PER_S;
    const float allowed_K = numeric_max(cal->temperature_max_step_K, cal->temperature_max_rate_Kps * elapsed_s);

    return numeric_abs(sample_degC - temperature->sample_degC) <= allowed_K;
}

static bool is_near_last_believed(const temperature_t *temperature, const vcu_calibration_t *cal)
{
    const float lost_s    = (float)temperature->lost_ticks / NUMERIC_TICKS_PER_S;
    const float allowed_K = cal->temperature_max_step_K + (DRIFT_Kps * lost_s);

    return numeric_abs(temperature->sample_degC - temperature->degC) <= allowed_K;
}

static void believe(temperature_t *temperature)
{
    temperature->degC       = temperature->sample_degC;
    temperature->lost_ticks = 0U;
    temperature->good_ticks = 0U;
    temperature->is_known   = 1U;
    temperature->state      = (uint8_t)TEMPERATURE_BELIEVED;
}

static void lose(temperature_t *temperature)
{
    temperature->lost_ticks = numeric_count_u32(temperature->lost_ticks);
    temperature->state      = (uint8_t)TEMPERATURE_LOST;
}

void temperature_tick(temperature_t *temperature, const vcu_calibration_t *cal, const signal_t *signal_degC,
                      uint16_t since_start_ticks)
{
    const bool is_usable    = signal_is_usable(signal_degC);
    bool       is_plausible = is_usable;

    temperature->since_ticks = numeric_count_u16(temperature->since_ticks);
    if (signal_is_new(signal_degC)) {
        is_plausible = (temperature->is_known == 0U) || is_step_plausible(temperature, cal, signal_degC->value);
        temperature->sample_degC = signal_degC->value;
        temperature->since_ticks = 0U;
    }
    temperature->good_ticks = numeric_held_u16(temperature->good_ticks, is_plausible);

    if ((temperature->is_known == 0U) && is_usable) {
        believe(temperature);
    } else if (temperature->is_known == 0U) {
        if (since_start_ticks >= cal->temperature_boot_ms) {
            lose(temperature);
        }
    } else if (temperature_is_believed(temperature) && is_plausible) {
        believe(temperature);
    } else if (temperature_is_believed(temperature)) {
        temperature->good_ticks = 0U;
        lose(temperature);
    } else if ((temperature->good_ticks >= cal->temperature_heal_ms) && is_near_last_believed(temperature, cal)) {
        believe(temperature);
    } else {
        lose(temperature);
    }
}

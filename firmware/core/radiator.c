#include "radiator.h"

#define AIR_POINTS 6U
#define ZERO_degC_K 273.15f
#define TABLE_kPa 97.0f   /* pressure and air temperature for which the table of a clean core was reckoned */
#define TABLE_K 318.15f
#define DENSITY_SHARE 0.65f /* of a change of density that reaches the heat: effectiveness makes up for the rest */
#define SLOPE_ms 10000.0f
#define LEAST_SLOPE_Kps 0.002f
#define LARGEST_RATIO 1.5f /* a core cannot be better than clean; the room above is for errors of the estimate */
#define PUMP_FULL_pct 99.0f

void radiator_init(radiator_t *radiator)
{
    *radiator = (radiator_t){.clean_ratio = 1.0f, .until_half_s = RADIATOR_FOREVER_s};
}

void radiator_recall(radiator_t *radiator, float clean_ratio)
{
    if ((clean_ratio >= 0.0f) && (clean_ratio <= LARGEST_RATIO)) { /* false for a NaN */
        radiator->clean_ratio = clean_ratio;
    }
}

/* Speed of air at the face: ram and fans help each other less than by their sum. */
static float face_mps(const vcu_calibration_t *cal, float speed_mps, uint32_t running_mask)
{
    const float ram_mps = speed_mps * cal->radiator_ram_ratio;
    uint32_t    fans    = 0U;

    for (uint32_t left = running_mask; left != 0U; left = numeric_without_lowest_bit(left)) {
        fans++;
    }

    const float fan_mps = (fans > 0U) ? cal->radiator_fan_air_mps[(fans - 1U) % FAN_COUNT] : 0.0f;

    return __builtin_sqrtf((ram_mps * ram_mps) + (fan_mps * fan_mps));
}

/* Heat that a clean core gives away for each kelvin between coolant and air. */
static float clean_kWpK(const vcu_calibration_t *cal, const inputs_t *inputs, float air_mps)
{
    const float table   = numeric_interpolate(cal->radiator_air_mps, cal->radiator_clean_kWpK, AIR_POINTS, air_mps);
    const float air_K   = numeric_max(inputs->ambient_degC.value + ZERO_degC_K, 200.0f);
    const float density = (inputs->ambient_pressure_kPa.value / TABLE_kPa) * (TABLE_K / air_K);

    return table * (1.0f + (DENSITY_SHARE * (density - 1.0f)));
}

static bool can_see(const inputs_t *inputs, const temperature_t *coolant)
{
    return temperature_is_believed(coolant) && signal_is_usable(&inputs->coolant_out_degC) &&
           signal_is_usable(&inputs->ambient_degC) && signal_is_usable(&inputs->ambient_pressure_kPa) &&
           signal_is_usable(&inputs->ground_speed_mps) && signal_is_usable(&inputs->engine_speed_rpm);
}

/* Thermostat open, pump at full duty (so that the flow is known), fans as they were, coolant where it was. */
static bool is_steady(radiator_t *radiator, const vcu_calibration_t *cal, float coolant_degC, const cooling_t *cooling)
{
    const bool is_open  = (coolant_degC >= cal->radiator_open_degC) && (cooling->pump_pct >= PUMP_FULL_pct);
    const bool is_same  = cooling->fans.running_mask == radiator->window_fans;
    const bool is_still = numeric_abs(coolant_degC - radiator->window_degC) <= cal->radiator_steady_K;

    if (!is_open || !is_same || !is_still) {
        radiator->window_degC  = coolant_degC;
        radiator->window_fans  = cooling->fans.running_mask;
        radiator->window_ticks = 0U;
    }
    return radiator->window_ticks >= cal->radiator_window_ms;
}

static void learn(radiator_t *radiator, const vcu_calibration_t *cal, float ratio)
{
    const float elapsed_s = (float)radiator->since_ticks / NUMERIC_TICKS_PER_S;
    const float clean     = numeric_clamp(ratio, 0.0f, LARGEST_RATIO);

    radiator->weight_s = numeric_min(radiator->weight_s + elapsed_s, cal->radiator_average_s);
    /* Elapsed is a period of the raster or more. */
    radiator->clean_ratio += ((clean - radiator->clean_ratio) * elapsed_s) / numeric_max(radiator->weight_s, elapsed_s);
}

static void judge(radiator_t *radiator, const vcu_calibration_t *cal, const inputs_t *inputs, float coolant_degC,
                  const cooling_t *cooling)
{
    const float air_mps   = face_mps(cal, inputs->ground_speed_mps.value, cooling->fans.running_mask);
    const float air_degC  = inputs->ambient_degC.value + cal->radiator_bay_K;
    const float clean     = clean_kWpK(cal, inputs, air_mps);
    const float warmer_K  = coolant_degC - air_degC;
    const float margin_K  = numeric_max(cal->derate_start_degC[TEMPERATURE_COOLANT] - air_degC, 0.0f);
    const bool  is_blown  = air_mps >= cal->radiator_air_mps[0];
    const bool  is_window = is_steady(radiator, cal, coolant_degC, cooling);

    if (is_window && is_blown && (warmer_K >= cal->radiator_warmer_K)) {
        const float given_kW = cal->radiator_coolant_kWpK * (coolant_degC - inputs->coolant_out_degC.value);

        learn(radiator, cal, given_kW / (clean * warmer_K));
    }
    /* heat_ratio is 0.2 or more by its range */
    radiator->sustained_kW = (numeric_min(radiator->clean_ratio, 1.0f) * clean * margin_K) / cal->radiator_heat_ratio;
}

static void follow_slope(radiator_t *radiator, const vcu_calibration_t *cal, float coolant_degC)
{
    if ((radiator->has_last != 0U) && (radiator->since_ticks > 0U)) {
        const float elapsed_ticks = (float)radiator->since_ticks;
        const float slope_Kps     = ((coolant_degC - radiator->last_degC) * NUMERIC_TICKS_PER_S) / elapsed_ticks;

        radiator->slope_Kps = numeric_lag(radiator->slope_Kps, slope_Kps, elapsed_ticks, SLOPE_ms);
    }
    radiator->last_degC = coolant_degC;
    radiator->has_last  = 1U;

    const float left_K = cal->derate_half_degC[TEMPERATURE_COOLANT] - coolant_degC;

    radiator->until_half_s = (radiator->slope_Kps >= LEAST_SLOPE_Kps)
                                 ? numeric_clamp(left_K / radiator->slope_Kps, 0.0f, RADIATOR_FOREVER_s)
                                 : RADIATOR_FOREVER_s;
}

/* A memory out of its range, or no number, starts anew. */
static void mend(radiator_t *radiator)
{
    const bool is_ratio  = (radiator->clean_ratio >= 0.0f) && (radiator->clean_ratio <= LARGEST_RATIO);
    const bool is_weight = (radiator->weight_s >= 0.0f) && (radiator->weight_s <= RADIATOR_FOREVER_s);

    if (!is_ratio || !is_weight ||
        !numeric_is_finite(radiator->slope_Kps + radiator->window_degC + radiator->last_degC)) {
        radiator_init(radiator);
    }
}

void radiator_tick(radiator_t *radiator, const vcu_calibration_t *cal, const inputs_t *inputs,
                   const temperature_t *coolant, const cooling_t *cooling)
{
    mend(radiator);
    radiator->since_ticks  = raster_count_u16(radiator->since_ticks);
    radiator->window_ticks = raster_count_u16(radiator->window_ticks);
    if (!temperature_is_believed(coolant)) {
        radiator->has_last     = 0U;
        radiator->window_ticks = 0U;
    } else if (temperature_is_new(coolant)) {
        follow_slope(radiator, cal, coolant->degC);
        if (can_see(inputs, coolant)) {
            judge(radiator, cal, inputs, coolant->degC, cooling);
        } else {
            radiator->window_ticks = 0U;
        }
        radiator->since_ticks = 0U;
    } else {
        /* between two samples */
    }
}

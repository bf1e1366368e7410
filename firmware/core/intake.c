#include "intake.h"

#include "raster.h"

#define CHOKED_FLOW_CONSTANT 0.04042f /* sqrt(K s^2/m^2): gamma 1.4, R 287 J/(kg K) */
#define QUARTER_PI 0.78539816f
#define RADPS_PER_RPM 0.10471976f
#define CELSIUS_ZERO_K 273.15f
#define LOWEST_SPEED_rpm 500.0f /* below it the full-load curve binds, not the air */

void intake_init(intake_t *intake, const vcu_calibration_t *cal)
{
    *intake = (intake_t){
        .pressure_kPa       = cal->intake_lost_pressure_kPa,
        .air_degC           = cal->intake_lost_air_degC,
        .filter_loss_kPa    = cal->intake_lost_filter_kPa,
        .heard_pressure_kPa = cal->intake_lost_pressure_kPa,
        .heard_air_degC     = cal->intake_lost_air_degC,
        .heard_filter_kPa   = cal->intake_lost_filter_kPa,
        .is_assumed         = 1U,
    };
}

static float chosen(float used, const signal_t *signal, float worst, float filter_ms)
{
    return signal_is_usable(signal) ? raster_lag(used, signal->value, filter_ms) : worst;
}

static void remember(float *heard, const signal_t *signal)
{
    if (signal_is_usable(signal)) {
        *heard = signal->value;
    }
}

static float least_of(float a, float b, float c)
{
    return numeric_min(numeric_min(a, b), c);
}

static float most_of(float a, float b, float c)
{
    return numeric_max(numeric_max(a, b), c);
}

static void choose_inputs(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const float filter_ms = cal->intake_filter_ms;

    remember(&intake->heard_pressure_kPa, &inputs->ambient_pressure_kPa);
    remember(&intake->heard_air_degC, &inputs->intake_air_degC);
    remember(&intake->heard_filter_kPa, &inputs->filter_dp_kPa);

    intake->pressure_kPa =
        chosen(intake->pressure_kPa, &inputs->ambient_pressure_kPa,
               least_of(intake->pressure_kPa, intake->heard_pressure_kPa, cal->intake_lost_pressure_kPa), filter_ms);
    intake->air_degC = chosen(intake->air_degC, &inputs->intake_air_degC,
                              most_of(intake->air_degC, intake->heard_air_degC, cal->intake_lost_air_degC), filter_ms);
    intake->filter_loss_kPa =
        chosen(intake->filter_loss_kPa, &inputs->filter_dp_kPa,
               most_of(intake->filter_loss_kPa, intake->heard_filter_kPa, cal->intake_lost_filter_kPa), filter_ms);
    intake->is_assumed =
        numeric_flag(!(signal_is_usable(&inputs->ambient_pressure_kPa) && signal_is_usable(&inputs->intake_air_degC) &&
                       signal_is_usable(&inputs->filter_dp_kPa)));
}

static float choked_flow_gps(const intake_t *intake, const vcu_calibration_t *cal)
{
    const float diameter_m = cal->intake_restrictor_mm / 1000.0f;
    const float area_m2    = QUARTER_PI * diameter_m * diameter_m;
    const float p0_Pa      = numeric_max(intake->pressure_kPa - intake->filter_loss_kPa, 0.0f) * 1000.0f;
    const float t0_K       = numeric_max(intake->air_degC + CELSIUS_ZERO_K, 200.0f); /* never a root of less */
    const float flow_kgps  = (CHOKED_FLOW_CONSTANT * cal->intake_discharge_ratio * area_m2 * p0_Pa) /
                             __builtin_sqrtf(t0_K);

    return flow_kgps * 1000.0f;
}

void intake_tick(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    choose_inputs(intake, cal, inputs);
    intake->choked_flow_gps = choked_flow_gps(intake, cal);
    /* g/s times MJ/kg is kW; the ratio is in [8, 20] by its range. */
    intake->power_cap_kW = (intake->choked_flow_gps / cal->intake_air_fuel_ratio) * cal->intake_heating_value_MJpkg *
                           cal->intake_efficiency_ratio;
}

void intake_follow(intake_t *intake, const signal_t *engine_speed_rpm)
{
    remember(&intake->speed_rpm, engine_speed_rpm);
    intake->torque_cap_Nm = (intake->power_cap_kW * 1000.0f) /
                            (numeric_max(intake->speed_rpm, LOWEST_SPEED_rpm) * RADPS_PER_RPM);
}

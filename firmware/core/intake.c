#include "intake.h"

#include "raster.h"

#define CHOKED_FLOW_CONSTANT 0.04042f /* sqrt(K s^2/m^2): gamma 1.4, R 287 J/(kg K) */
#define QUARTER_PI 0.78539816f
#define RADPS_PER_RPM 0.10471976f
#define CELSIUS_ZERO_K 273.15f
#define LOWEST_SPEED_rpm 500.0f /* below it the full-load curve binds, not the air */
#define AT_ONCE_kPaps 1.0e6f
#define LOWEST_kPa 50.0f /* as inputs.def */
#define HIGHEST_kPa 120.0f

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

/* Outside pressure rises as fast as a car can descend, and no faster: a barometer that jumps up gives no torque. The
 * first one heard is taken as it is, and so is the next one where the memory is none that a barometer could have left. */
static float risen_kPa(intake_t *intake, const vcu_calibration_t *cal, const signal_t *heard_kPa, float pressure_kPa)
{
    const bool  is_sane  = (intake->pressure_kPa >= LOWEST_kPa) && (intake->pressure_kPa <= HIGHEST_kPa);
    const bool  is_first = signal_is_usable(heard_kPa) && ((intake->has_pressure == 0U) || !is_sane);
    const float last_kPa = is_sane ? intake->pressure_kPa : cal->intake_lost_pressure_kPa;

    if (is_first) {
        intake->has_pressure = 1U;
    }
    return is_first ? heard_kPa->value
                    : raster_slew(last_kPa, pressure_kPa, cal->intake_pressure_rise_kPaps, AT_ONCE_kPaps);
}

static void choose_inputs(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const float filter_ms = cal->intake_filter_ms;

    remember(&intake->heard_pressure_kPa, &inputs->ambient_pressure_kPa);
    remember(&intake->heard_air_degC, &inputs->intake_air_degC);
    remember(&intake->heard_filter_kPa, &inputs->filter_dp_kPa);

    const float pressure_kPa =
        chosen(intake->pressure_kPa, &inputs->ambient_pressure_kPa,
               least_of(intake->pressure_kPa, intake->heard_pressure_kPa, cal->intake_lost_pressure_kPa), filter_ms);

    intake->pressure_kPa = risen_kPa(intake, cal, &inputs->ambient_pressure_kPa, pressure_kPa);
    intake->air_degC = chosen(intake->air_degC, &inputs->intake_air_degC,
                              most_of(intake->air_degC, intake->heard_air_degC, cal->intake_lost_air_degC), filter_ms);
    intake->measured_kPa =
        chosen(intake->measured_kPa, &inputs->filter_dp_kPa,
               most_of(intake->filter_loss_kPa, intake->heard_filter_kPa, cal->intake_lost_filter_kPa), filter_ms);
    intake->is_assumed =
        numeric_flag(!(signal_is_usable(&inputs->ambient_pressure_kPa) && signal_is_usable(&inputs->intake_air_degC) &&
                       signal_is_usable(&inputs->filter_dp_kPa)));
}

/* Loss at the choked flow that the loss itself makes smaller: one step of a fixed point each period. It settles, for a
 * kilopascal moves the flow by 1 % and that moves the loss by less than 0.1 kPa. */
static void choose_loss(intake_t *intake, const vcu_calibration_t *cal, const filter_t *filter)
{
    intake->filter_loss_kPa = numeric_max(intake->measured_kPa, filter_loss_kPa(filter, cal, intake->choked_flow_gps));
}

/* Air is warmed on its way in: a sensor that reads colder than outside lies. */
static float warmest_degC(const intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const float outside_degC = inputs->ambient_degC.value - cal->intake_below_ambient_K;

    return signal_is_usable(&inputs->ambient_degC) ? numeric_max(intake->air_degC, outside_degC) : intake->air_degC;
}

static float choked_flow_gps(const intake_t *intake, const vcu_calibration_t *cal, float air_degC)
{
    const float diameter_m = cal->intake_restrictor_mm / 1000.0f;
    const float area_m2    = QUARTER_PI * diameter_m * diameter_m;
    const float p0_Pa      = numeric_max(intake->pressure_kPa - intake->filter_loss_kPa, 0.0f) * 1000.0f;
    const float t0_K       = numeric_max(air_degC + CELSIUS_ZERO_K, 200.0f); /* never a root of less */
    const float flow_kgps  = (CHOKED_FLOW_CONSTANT * cal->intake_discharge_ratio * area_m2 * p0_Pa) /
                             __builtin_sqrtf(t0_K);

    return flow_kgps * 1000.0f;
}

/* Air that is measured against air that can be: only with all three inputs measured, too. Torque is not raised by what
 * a leak lets in. */
static void compare_flow(intake_t *intake, const vcu_calibration_t *cal, const signal_t *flow_gps, bool is_air_bound)
{
    const bool is_known = signal_is_usable(flow_gps) && (intake->is_assumed == 0U);
    const bool is_leak  = is_known && (flow_gps->value > (intake->choked_flow_gps * cal->intake_leak_ratio));
    const bool is_short = is_known && is_air_bound &&
                          (flow_gps->value < (intake->choked_flow_gps * cal->intake_short_ratio));

    intake->leak_ticks  = raster_held_u16(intake->leak_ticks, is_leak);
    intake->short_ticks = raster_held_u16(intake->short_ticks, is_short);
    intake->is_leaking  = numeric_flag(intake->leak_ticks >= cal->intake_leak_ms);
    intake->is_short    = numeric_flag(intake->short_ticks >= cal->intake_short_ms);
}

static void allow_power(intake_t *intake, const vcu_calibration_t *cal)
{
    /* g/s times MJ/kg is kW; the ratio is in [8, 20] by its range. */
    intake->power_cap_kW = (intake->choked_flow_gps / cal->intake_air_fuel_ratio) * cal->intake_heating_value_MJpkg *
                           cal->intake_efficiency_ratio;
    /* Power goes with the pressure before the restrictor; a car below 50 kPa is out of the sensor's range. */
    intake->filter_cost_kW = (intake->power_cap_kW * intake->filter_loss_kPa) /
                             numeric_max(intake->pressure_kPa - intake->filter_loss_kPa, 1.0f);
}

void intake_init(intake_t *intake, const vcu_calibration_t *cal)
{
    *intake = (intake_t){
        .pressure_kPa       = cal->intake_lost_pressure_kPa,
        .air_degC           = cal->intake_lost_air_degC,
        .filter_loss_kPa    = cal->intake_lost_filter_kPa,
        .measured_kPa       = cal->intake_lost_filter_kPa,
        .heard_pressure_kPa = cal->intake_lost_pressure_kPa,
        .heard_air_degC     = cal->intake_lost_air_degC,
        .heard_filter_kPa   = cal->intake_lost_filter_kPa,
        .is_assumed         = 1U,
    };
    intake->choked_flow_gps = choked_flow_gps(intake, cal, intake->air_degC);
    allow_power(intake, cal);
}

void intake_tick(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs, const filter_t *filter,
                 bool is_air_bound)
{
    choose_inputs(intake, cal, inputs);
    choose_loss(intake, cal, filter);
    intake->choked_flow_gps = choked_flow_gps(intake, cal, warmest_degC(intake, cal, inputs));
    compare_flow(intake, cal, &inputs->mass_air_flow_gps, is_air_bound);
    allow_power(intake, cal);
}

void intake_follow(intake_t *intake, const signal_t *engine_speed_rpm)
{
    if (signal_is_usable(engine_speed_rpm) && signal_is_new(engine_speed_rpm)) {
        intake->speed_rpm     = most_of(engine_speed_rpm->value, intake->before_rpm[0], intake->before_rpm[1]);
        intake->before_rpm[1] = intake->before_rpm[0];
        intake->before_rpm[0] = engine_speed_rpm->value;
    }
    intake->torque_cap_Nm = (intake->power_cap_kW * 1000.0f) /
                            (numeric_max(intake->speed_rpm, LOWEST_SPEED_rpm) * RADPS_PER_RPM);
}

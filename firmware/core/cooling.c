#include "cooling.h"

#include "codes.h"
#include "raster.h"

#define RUN_ON_FANS 2U
#define FLOOR_FANS 2U /* that a weak supply leaves to a hot engine */
#define RAM_AIR_FANS 1U

void cooling_init(cooling_t *cooling, const vcu_calibration_t *cal)
{
    *cooling = (cooling_t){.after_crank_ticks = UINT16_MAX, .after_flight_ticks = UINT16_MAX};
    fan_bank_init(&cooling->fans, cal);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return (a < b) ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return (a > b) ? a : b;
}

/* ---- how many fans each temperature asks for */

static float threshold_degC(const vcu_calibration_t *cal, uint32_t ladder, uint32_t step)
{
    float result = cal->cooling_coolant_on_degC[step];

    if (ladder != (uint32_t)TEMPERATURE_COOLANT) {
        result = cal->cooling_other_on_degC[ladder - 1U] + (cal->cooling_other_step_K * (float)step);
    }
    return result;
}

/* One more at each threshold, one less hysteresis_K below it: the same rule at both ends of the ladder (PAIN-77). */
static uint8_t climb(const vcu_calibration_t *cal, uint32_t ladder, uint32_t stage, float degC)
{
    uint32_t next = stage;

    while ((next < FAN_COUNT) && (degC >= threshold_degC(cal, ladder, next))) {
        next++;
    }
    while ((next > 0U) && (degC <= (threshold_degC(cal, ladder, next - 1U) - cal->cooling_hysteresis_K))) {
        next--;
    }
    return (uint8_t)next;
}

static uint32_t wanted_by_heat(cooling_t *cooling, const vcu_calibration_t *cal,
                               const temperature_t temperature[TEMPERATURE_COUNT])
{
    const temperature_t *coolant      = &temperature[TEMPERATURE_COOLANT];
    const float          coolant_degC = coolant->degC + cooling->hidden_K;
    const float          earlier_K    = (cooling->is_fouled != 0U) ? cal->cooling_fouled_K : 0.0f;
    uint32_t             wanted       = 0U;

    for (uint32_t id = 0U; id < COOLING_LADDERS; id++) {
        const bool  is_coolant = id == (uint32_t)TEMPERATURE_COOLANT;
        const float degC       = is_coolant ? (coolant_degC + earlier_K) : temperature[id].degC;

        if (temperature_is_believed(&temperature[id]) && temperature_is_new(&temperature[id])) {
            cooling->ladder_stage[id] = climb(cal, id, cooling->ladder_stage[id], degC);
        }
        wanted = most(wanted, cooling->ladder_stage[id]); /* a lost one keeps asking for what it asked */
    }
    if (temperature_is_believed(coolant)) {
        if (coolant_degC >= cal->cooling_full_degC) {
            cooling->is_full = 1U;
        } else if (coolant_degC <= (cal->cooling_full_degC - cal->cooling_hysteresis_K)) {
            cooling->is_full = 0U;
        } else {
            /* as it was */
        }
    }
    return (cooling->is_full != 0U) ? FAN_COUNT : wanted;
}

/* ---- what takes fans away */

/* The slower of GNSS and a wheel, if both speak: one that lies upwards takes no fan. An unknown speed counts as
 * standing: fans allowed (PAIN-74). */
static float slower_mps(const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *wheel     = &inputs->wheel_speed_rl_radps;
    const float     wheel_mps = wheel->value * cal->flight_mode_wheel_radius_m;
    float           speed_mps = 0.0f;

    if (signal_is_usable(&inputs->ground_speed_mps)) {
        speed_mps = inputs->ground_speed_mps.value;
        speed_mps = signal_is_usable(wheel) ? numeric_min(speed_mps, wheel_mps) : speed_mps;
    }
    return speed_mps;
}

static uint32_t after_ram_air(cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                              const temperature_t *coolant, uint32_t wanted)
{
    const float speed_mps = slower_mps(cal, inputs);
    const bool  is_mild   = temperature_is_believed(coolant) && (coolant->degC < cal->cooling_ram_air_below_degC);

    if (speed_mps > cal->cooling_ram_air_mps) {
        cooling->is_ram_air = 1U;
    } else if (speed_mps < (cal->cooling_ram_air_mps - cal->cooling_ram_air_hysteresis_mps)) {
        cooling->is_ram_air = 0U;
    } else {
        /* as it was */
    }
    return ((cooling->is_ram_air != 0U) && is_mild && (cooling->is_full == 0U)) ? least(wanted, RAM_AIR_FANS) : wanted;
}

/* An unknown supply sheds nothing. A hot or blind unit keeps two fans whatever the supply. */
static uint32_t after_shedding(cooling_t *cooling, const vcu_calibration_t *cal, const signal_t *battery_V,
                               uint32_t wanted, bool is_hot)
{
    const bool is_known = signal_is_usable(battery_V);
    const bool is_low   = is_known && (battery_V->value < cal->cooling_shed_one_V);
    const bool is_lower = is_known && (battery_V->value < cal->cooling_shed_two_V);

    cooling->low_one_ticks = raster_held_u16(cooling->low_one_ticks, is_low);
    cooling->low_two_ticks = raster_held_u16(cooling->low_two_ticks, is_lower);
    cooling->shed          = (uint8_t)(((cooling->low_one_ticks >= cal->cooling_shed_ms) ? 1U : 0U) +
                                       ((cooling->low_two_ticks >= cal->cooling_shed_ms) ? 1U : 0U));

    const uint32_t left = (wanted > cooling->shed) ? (wanted - cooling->shed) : 0U;

    return is_hot ? most(left, least(wanted, FLOOR_FANS)) : left;
}

/* ---- which rule decides */

/* After a stop: bounded by time and temperature. A lost sensor cannot end it early: the hot stop of a blind unit needs
 * air most. */
static bool needs_run_on(const cooling_t *cooling, const vcu_calibration_t *cal, const temperature_t *coolant)
{
    const bool is_warm = temperature_is_lost(coolant) || (coolant->degC >= cal->cooling_run_on_degC);

    return (cooling->stopped_ticks > 0U) && is_warm && (cooling->stopped_ticks <= cal->cooling_run_on_ms);
}

/* And bounded by the supply: an unknown one forbids it, for a flat battery strands the car. */
static bool is_running_on(const cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                          const temperature_t *coolant)
{
    const bool has_supply = signal_is_usable(&inputs->battery_V) && (inputs->battery_V.value >= cal->cooling_run_on_V);

    return has_supply && needs_run_on(cooling, cal, coolant);
}

bool cooling_is_turning(const vcu_calibration_t *cal, const inputs_t *inputs)
{
    return signal_is_usable(&inputs->engine_speed_rpm) && (inputs->engine_speed_rpm.value > cal->cooling_running_rpm);
}

/* The starter turns the engine, but not as fast as it runs: any other speed contradicts the status. */
static bool is_cranking(const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_still = signal_is_usable(&inputs->engine_speed_rpm) &&
                          (inputs->engine_speed_rpm.value < cal->cooling_cranking_rpm);

    return signal_shows(&inputs->engine_status, ENGINE_CRANKING) && !is_still && !cooling_is_turning(cal, inputs);
}

static cooling_state_t rule_of(const cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                               const temperature_t *coolant)
{
    cooling_state_t state = COOLING_NORMAL;

    if (is_cranking(cal, inputs)) {
        state = COOLING_CRANKING;
    } else if (cooling->stopped_ticks > 0U) {
        state = is_running_on(cooling, cal, inputs, coolant) ? COOLING_RUN_ON : COOLING_OFF;
    } else if (temperature_is_lost(coolant)) {
        state = COOLING_SENSOR_LOST;
    } else if (cooling->is_manual != 0U) {
        state = COOLING_MANUAL;
    } else {
        state = COOLING_NORMAL;
    }
    return state;
}

static uint32_t fans_wanted(cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                            const temperature_t temperature[TEMPERATURE_COUNT])
{
    const temperature_t *coolant = &temperature[TEMPERATURE_COOLANT];
    const uint32_t       by_heat = wanted_by_heat(cooling, cal, temperature);
    const uint32_t       moving  = after_ram_air(cooling, cal, inputs, coolant, by_heat);
    uint32_t             wanted  = 0U;

    switch ((cooling_state_t)cooling->state) {
    case COOLING_OFF:
    case COOLING_CRANKING:
        wanted = 0U;
        break;
    case COOLING_RUN_ON:
        wanted = temperature_is_lost(coolant) ? RUN_ON_FANS : least(most(by_heat, 1U), RUN_ON_FANS);
        break;
    case COOLING_SENSOR_LOST:
        wanted = after_shedding(cooling, cal, &inputs->battery_V, FAN_COUNT, true);
        break;
    case COOLING_MANUAL:
        wanted = after_shedding(cooling, cal, &inputs->battery_V, FAN_COUNT, cooling->is_full != 0U);
        break;
    case COOLING_NORMAL:
        wanted = after_shedding(cooling, cal, &inputs->battery_V, moving, cooling->is_full != 0U);
        break;
    }
    return wanted;
}

static float pump_duty_pct(const cooling_t *cooling, const vcu_calibration_t *cal, const temperature_t *coolant)
{
    const float warm = temperature_is_believed(coolant)
                           ? numeric_fraction(coolant->degC, cal->cooling_pump_cold_degC, cal->cooling_pump_full_degC)
                           : 1.0f;
    float       duty_pct = cal->cooling_pump_cold_pct + ((100.0f - cal->cooling_pump_cold_pct) * warm);

    if (cooling->state == (uint8_t)COOLING_RUN_ON) {
        duty_pct = cal->cooling_pump_run_on_pct;
    } else if (cooling->state == (uint8_t)COOLING_OFF) {
        duty_pct = 0.0f;
    } else {
        /* the engine runs or is about to */
    }
    return duty_pct;
}

/* An engine of which nothing is heard is as it was: its node sleeps soon after a stop, and the run-on must end all the
 * same. */
static bool is_stopped(const cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_heard = signal_is_usable(&inputs->engine_status) || signal_is_usable(&inputs->ignition) ||
                          signal_is_usable(&inputs->engine_speed_rpm);
    const bool is_shown = (signal_shows(&inputs->engine_status, ENGINE_STOPPED) && !cooling_is_turning(cal, inputs)) ||
                          signal_shows(&inputs->ignition, IGNITION_OFF);

    return is_heard ? is_shown : (cooling->stopped_ticks > 0U);
}

static void note_state(cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs, bool is_flying)
{
    const bool is_now_cranking = is_cranking(cal, inputs);

    cooling->stopped_ticks      = is_stopped(cooling, cal, inputs) ? raster_count_u32(cooling->stopped_ticks) : 0U;
    cooling->after_crank_ticks  = is_now_cranking ? 0U : raster_count_u16(cooling->after_crank_ticks);
    cooling->after_flight_ticks = is_flying ? 0U : raster_count_u16(cooling->after_flight_ticks);
    if (signal_shows(&inputs->fan_switch, FAN_SWITCH_ALL_ON)) {
        cooling->is_manual = 1U;
    } else if (signal_shows(&inputs->fan_switch, FAN_SWITCH_AUTO)) {
        cooling->is_manual = 0U;
    } else {
        /* a switch that cannot be read is where it was */
    }
}

static fan_order_t order_of(const cooling_t *cooling, const vcu_calibration_t *cal, bool is_flying)
{
    const bool  is_stop   = (cooling->state == (uint8_t)COOLING_CRANKING) || (cooling->state == (uint8_t)COOLING_OFF);
    const bool  may_start = (cooling->after_crank_ticks > cal->cooling_crank_wait_ms) &&
                            (cooling->after_flight_ticks > cal->cooling_flight_wait_ms);
    fan_order_t order     = may_start ? FAN_ORDER_RUN : FAN_ORDER_WAIT;

    if (is_stop) {
        order = FAN_ORDER_STOP;
    } else if (is_flying) {
        order = FAN_ORDER_HOLD;
    } else {
        /* towards the number wanted */
    }
    return order;
}

void cooling_tick(cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                  const temperature_t temperature[TEMPERATURE_COUNT], bool is_flying)
{
    const temperature_t *coolant = &temperature[TEMPERATURE_COOLANT];

    note_state(cooling, cal, inputs, is_flying);
    cooling->state     = (uint8_t)rule_of(cooling, cal, inputs, coolant);
    cooling->is_denied = numeric_flag((cooling->state == (uint8_t)COOLING_OFF) && needs_run_on(cooling, cal, coolant) &&
                                      signal_is_usable(&inputs->battery_V));
    cooling->stage     = (uint8_t)fans_wanted(cooling, cal, inputs, temperature);
    fan_bank_tick(&cooling->fans, cal, inputs, cooling->stage, order_of(cooling, cal, is_flying));
    cooling->pump_pct = pump_duty_pct(cooling, cal, coolant);
}

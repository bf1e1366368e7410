#include "control.h"

#include "codes.h"
#include "control_faults.h"
#include "raster.h"

#define SCENE_SIGNALS 5U
#define SCENE_MOST 65535.0f
#define UINT8_MOST 255.0f

void control_init(control_t *control, const vcu_calibration_t *cal, bool is_calibration_refused)
{
    *control = (control_t){.is_calibration_refused = numeric_flag(is_calibration_refused)};
    inputs_init(&control->inputs);
    demand_init(&control->demand);
    flight_mode_init(&control->flight_mode, cal);
    intake_init(&control->intake, cal);
    derate_init(&control->derate, cal);
    fuel_init(&control->fuel, cal);
    impact_init(&control->impact);
    torque_init(&control->torque);
    cooling_init(&control->cooling, cal);
    filter_init(&control->filter, cal);
    radiator_init(&control->radiator);
    coolant_peers_init(&control->coolant_peers);
    monitor_init(&control->monitor, cal);
    fault_init(&control->fault);
    fault_memory_init(&control->fault_memory);
}

static void believe_temperatures(control_t *control, const vcu_calibration_t *cal)
{
    const inputs_t *in                        = &control->inputs;
    const signal_t *sensor[TEMPERATURE_COUNT] = {
        [TEMPERATURE_COOLANT]     = &in->coolant_in_degC,
        [TEMPERATURE_ENGINE_OIL]  = &in->engine_oil_degC,
        [TEMPERATURE_CHARGE_AIR]  = &in->charge_air_degC,
        [TEMPERATURE_GEARBOX_OIL] = &in->gearbox_oil_degC,
    };

    control->temperature[TEMPERATURE_COOLANT].is_contradicted = numeric_flag(control->coolant_peers.verdict !=
                                                                             (uint8_t)COOLANT_PEERS_AGREE);
    for (uint32_t id = 0U; id < (uint32_t)TEMPERATURE_COUNT; id++) {
        const bool is_gearbox = id == (uint32_t)TEMPERATURE_GEARBOX_OIL;
        const bool is_recent  = inputs_is_recent(in, is_gearbox ? INPUTS_GROUP_GEARBOX : INPUTS_GROUP_THERMAL);

        temperature_tick(&control->temperature[id], cal, sensor[id], is_recent, control->since_start_ticks);
    }
}

static void tick_air_and_heat(control_t *control, const vcu_calibration_t *cal)
{
    switch (control->phase) {
    case CONTROL_PHASE_TEMPERATURE:
        believe_temperatures(control, cal);
        break;
    case CONTROL_PHASE_INTAKE:
        intake_tick(&control->intake, cal, &control->inputs, &control->filter,
                    control->torque.reason == (uint8_t)TORQUE_REASON_RESTRICTOR);
        break;
    case CONTROL_PHASE_COOLING:
        control->cooling.is_fouled = numeric_flag(control->radiator.clean_ratio < cal->radiator_warn_ratio);
        control->cooling.hidden_K  = control->coolant_peers.hidden_K;
        cooling_tick(&control->cooling, cal, &control->inputs, control->temperature,
                     flight_mode_is_flying(&control->flight_mode));
        break;
    case CONTROL_PHASE_DERATE:
        derate_tick(&control->derate, cal, control->temperature, control->cooling.fans.failed_count,
                    control->coolant_peers.hidden_K);
        break;
    case CONTROL_PHASE_FILTER:
        filter_tick(&control->filter, cal, &control->inputs);
        break;
    case CONTROL_PHASE_RADIATOR:
        radiator_tick(&control->radiator, cal, &control->inputs, &control->temperature[TEMPERATURE_COOLANT],
                      &control->cooling);
        break;
    case CONTROL_PHASE_COOLANT_PEERS:
        coolant_peers_tick(&control->coolant_peers, cal, &control->inputs);
        break;
    default: /* none of these */
        break;
    }
}

static uint16_t whole(float value, float most)
{
    return (uint16_t)numeric_clamp(value, 0.0f, most);
}

/* What a freeze frame keeps. */
static fault_scene_t scene_of(const control_t *control)
{
    const inputs_t *in     = &control->inputs;
    const signal_t *seen[] = {&in->engine_speed_rpm, &in->ground_speed_mps, &in->battery_V, &in->coolant_in_degC,
                              &in->gear};
    float           value[SCENE_SIGNALS] = {0.0f};
    uint32_t        unknown_mask         = 0U;

    for (uint32_t i = 0U; i < SCENE_SIGNALS; i++) {
        if (signal_is_usable(seen[i])) {
            value[i] = seen[i]->value;
        } else {
            unknown_mask |= (uint32_t)1U << i;
        }
    }
    return (fault_scene_t){
        .engine_speed_rpm  = whole(value[0], SCENE_MOST),
        .ground_speed_cmps = whole(value[1] * 100.0f, SCENE_MOST),
        .battery_mV        = whole(value[2] * 1000.0f, SCENE_MOST),
        .torque_Nm         = whole(control->torque.granted_Nm, SCENE_MOST),
        .coolant_degC      = (uint8_t)whole(value[3], UINT8_MOST),
        .pedal_pct         = (uint8_t)whole(control->demand.pedal_ratio * 100.0f, UINT8_MOST),
        .gear              = (uint8_t)whole(value[4], UINT8_MOST),
        .flight_state      = control->flight_mode.state,
        .reason            = control->torque.reason,
        .unknown_mask      = (uint8_t)unknown_mask,
    };
}

static void remember_faults(control_t *control, const vcu_calibration_t *cal)
{
    const bool          is_key_off = (control->torque.stop_mask & TORQUE_STOP_IGNITION) != 0U;
    const bool          is_driven  = !is_key_off && signal_shows(&control->inputs.engine_status, ENGINE_RUNNING);
    const fault_scene_t scene      = scene_of(control);

    fault_memory_cycle(&control->fault_memory, cal, is_driven, is_key_off);
    fault_memory_tick(&control->fault_memory, &control->fault, &scene);
}

/* One module of the slow raster, then on to the next phase. */
static void tick_raster(control_t *control, const vcu_calibration_t *cal)
{
    switch (control->phase) {
    case CONTROL_PHASE_FUEL:
        fuel_tick(&control->fuel, cal, &control->inputs, &control->flight_mode);
        flight_evidence_learn(&control->flight_mode.evidence, cal, &control->inputs,
                              fuel_fill_ratio(&control->fuel, cal),
                              control->flight_mode.state == (uint8_t)FLIGHT_MODE_GROUND);
        break;
    case CONTROL_PHASE_MONITOR:
        monitor_tick(&control->monitor, cal, &control->inputs);
        break;
    case CONTROL_PHASE_FAULT_MEMORY:
        remember_faults(control, cal);
        break;
    default:
        tick_air_and_heat(control, cal);
        break;
    }
    control->phase = (uint8_t)((control->phase + 1U) % RASTER_TICKS);
    monitor_sign(&control->monitor, MONITOR_STEP_RASTER);
}

/* Every limiter hands in its bound; torque.c alone decides. */
static void limit_torque(control_t *control, const vcu_calibration_t *cal)
{
    static const torque_reason_t thermal[TEMPERATURE_COUNT] = {
        [TEMPERATURE_COOLANT]     = TORQUE_REASON_COOLANT,
        [TEMPERATURE_ENGINE_OIL]  = TORQUE_REASON_ENGINE_OIL,
        [TEMPERATURE_CHARGE_AIR]  = TORQUE_REASON_CHARGE_AIR,
        [TEMPERATURE_GEARBOX_OIL] = TORQUE_REASON_GEARBOX_OIL,
    };
    torque_t             *torque = &control->torque;
    const flight_mode_t  *flight = &control->flight_mode;
    const torque_reason_t flying = flight_mode_reason(flight);

    torque_begin(torque, control->demand.demand_Nm);
    torque_offer(torque, TORQUE_REASON_DRIVER, control->demand.bound_Nm);
    torque_offer(torque, TORQUE_REASON_RESTRICTOR, control->intake.torque_cap_Nm);
    torque_offer_own(torque, cal, &control->inputs);
    for (uint32_t id = 0U; id < (uint32_t)TEMPERATURE_COUNT; id++) {
        const bool is_fallback = control->derate.is_fallback[id] != 0U;

        if (control->derate.bound_Nm[id] < cal->torque_gearbox_max_Nm) { /* what takes nothing is no reason */
            torque_offer(torque, is_fallback ? TORQUE_REASON_SENSOR_LIMP : thermal[id], control->derate.bound_Nm[id]);
        }
    }
    if (control->fuel.bound_Nm < cal->torque_gearbox_max_Nm) {
        torque_offer(torque, TORQUE_REASON_FUEL_LOW, control->fuel.bound_Nm);
    }
    if (flying != TORQUE_REASON_NONE) {
        torque_offer(torque, flying, flight->bound_Nm);
    }
    torque_offer(torque, TORQUE_REASON_LEVEL2, control->monitor.bound_Nm);
    torque_decide(torque, cal, (flight->wants_cut != 0U) || monitor_wants_cut(&control->monitor));
}

void control_tick(control_t *control, const vcu_calibration_t *cal)
{
    monitor_begin(&control->monitor);
    tick_raster(control, cal);
    demand_tick(&control->demand, cal, &control->inputs, flight_mode_is_flying(&control->flight_mode));
    monitor_sign(&control->monitor, MONITOR_STEP_DEMAND);
    flight_mode_tick(&control->flight_mode, cal, &control->inputs, control->demand.demand_Nm,
                     control->torque.granted_Nm);
    monitor_sign(&control->monitor, MONITOR_STEP_FLIGHT);
    impact_tick(&control->impact, cal, &control->inputs, &control->flight_mode);
    intake_follow(&control->intake, &control->inputs.engine_speed_rpm);
    limit_torque(control, cal);
    monitor_sign(&control->monitor, MONITOR_STEP_TORQUE);

    fault_begin(&control->fault);
    control_report_faults(control, cal);
    fault_decide(&control->fault, control->since_start_ticks < cal->fault_boot_ms,
                 (control->torque.stop_mask & TORQUE_STOP_IGNITION) != 0U);
    monitor_sign(&control->monitor, MONITOR_STEP_FAULT);
    monitor_judge(&control->monitor, cal, &control->inputs, control->torque.granted_Nm);

    inputs_age(&control->inputs, cal);
    control->has_bus_error     = 0U;
    control->since_start_ticks = numeric_count_u16(control->since_start_ticks);
}

#include "control.h"

#include "raster.h"

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

/* One module of the slow raster, then on to the next phase. */
static void tick_raster(control_t *control, const vcu_calibration_t *cal)
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
        cooling_tick(&control->cooling, cal, &control->inputs, control->temperature,
                     flight_mode_is_flying(&control->flight_mode));
        break;
    case CONTROL_PHASE_DERATE:
        derate_tick(&control->derate, cal, control->temperature, control->cooling.fans.failed_count);
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
    case CONTROL_PHASE_FUEL:
        fuel_tick(&control->fuel, cal, &control->inputs, &control->flight_mode);
        flight_evidence_learn(&control->flight_mode.evidence, cal, &control->inputs,
                              fuel_fill_ratio(&control->fuel, cal),
                              control->flight_mode.state == (uint8_t)FLIGHT_MODE_GROUND);
        break;
    case CONTROL_PHASE_MONITOR:
        monitor_tick(&control->monitor, cal, &control->inputs);
        break;
    default: /* a phase that nobody uses */
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

static void report_evidence(control_t *control)
{
    fault_t                 *fault    = &control->fault;
    const flight_evidence_t *evidence = &control->flight_mode.evidence;

    fault_report(fault, FAULT_INERTIAL_FROZEN, evidence->is_inertial_frozen != 0U);
    fault_report(fault, FAULT_INERTIAL_LOST,
                 (evidence->is_inertial_usable == 0U) && (evidence->is_inertial_frozen == 0U));
    fault_report(fault, FAULT_DAMPER_LOST,
                 (evidence->usable_corners < FLIGHT_CORNERS) && (evidence->is_damper_usable != 0U));
    fault_report(fault, FAULT_DAMPERS_LOST, evidence->is_damper_usable == 0U);
    fault_report(fault, FAULT_WHEEL_LOST, evidence->is_wheel_usable == 0U);
    fault_report(fault, FAULT_SPEED_LOST, evidence->is_speed_measured == 0U);
    fault_report(fault, FAULT_FLIGHT_TIMEOUT,
                 (control->flight_mode.has_timed_out != 0U) && (control->flight_mode.is_locked_out != 0U));
}

static void report_powertrain(control_t *control)
{
    fault_t        *fault = &control->fault;
    const inputs_t *in    = &control->inputs;

    fault_report(fault, FAULT_PEDAL_DISAGREE, control->demand.pedal == (uint8_t)DEMAND_PEDAL_DISAGREE);
    fault_report(fault, FAULT_PEDAL_SINGLE, control->demand.pedal == (uint8_t)DEMAND_PEDAL_SINGLE);
    fault_report(fault, FAULT_PEDAL_LOST, control->demand.pedal == (uint8_t)DEMAND_PEDAL_LOST);
    fault_report(fault, FAULT_ENGINE_SILENT, !signal_is_usable(&in->engine_speed_rpm));
    fault_report(fault, FAULT_GEARBOX_SILENT, !signal_is_usable(&in->gear));
    fault_report(fault, FAULT_AIR_ASSUMED, control->intake.is_assumed != 0U);
    fault_report(fault, FAULT_AIR_LEAK, control->intake.is_leaking != 0U);
    fault_report(fault, FAULT_AIR_SHORT, control->intake.is_short != 0U);
    fault_report(fault, FAULT_BUS_ERRORS, control->has_bus_error != 0U);
    fault_report(fault, FAULT_CALIBRATION_REFUSED, control->is_calibration_refused != 0U);
    fault_report(fault, FAULT_STOPPED, control->torque.stop_mask != 0U);
}

static void report_sand(control_t *control, const vcu_calibration_t *cal)
{
    fault_t          *fault       = &control->fault;
    const filter_t   *filter      = &control->filter;
    const radiator_t *radiator    = &control->radiator;
    const bool        is_loaded   = filter->index > cal->filter_warn_index;
    const bool        is_due      = filter->index > cal->filter_service_index;
    const bool        is_absurd   = filter->index > cal->filter_absurd_index;
    const bool        is_fouled   = radiator->clean_ratio < cal->radiator_warn_ratio;
    const bool        is_blocked  = radiator->clean_ratio < cal->radiator_plan_ratio;
    const bool        is_disputed = control->coolant_peers.verdict != (uint8_t)COOLANT_PEERS_AGREE;

    fault_report(fault, FAULT_FILTER_LOADED, is_loaded && !is_due);
    fault_report(fault, FAULT_FILTER_SERVICE, is_due && !is_absurd);
    fault_report(fault, FAULT_FILTER_BLOCKED, is_absurd);
    fault_report(fault, FAULT_FILTER_BYPASSED, filter->is_bypassed != 0U);
    fault_report(fault, FAULT_RADIATOR_FOULED, is_fouled && !is_blocked);
    fault_report(fault, FAULT_RADIATOR_BLOCKED, is_blocked);
    fault_report(fault, FAULT_COOLANT_DISPUTED, is_disputed);
}

static void report_monitor(control_t *control, const vcu_calibration_t *cal)
{
    fault_t         *fault   = &control->fault;
    const monitor_t *monitor = &control->monitor;

    fault_report(fault, FAULT_TORQUE_EXCEEDED, monitor->state >= (uint8_t)MONITOR_CONFIRMED);
    fault_report(fault, FAULT_ENGINE_DISOBEYS, monitor_is_disobeyed(monitor, cal));
    fault_report(fault, FAULT_FLOW_BROKEN, monitor->is_flow_right == 0U);
    fault_report(fault, FAULT_SHUT_OFF_FAILED, monitor->test == (uint8_t)MONITOR_TEST_FAILED);
}

static void report_heat(control_t *control, const vcu_calibration_t *cal)
{
    static const fault_id_t lost[TEMPERATURE_COUNT] = {
        [TEMPERATURE_COOLANT]     = FAULT_COOLANT_LOST,
        [TEMPERATURE_ENGINE_OIL]  = FAULT_OIL_LOST,
        [TEMPERATURE_CHARGE_AIR]  = FAULT_CHARGE_AIR_LOST,
        [TEMPERATURE_GEARBOX_OIL] = FAULT_GEARBOX_OIL_LOST,
    };
    static const fault_id_t hot[TEMPERATURE_COUNT] = {
        [TEMPERATURE_COOLANT]     = FAULT_COOLANT_HOT,
        [TEMPERATURE_ENGINE_OIL]  = FAULT_OIL_HOT,
        [TEMPERATURE_CHARGE_AIR]  = FAULT_CHARGE_AIR_HOT,
        [TEMPERATURE_GEARBOX_OIL] = FAULT_GEARBOX_OIL_HOT,
    };
    fault_t        *fault = &control->fault;
    const inputs_t *in    = &control->inputs;

    for (uint32_t id = 0U; id < (uint32_t)TEMPERATURE_COUNT; id++) {
        const temperature_t *temperature = &control->temperature[id];

        fault_report(fault, lost[id], temperature_is_lost(temperature));
        fault_report(fault, hot[id],
                     temperature_is_believed(temperature) && (temperature->degC > cal->derate_start_degC[id]));
    }
    fault_report(fault, FAULT_FAN_FAILED, control->cooling.fans.failed_count > 0U);
    fault_report(fault, FAULT_FAN_UNHEARD, !signal_is_usable(&in->fan_1_current_A));
    fault_report(fault, FAULT_SUPPLY_LOW, control->cooling.shed > 0U);
    fault_report(fault, FAULT_SUPPLY_LOST, !signal_is_usable(&in->battery_V));
}

static void report_fuel(control_t *control)
{
    fault_t      *fault = &control->fault;
    const fuel_t *fuel  = &control->fuel;

    fault_report(fault, FAULT_FUEL_SENDER_LOST,
                 !signal_is_usable(&control->inputs.fuel_sender_a_L) ||
                     !signal_is_usable(&control->inputs.fuel_sender_b_L));
    fault_report(fault, FAULT_FUEL_SENDER_STUCK, (fuel->sender[0].is_stuck != 0U) || (fuel->sender[1].is_stuck != 0U));
    fault_report(fault, FAULT_FUEL_SENDERS_DIFFER, fuel->is_disagreeing != 0U);
    fault_report(fault, FAULT_FUEL_OUTVOTED, fuel->outvoted_rounds > 0U);
    fault_report(fault, FAULT_FUEL_FLOW_LOST, fuel->is_flow_believed == 0U);
    fault_report(fault, FAULT_COLLECTOR_LOST, !signal_is_usable(&control->inputs.collector_pct));
    fault_report(fault, FAULT_COLLECTOR_LOW, fuel->is_collector_low != 0U);
    fault_report(fault, FAULT_FUEL_LOW, fuel->stage == (uint8_t)FUEL_STAGE_LOW);
    fault_report(fault, FAULT_FUEL_RESERVE, fuel->stage == (uint8_t)FUEL_STAGE_RESERVE);
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
    report_evidence(control);
    report_powertrain(control);
    report_heat(control, cal);
    report_sand(control, cal);
    report_fuel(control);
    report_monitor(control, cal);
    fault_decide(&control->fault, control->since_start_ticks < cal->fault_boot_ms,
                 (control->torque.stop_mask & TORQUE_STOP_IGNITION) != 0U);
    monitor_sign(&control->monitor, MONITOR_STEP_FAULT);
    monitor_judge(&control->monitor, cal, &control->inputs, control->torque.granted_Nm);

    inputs_age(&control->inputs, cal);
    control->has_bus_error     = 0U;
    control->since_start_ticks = numeric_count_u16(control->since_start_ticks);
}

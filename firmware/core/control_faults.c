#include "control_faults.h"

#include "codes.h"

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

static void report_powertrain(control_t *control, const vcu_calibration_t *cal)
{
    fault_t        *fault = &control->fault;
    const inputs_t *in    = &control->inputs;

    /* a track that has come back is doubted for a while, but it never disagreed */
    fault_report(fault, FAULT_PEDAL_DISAGREE,
                 (control->demand.pedal == (uint8_t)DEMAND_PEDAL_DISAGREE) && (control->demand.has_differed != 0U));
    fault_report(fault, FAULT_PEDAL_SINGLE, control->demand.pedal == (uint8_t)DEMAND_PEDAL_SINGLE);
    fault_report(fault, FAULT_PEDAL_LOST, control->demand.pedal == (uint8_t)DEMAND_PEDAL_LOST);
    fault_report(fault, FAULT_ENGINE_SILENT, !signal_is_usable(&in->engine_speed_rpm));
    fault_report(fault, FAULT_KEY_DISPUTED, signal_shows(&in->ignition, IGNITION_OFF) && cooling_is_turning(cal, in));
    fault_report(fault, FAULT_SPEEDS_DISAGREE, torque_is_speed_doubted(&control->torque, cal));
    fault_report(fault, FAULT_GEARBOX_SILENT, !signal_is_usable(&in->gear));
    fault_report(fault, FAULT_AIR_ASSUMED, control->intake.is_assumed != 0U);
    fault_report(fault, FAULT_AIR_LEAK, control->intake.is_leaking != 0U);
    fault_report(fault, FAULT_AIR_SHORT, control->intake.is_short != 0U);
    fault_report(fault, FAULT_BUS_ERRORS, control->has_bus_error != 0U);
    fault_report(fault, FAULT_CALIBRATION_REFUSED, control->is_calibration_refused != 0U);
    fault_report(fault, FAULT_STOPPED, (control->torque.stop_mask & TORQUE_STOP_KILL_SWITCH) != 0U);
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
    fault_report(fault, FAULT_FAN_UNHEARD,
                 !(signal_is_usable(&in->fan_1_current_A) && signal_is_usable(&in->fan_2_current_A) &&
                   signal_is_usable(&in->fan_3_current_A) && signal_is_usable(&in->fan_4_current_A)));
    fault_report(fault, FAULT_SUPPLY_LOW, (control->cooling.shed > 0U) || (control->cooling.is_denied != 0U));
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

void control_report_faults(control_t *control, const vcu_calibration_t *cal)
{
    report_evidence(control);
    report_powertrain(control, cal);
    report_heat(control, cal);
    report_sand(control, cal);
    report_fuel(control);
    report_monitor(control, cal);
}

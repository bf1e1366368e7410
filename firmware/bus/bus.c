#include "bus.h"

#include <stddef.h>

#include "bus_codec.h"
#include "bus_identity.h"
#include "numeric.h"

#define FRAME_BYTES 8U
#define COUNTER_BYTE 6U
#define CRC_BYTE 7U
#define COUNTER_MASK 15U

/* ---- what is received, in the order of inputs_group_t */

typedef struct {
    uint32_t id;
    uint8_t  is_protected;
} received_t;

static const received_t received[BUS_RECEIVED] = {
    [INPUTS_GROUP_ACCEL]    = {BUS_CODEC_INERTIAL_ACCEL_FRAME_ID, 1U},
    [INPUTS_GROUP_RATE]     = {BUS_CODEC_INERTIAL_RATE_FRAME_ID, 1U},
    [INPUTS_GROUP_DAMPER]   = {BUS_CODEC_DAMPER_TRAVEL_FRAME_ID, 1U},
    [INPUTS_GROUP_WHEEL]    = {BUS_CODEC_WHEEL_SPEEDS_FRAME_ID, 1U},
    [INPUTS_GROUP_ENGINE]   = {BUS_CODEC_ENGINE_STATE_FRAME_ID, 1U},
    [INPUTS_GROUP_GEARBOX]  = {BUS_CODEC_GEARBOX_STATE_FRAME_ID, 1U},
    [INPUTS_GROUP_DRIVER]   = {BUS_CODEC_DRIVER_DEMAND_FRAME_ID, 1U},
    [INPUTS_GROUP_MOTION]   = {BUS_CODEC_VEHICLE_MOTION_FRAME_ID, 1U},
    [INPUTS_GROUP_AIR_PATH] = {BUS_CODEC_AIR_PATH_FRAME_ID, 1U},
    [INPUTS_GROUP_THERMAL]  = {BUS_CODEC_THERMAL_STATE_FRAME_ID, 1U},
    [INPUTS_GROUP_FAN]      = {BUS_CODEC_FAN_FEEDBACK_FRAME_ID, 0U},
    [INPUTS_GROUP_FUEL]     = {BUS_CODEC_FUEL_SENDERS_FRAME_ID, 0U},
    [INPUTS_GROUP_AMBIENT]  = {BUS_CODEC_AMBIENT_STATE_FRAME_ID, 0U},
};

/* ---- what is sent, in the order of bus_sent_t */

typedef struct {
    uint32_t id;
    uint16_t period_ms;
    uint16_t delay_ms; /* spreads the slow messages over the second */
    uint8_t  is_protected;
} sent_t;

static const sent_t sent[BUS_SENT_COUNT] = {
    [BUS_SENT_TORQUE_COMMAND]  = {BUS_CODEC_TORQUE_COMMAND_FRAME_ID, BUS_CODEC_TORQUE_COMMAND_CYCLE_TIME_MS, 0U, 1U},
    [BUS_SENT_FLIGHT_STATUS]   = {BUS_CODEC_FLIGHT_STATUS_FRAME_ID, BUS_CODEC_FLIGHT_STATUS_CYCLE_TIME_MS, 1U, 1U},
    [BUS_SENT_COOLING_COMMAND] = {BUS_CODEC_COOLING_COMMAND_FRAME_ID, BUS_CODEC_COOLING_COMMAND_CYCLE_TIME_MS, 2U, 1U},
    [BUS_SENT_FAULT_STATUS]    = {BUS_CODEC_FAULT_STATUS_FRAME_ID, BUS_CODEC_FAULT_STATUS_CYCLE_TIME_MS, 3U, 0U},
    [BUS_SENT_INTAKE_STATUS]   = {BUS_CODEC_INTAKE_STATUS_FRAME_ID, BUS_CODEC_INTAKE_STATUS_CYCLE_TIME_MS, 104U, 0U},
    [BUS_SENT_IDENTITY]        = {BUS_CODEC_IDENTITY_FRAME_ID, BUS_CODEC_IDENTITY_CYCLE_TIME_MS, 304U, 0U},
};

/* The codes of core and bus are one. */
_Static_assert(TORQUE_REASON_STOP == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_STOP_CHOICE, "LimitReason");
_Static_assert(TORQUE_REASON_SLEW == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_SLEW_CHOICE, "LimitReason");
_Static_assert(TORQUE_REASON_FLIGHT_RAMP == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_FLIGHT_RAMP_CHOICE, "LimitReason");
_Static_assert(FLIGHT_MODE_RAMP == BUS_CODEC_FLIGHT_STATUS_FLIGHT_STATE_RAMP_CHOICE, "FlightState");
_Static_assert(FLIGHT_MODE_DETECTOR_OFF == BUS_CODEC_FLIGHT_STATUS_DETECTOR_MODE_OFF_CHOICE, "DetectorMode");
_Static_assert(COOLING_RUN_ON == BUS_CODEC_COOLING_COMMAND_COOLING_STATE_RUN_ON_CHOICE, "CoolingState");
_Static_assert(FAULT_SEVERITY_STOP == BUS_CODEC_FAULT_STATUS_FAULT_SEVERITY_STOP_CHOICE, "FaultSeverity");
_Static_assert(FAULT_STOPPED == BUS_CODEC_FAULT_STATUS_NEWEST_FAULT_STOPPED_CHOICE, "NewestFault");

void bus_init(bus_t *bus)
{
    *bus = (bus_t){.pending_mask = 0U};
    for (uint32_t i = 0U; i < (uint32_t)BUS_RECEIVED; i++) {
        bus->last_counter[i] = BUS_COUNTER_UNKNOWN;
    }
    for (uint32_t i = 0U; i < (uint32_t)BUS_SENT_COUNT; i++) {
        bus->countdown_ms[i] = sent[i].delay_ms;
    }
}

/* One step of four bits: a table of 16 bytes instead of 256. */
static uint8_t crc_nibble(uint8_t crc, uint32_t nibble)
{
    static const uint8_t table[16] = {0x00U, 0x1DU, 0x3AU, 0x27U, 0x74U, 0x69U, 0x4EU, 0x53U,
                                      0xE8U, 0xF5U, 0xD2U, 0xCFU, 0x9CU, 0x81U, 0xA6U, 0xBBU};
    const uint32_t index           = (((uint32_t)crc >> 4) ^ nibble) & 15U;

    return (uint8_t)(((uint32_t)crc << 4) ^ table[index]);
}

static uint8_t crc_byte(uint8_t crc, uint32_t byte)
{
    return crc_nibble(crc_nibble(crc, byte >> 4), byte & 15U);
}

uint8_t bus_crc(const uint8_t *bytes, uint32_t length, uint32_t id)
{
    uint8_t crc = 0xFFU;

    for (uint32_t i = 0U; i < length; i++) {
        crc = crc_byte(crc, bytes[i]);
    }
    crc = crc_byte(crc, id & 0xFFU);
    crc = crc_byte(crc, (id >> 8) & 0xFFU);
    return (uint8_t)(crc ^ 0xFFU);
}

/* ---- reception: one function a message, each a list of what the message brings */

#define SENSOR_OK BUS_CODEC_INERTIAL_ACCEL_ACCEL_STATUS_OK_CHOICE
#define SENSOR_DEGRADED BUS_CODEC_INERTIAL_ACCEL_ACCEL_STATUS_DEGRADED_CHOICE

static bool is_sensor_well(uint32_t status)
{
    return (status == SENSOR_OK) || (status == SENSOR_DEGRADED);
}

static void set_or_invalidate(inputs_t *inputs, inputs_index_t index, bool is_well, float value)
{
    if (is_well) {
        inputs_set(inputs, index, value);
    } else {
        inputs_invalidate(inputs, index);
    }
}

static void take_accel(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_inertial_accel_t m;

    (void)bus_codec_inertial_accel_unpack(&m, data, FRAME_BYTES);
    const bool is_well = is_sensor_well(m.accel_status);

    set_or_invalidate(inputs, INPUTS_INDEX_specific_force_x_mps2, is_well,
                      bus_codec_inertial_accel_specific_force_x_mps2_decode(m.specific_force_x_mps2));
    set_or_invalidate(inputs, INPUTS_INDEX_specific_force_y_mps2, is_well,
                      bus_codec_inertial_accel_specific_force_y_mps2_decode(m.specific_force_y_mps2));
    set_or_invalidate(inputs, INPUTS_INDEX_specific_force_z_mps2, is_well,
                      bus_codec_inertial_accel_specific_force_z_mps2_decode(m.specific_force_z_mps2));
}

static void take_rate(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_inertial_rate_t m;

    (void)bus_codec_inertial_rate_unpack(&m, data, FRAME_BYTES);
    const bool is_well = is_sensor_well(m.rate_status);

    set_or_invalidate(inputs, INPUTS_INDEX_roll_rate_radps, is_well,
                      bus_codec_inertial_rate_roll_rate_radps_decode(m.roll_rate_radps));
    set_or_invalidate(inputs, INPUTS_INDEX_pitch_rate_radps, is_well,
                      bus_codec_inertial_rate_pitch_rate_radps_decode(m.pitch_rate_radps));
    set_or_invalidate(inputs, INPUTS_INDEX_yaw_rate_radps, is_well,
                      bus_codec_inertial_rate_yaw_rate_radps_decode(m.yaw_rate_radps));
}

static void take_damper(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_damper_travel_t m;

    (void)bus_codec_damper_travel_unpack(&m, data, FRAME_BYTES);
    const bool is_well = is_sensor_well(m.damper_status);

    set_or_invalidate(inputs, INPUTS_INDEX_damper_travel_fl_mm, is_well,
                      bus_codec_damper_travel_damper_travel_fl_mm_decode(m.damper_travel_fl_mm));
    set_or_invalidate(inputs, INPUTS_INDEX_damper_travel_fr_mm, is_well,
                      bus_codec_damper_travel_damper_travel_fr_mm_decode(m.damper_travel_fr_mm));
    set_or_invalidate(inputs, INPUTS_INDEX_damper_travel_rl_mm, is_well,
                      bus_codec_damper_travel_damper_travel_rl_mm_decode(m.damper_travel_rl_mm));
    set_or_invalidate(inputs, INPUTS_INDEX_damper_travel_rr_mm, is_well,
                      bus_codec_damper_travel_damper_travel_rr_mm_decode(m.damper_travel_rr_mm));
}

static void take_wheel(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_wheel_speeds_t m;

    (void)bus_codec_wheel_speeds_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_wheel_speed_fl_radps,
               bus_codec_wheel_speeds_wheel_speed_fl_radps_decode(m.wheel_speed_fl_radps));
    inputs_set(inputs, INPUTS_INDEX_wheel_speed_fr_radps,
               bus_codec_wheel_speeds_wheel_speed_fr_radps_decode(m.wheel_speed_fr_radps));
    inputs_set(inputs, INPUTS_INDEX_wheel_speed_rl_radps,
               bus_codec_wheel_speeds_wheel_speed_rl_radps_decode(m.wheel_speed_rl_radps));
    inputs_set(inputs, INPUTS_INDEX_wheel_speed_rr_radps,
               bus_codec_wheel_speeds_wheel_speed_rr_radps_decode(m.wheel_speed_rr_radps));
}

static void take_engine(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_engine_state_t m;

    (void)bus_codec_engine_state_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_engine_speed_rpm,
               bus_codec_engine_state_engine_speed_rpm_decode(m.engine_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_engine_torque_Nm,
               bus_codec_engine_state_engine_torque_nm_decode(m.engine_torque_nm));
    inputs_set(inputs, INPUTS_INDEX_throttle_pct, bus_codec_engine_state_throttle_pct_decode(m.throttle_pct));
    inputs_set(inputs, INPUTS_INDEX_engine_status, (float)m.engine_status);
    inputs_set(inputs, INPUTS_INDEX_ignition, (float)m.ignition);
}

static void take_gearbox(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_gearbox_state_t m;

    (void)bus_codec_gearbox_state_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_gear, (float)m.gear);
    inputs_set(inputs, INPUTS_INDEX_target_gear, (float)m.target_gear);
    inputs_set(inputs, INPUTS_INDEX_turbine_speed_rpm,
               bus_codec_gearbox_state_turbine_speed_rpm_decode(m.turbine_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_lock_up, (float)m.lock_up_clutch);
    inputs_set(inputs, INPUTS_INDEX_gearbox_oil_degC,
               bus_codec_gearbox_state_gearbox_oil_deg_c_decode(m.gearbox_oil_deg_c));
    inputs_set(inputs, INPUTS_INDEX_transfer_range, (float)m.transfer_range);
}

static void take_driver(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_driver_demand_t m;

    (void)bus_codec_driver_demand_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_accelerator_1_pct,
               bus_codec_driver_demand_accelerator_track1_pct_decode(m.accelerator_track1_pct));
    inputs_set(inputs, INPUTS_INDEX_accelerator_2_pct,
               bus_codec_driver_demand_accelerator_track2_pct_decode(m.accelerator_track2_pct));
    inputs_set(inputs, INPUTS_INDEX_brake_pct, bus_codec_driver_demand_brake_pedal_pct_decode(m.brake_pedal_pct));
    inputs_set(inputs, INPUTS_INDEX_flight_switch, (float)m.flight_mode_switch);
    inputs_set(inputs, INPUTS_INDEX_fan_switch, (float)m.fan_switch);
    inputs_set(inputs, INPUTS_INDEX_kill_switch, (float)m.kill_switch);
}

static void take_motion(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_vehicle_motion_t m;

    (void)bus_codec_vehicle_motion_unpack(&m, data, FRAME_BYTES);
    const bool is_well = (m.motion_status == BUS_CODEC_VEHICLE_MOTION_MOTION_STATUS_FIX2_D_CHOICE) ||
                         (m.motion_status == BUS_CODEC_VEHICLE_MOTION_MOTION_STATUS_FIX3_D_CHOICE);

    set_or_invalidate(inputs, INPUTS_INDEX_ground_speed_mps, is_well,
                      bus_codec_vehicle_motion_ground_speed_mps_decode(m.ground_speed_mps));
    set_or_invalidate(inputs, INPUTS_INDEX_climb_rate_mps, is_well,
                      bus_codec_vehicle_motion_climb_rate_mps_decode(m.climb_rate_mps));
}

static void take_air_path(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_air_path_t m;

    (void)bus_codec_air_path_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_filter_dp_kPa, bus_codec_air_path_filter_dp_k_pa_decode(m.filter_dp_k_pa));
    inputs_set(inputs, INPUTS_INDEX_mass_air_flow_gps,
               bus_codec_air_path_mass_air_flow_gps_decode(m.mass_air_flow_gps));
    inputs_set(inputs, INPUTS_INDEX_intake_air_degC, bus_codec_air_path_intake_air_deg_c_decode(m.intake_air_deg_c));
}

static void take_thermal(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_thermal_state_t m;

    (void)bus_codec_thermal_state_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_coolant_in_degC,
               bus_codec_thermal_state_coolant_in_deg_c_decode(m.coolant_in_deg_c));
    inputs_set(inputs, INPUTS_INDEX_coolant_out_degC,
               bus_codec_thermal_state_coolant_out_deg_c_decode(m.coolant_out_deg_c));
    inputs_set(inputs, INPUTS_INDEX_engine_oil_degC,
               bus_codec_thermal_state_engine_oil_deg_c_decode(m.engine_oil_deg_c));
    inputs_set(inputs, INPUTS_INDEX_charge_air_degC,
               bus_codec_thermal_state_charge_air_deg_c_decode(m.charge_air_deg_c));
}

static void take_fan(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_fan_feedback_t m;

    (void)bus_codec_fan_feedback_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_fan_1_speed_rpm, bus_codec_fan_feedback_fan1_speed_rpm_decode(m.fan1_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_fan_1_current_A, bus_codec_fan_feedback_fan1_current_a_decode(m.fan1_current_a));
    inputs_set(inputs, INPUTS_INDEX_fan_2_speed_rpm, bus_codec_fan_feedback_fan2_speed_rpm_decode(m.fan2_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_fan_2_current_A, bus_codec_fan_feedback_fan2_current_a_decode(m.fan2_current_a));
    inputs_set(inputs, INPUTS_INDEX_fan_3_speed_rpm, bus_codec_fan_feedback_fan3_speed_rpm_decode(m.fan3_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_fan_3_current_A, bus_codec_fan_feedback_fan3_current_a_decode(m.fan3_current_a));
    inputs_set(inputs, INPUTS_INDEX_fan_4_speed_rpm, bus_codec_fan_feedback_fan4_speed_rpm_decode(m.fan4_speed_rpm));
    inputs_set(inputs, INPUTS_INDEX_fan_4_current_A, bus_codec_fan_feedback_fan4_current_a_decode(m.fan4_current_a));
}

static void take_fuel(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_fuel_senders_t m;

    (void)bus_codec_fuel_senders_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_fuel_sender_a_L, bus_codec_fuel_senders_fuel_sender_a_l_decode(m.fuel_sender_a_l));
    inputs_set(inputs, INPUTS_INDEX_fuel_sender_b_L, bus_codec_fuel_senders_fuel_sender_b_l_decode(m.fuel_sender_b_l));
    inputs_set(inputs, INPUTS_INDEX_collector_pct, bus_codec_fuel_senders_collector_pct_decode(m.collector_pct));
    inputs_set(inputs, INPUTS_INDEX_injected_fuel_mlps,
               bus_codec_fuel_senders_injected_fuel_mlps_decode(m.injected_fuel_mlps));
}

static void take_ambient(inputs_t *inputs, const uint8_t *data)
{
    struct bus_codec_ambient_state_t m;

    (void)bus_codec_ambient_state_unpack(&m, data, FRAME_BYTES);
    inputs_set(inputs, INPUTS_INDEX_ambient_degC, bus_codec_ambient_state_ambient_deg_c_decode(m.ambient_deg_c));
    inputs_set(inputs, INPUTS_INDEX_ambient_pressure_kPa,
               bus_codec_ambient_state_ambient_pressure_k_pa_decode(m.ambient_pressure_k_pa));
    inputs_set(inputs, INPUTS_INDEX_battery_V, bus_codec_ambient_state_battery_v_decode(m.battery_v));
}

static void take(inputs_t *inputs, inputs_group_t group, const uint8_t *data)
{
    switch (group) {
    case INPUTS_GROUP_ACCEL:
        take_accel(inputs, data);
        break;
    case INPUTS_GROUP_RATE:
        take_rate(inputs, data);
        break;
    case INPUTS_GROUP_DAMPER:
        take_damper(inputs, data);
        break;
    case INPUTS_GROUP_WHEEL:
        take_wheel(inputs, data);
        break;
    case INPUTS_GROUP_ENGINE:
        take_engine(inputs, data);
        break;
    case INPUTS_GROUP_GEARBOX:
        take_gearbox(inputs, data);
        break;
    case INPUTS_GROUP_DRIVER:
        take_driver(inputs, data);
        break;
    case INPUTS_GROUP_MOTION:
        take_motion(inputs, data);
        break;
    case INPUTS_GROUP_AIR_PATH:
        take_air_path(inputs, data);
        break;
    case INPUTS_GROUP_THERMAL:
        take_thermal(inputs, data);
        break;
    case INPUTS_GROUP_FAN:
        take_fan(inputs, data);
        break;
    case INPUTS_GROUP_FUEL:
        take_fuel(inputs, data);
        break;
    case INPUTS_GROUP_AMBIENT:
        take_ambient(inputs, data);
        break;
    case INPUTS_GROUP_COUNT:
        break;
    }
}

static inputs_group_t group_of(const can_frame_t *frame)
{
    inputs_group_t group = INPUTS_GROUP_COUNT;

    if (frame->flags == 0U) { /* a standard data frame */
        for (uint32_t i = 0U; i < (uint32_t)BUS_RECEIVED; i++) {
            if (received[i].id == frame->id) {
                group = (inputs_group_t)i;
            }
        }
    }
    return group;
}

/* Frames that the counter shows to be missing between the last one and this. */
static uint32_t missing_between(uint32_t last, uint32_t counter)
{
    return (last == BUS_COUNTER_UNKNOWN) ? 0U : ((counter - last - 1U) & COUNTER_MASK);
}

static bus_result_t check(const bus_t *bus, const can_frame_t *frame, inputs_group_t group)
{
    bus_result_t result = BUS_RESULT_ACCEPTED;

    if (frame->length != FRAME_BYTES) {
        result = BUS_RESULT_LENGTH;
    } else if (received[group].is_protected == 0U) {
        result = BUS_RESULT_ACCEPTED;
    } else if (bus_crc(frame->data, CRC_BYTE, frame->id) != frame->data[CRC_BYTE]) {
        result = BUS_RESULT_CRC;
    } else if (bus->last_counter[group] == ((uint32_t)frame->data[COUNTER_BYTE] >> 4)) {
        result = BUS_RESULT_REPEATED;
    } else {
        result = BUS_RESULT_ACCEPTED;
    }
    return result;
}

bus_result_t bus_receive(bus_t *bus, inputs_t *inputs, const can_frame_t *frame)
{
    const inputs_group_t group  = group_of(frame);
    bus_result_t         result = BUS_RESULT_FOREIGN;

    if (group != INPUTS_GROUP_COUNT) {
        result = check(bus, frame, group);
        if (result != BUS_RESULT_ACCEPTED) {
            bus->rejected_count[group] = numeric_count_u32(bus->rejected_count[group]);
        } else {
            if (received[group].is_protected != 0U) {
                const uint32_t counter = (uint32_t)frame->data[COUNTER_BYTE] >> 4;

                bus->lost_count[group] += missing_between(bus->last_counter[group], counter);
                bus->last_counter[group] = (uint8_t)counter;
            }
            bus->accepted_count[group] = numeric_count_u32(bus->accepted_count[group]);
            take(inputs, group, frame->data);
        }
    }
    return result;
}

void bus_schedule(bus_t *bus)
{
    for (uint32_t i = 0U; i < (uint32_t)BUS_SENT_COUNT; i++) {
        if (bus->countdown_ms[i] > 0U) {
            bus->countdown_ms[i]--;
        } else {
            const uint32_t bit = 1UL << i;

            if ((bus->pending_mask & bit) != 0U) {
                bus->overrun_count = numeric_count_u32(bus->overrun_count);
            }
            bus->pending_mask    = (uint8_t)(bus->pending_mask | bit);
            bus->countdown_ms[i] = (uint16_t)(sent[i].period_ms - 1U);
        }
    }
}

/* ---- sending: saturate in physical units, then round by half a step, since the codec truncates */

static float ready(float value, float low, float high, float step)
{
    return numeric_clamp(value, low, high) + (0.5f * step);
}

static float torque_Nm(float value)
{
    return ready(value, -500.0f, 1546.5f, 0.5f);
}

static void put_torque(const control_t *control, uint8_t *data)
{
    const torque_t                          *torque = &control->torque;
    const struct bus_codec_torque_command_t m      = {
        .granted_torque_nm  = bus_codec_torque_command_granted_torque_nm_encode(torque_Nm(torque->granted_Nm)),
        .air_path_torque_nm = bus_codec_torque_command_air_path_torque_nm_encode(torque_Nm(torque->air_path_Nm)),
        .demand_torque_nm   = bus_codec_torque_command_demand_torque_nm_encode(torque_Nm(torque->demand_Nm)),
        .limit_reason       = torque->reason,
        .limit_runner_up    = torque->runner_up,
        .shift_inhibit      = numeric_flag(flight_mode_is_flying(&control->flight_mode)),
        .engine_cut         = torque->is_cut,
    };

    (void)bus_codec_torque_command_pack(data, &m, FRAME_BYTES);
}

static uint8_t contact_of(const flight_corner_t *corner)
{
    uint8_t contact = BUS_CODEC_FLIGHT_STATUS_CORNER_FL_UNKNOWN_CHOICE;

    if (corner->is_usable != 0U) {
        contact = (corner->is_out != 0U) ? BUS_CODEC_FLIGHT_STATUS_CORNER_FL_UNLOADED_CHOICE
                                         : BUS_CODEC_FLIGHT_STATUS_CORNER_FL_CONTACT_CHOICE;
    }
    return contact;
}

static uint8_t is_missing(const flight_mode_t *flight, uint32_t bit)
{
    return numeric_flag((flight->missing_mask & bit) != 0U);
}

static void put_flight(const control_t *control, uint8_t *data)
{
    const flight_mode_t *flight    = &control->flight_mode;
    const bool           is_in_air = flight->state == (uint8_t)FLIGHT_MODE_AIR;
    const float          air_ms    = (float)(is_in_air ? flight->air_ticks : flight->record.air_time_ms);
    const struct bus_codec_flight_status_t m = {
        .flight_state     = flight->state,
        .corner_fl        = contact_of(&flight->evidence.corner[0]),
        .corner_fr        = contact_of(&flight->evidence.corner[1]),
        .corner_rl        = contact_of(&flight->evidence.corner[2]),
        .corner_rr        = contact_of(&flight->evidence.corner[3]),
        .air_time_ms      = bus_codec_flight_status_air_time_ms_encode(ready(air_ms, 0.0f, 4094.0f, 1.0f)),
        .confidence_pct   = flight->confidence_pct,
        .inertial_missing = is_missing(flight, FLIGHT_MODE_MISSING_INERTIAL),
        .dampers_missing  = is_missing(flight, FLIGHT_MODE_MISSING_DAMPERS),
        .wheels_missing   = is_missing(flight, FLIGHT_MODE_MISSING_WHEELS),
        .speed_missing    = is_missing(flight, FLIGHT_MODE_MISSING_SPEED),
        .rough_road       = flight->is_rough,
        .flight_count     = (uint8_t)(flight->flight_count & 0xFFU),
        .detector_mode    = flight->detector_mode,
    };

    (void)bus_codec_flight_status_pack(data, &m, FRAME_BYTES);
}

static float duty_pct(float value)
{
    return ready(value, 0.0f, 127.0f, 0.5f);
}

static void put_cooling(const control_t *control, uint8_t *data)
{
    const cooling_t *cooling                   = &control->cooling;
    const fan_t     *fan                       = cooling->fans.fan;
    const struct bus_codec_cooling_command_t m = {
        .fan1_duty_pct = bus_codec_cooling_command_fan1_duty_pct_encode(duty_pct(fan[0].duty_pct)),
        .fan2_duty_pct = bus_codec_cooling_command_fan2_duty_pct_encode(duty_pct(fan[1].duty_pct)),
        .fan3_duty_pct = bus_codec_cooling_command_fan3_duty_pct_encode(duty_pct(fan[2].duty_pct)),
        .fan4_duty_pct = bus_codec_cooling_command_fan4_duty_pct_encode(duty_pct(fan[3].duty_pct)),
        .pump_duty_pct = bus_codec_cooling_command_pump_duty_pct_encode(duty_pct(cooling->pump_pct)),
        .cooling_state = cooling->state,
        .fan_stage     = cooling->stage,
    };

    (void)bus_codec_cooling_command_pack(data, &m, FRAME_BYTES);
}

static void put_fault(const control_t *control, uint8_t *data)
{
    const struct bus_codec_fault_status_t m = {
        .fault_severity = control->fault.severity,
        .fault_count    = control->fault.count,
        .newest_fault   = control->fault.newest,
    };

    (void)bus_codec_fault_status_pack(data, &m, FRAME_BYTES);
}

static void put_intake(const control_t *control, uint8_t *data)
{
    const intake_t                         *intake = &control->intake;
    const struct bus_codec_intake_status_t m       = {
        .filter_loss_k_pa =
            bus_codec_intake_status_filter_loss_k_pa_encode(ready(intake->filter_loss_kPa, 0.0f, 40.93f, 0.01f)),
        .choked_flow_gps =
            bus_codec_intake_status_choked_flow_gps_encode(ready(intake->choked_flow_gps, 0.0f, 409.3f, 0.1f)),
        .air_power_cap_k_w =
            bus_codec_intake_status_air_power_cap_k_w_encode(ready(intake->power_cap_kW, 0.0f, 409.3f, 0.1f)),
        .air_torque_cap_nm = bus_codec_intake_status_air_torque_cap_nm_encode(torque_Nm(intake->torque_cap_Nm)),
        .intake_assumed    = intake->is_assumed,
    };

    (void)bus_codec_intake_status_pack(data, &m, FRAME_BYTES);
}

static void put_identity(uint32_t calibration_hash, uint8_t *data)
{
    const struct bus_codec_identity_t m = {
        .build_id       = BUS_IDENTITY_BUILD & 0xFFFFFFU,
        .calibration_id = calibration_hash & 0xFFFFFFU,
        .layout_hash    = BUS_IDENTITY_LAYOUT & 0xFFFFU,
    };

    (void)bus_codec_identity_pack(data, &m, FRAME_BYTES);
}

static void put(const control_t *control, uint32_t calibration_hash, bus_sent_t message, uint8_t *data)
{
    switch (message) {
    case BUS_SENT_TORQUE_COMMAND:
        put_torque(control, data);
        break;
    case BUS_SENT_FLIGHT_STATUS:
        put_flight(control, data);
        break;
    case BUS_SENT_COOLING_COMMAND:
        put_cooling(control, data);
        break;
    case BUS_SENT_FAULT_STATUS:
        put_fault(control, data);
        break;
    case BUS_SENT_INTAKE_STATUS:
        put_intake(control, data);
        break;
    case BUS_SENT_IDENTITY:
        put_identity(calibration_hash, data);
        break;
    case BUS_SENT_COUNT:
        break;
    }
}

static void protect(bus_t *bus, bus_sent_t message, can_frame_t *frame)
{
    const uint32_t counter = bus->send_counter[message];

    frame->data[COUNTER_BYTE]  = (uint8_t)(frame->data[COUNTER_BYTE] | (counter << 4));
    frame->data[CRC_BYTE]      = bus_crc(frame->data, CRC_BYTE, frame->id);
    bus->send_counter[message] = (uint8_t)((counter + 1U) & COUNTER_MASK);
}

bool bus_fetch(bus_t *bus, const control_t *control, uint32_t calibration_hash, can_frame_t *frame)
{
    bool has_frame = false;

    for (uint32_t i = 0U; (i < (uint32_t)BUS_SENT_COUNT) && !has_frame; i++) {
        const uint32_t bit = 1UL << i;

        if ((bus->pending_mask & bit) != 0U) {
            *frame            = (can_frame_t){.id = sent[i].id, .length = FRAME_BYTES};
            bus->pending_mask = (uint8_t)(bus->pending_mask & ~bit);
            put(control, calibration_hash, (bus_sent_t)i, frame->data);
            if (sent[i].is_protected != 0U) {
                protect(bus, (bus_sent_t)i, frame);
            }
            has_frame = true;
        }
    }
    return has_frame;
}

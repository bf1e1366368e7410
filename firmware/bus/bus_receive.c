#include "bus.h"
#include "bus_codec.h"
#include "codes.h"
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

/* ---- reception: one function a message, each a list of what the message brings */

/* The modules' codes are those of the bus. */
_Static_assert(ENGINE_STOPPED == BUS_CODEC_ENGINE_STATE_ENGINE_STATUS_STOPPED_CHOICE, "ENGINE_STOPPED");
_Static_assert(ENGINE_CRANKING == BUS_CODEC_ENGINE_STATE_ENGINE_STATUS_CRANKING_CHOICE, "ENGINE_CRANKING");
_Static_assert(ENGINE_RUNNING == BUS_CODEC_ENGINE_STATE_ENGINE_STATUS_RUNNING_CHOICE, "ENGINE_RUNNING");
_Static_assert(IGNITION_OFF == BUS_CODEC_ENGINE_STATE_IGNITION_OFF_CHOICE, "IGNITION_OFF");
_Static_assert(IGNITION_ON == BUS_CODEC_ENGINE_STATE_IGNITION_ON_CHOICE, "IGNITION_ON");
_Static_assert(KILL_SWITCH_RUN == BUS_CODEC_DRIVER_DEMAND_KILL_SWITCH_RUN_CHOICE, "KILL_SWITCH_RUN");
_Static_assert(KILL_SWITCH_STOP == BUS_CODEC_DRIVER_DEMAND_KILL_SWITCH_STOP_CHOICE, "KILL_SWITCH_STOP");
_Static_assert(FAN_SWITCH_AUTO == BUS_CODEC_DRIVER_DEMAND_FAN_SWITCH_AUTO_CHOICE, "FAN_SWITCH_AUTO");
_Static_assert(FAN_SWITCH_ALL_ON == BUS_CODEC_DRIVER_DEMAND_FAN_SWITCH_ALL_ON_CHOICE, "FAN_SWITCH_ALL_ON");
_Static_assert(FLIGHT_SWITCH_OFF == BUS_CODEC_DRIVER_DEMAND_FLIGHT_MODE_SWITCH_OFF_CHOICE, "FLIGHT_SWITCH_OFF");
_Static_assert(GEAR_NEUTRAL == BUS_CODEC_GEARBOX_STATE_GEAR_NEUTRAL_CHOICE, "GEAR_NEUTRAL");
_Static_assert(GEAR_REVERSE == BUS_CODEC_GEARBOX_STATE_GEAR_REVERSE_CHOICE, "GEAR_REVERSE");
_Static_assert(GEAR_PARK == BUS_CODEC_GEARBOX_STATE_GEAR_PARK_CHOICE, "GEAR_PARK");

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

/* Messages of the chassis and the powertrain, then all others: one switch would be too long to read. */
static void take_fast(inputs_t *inputs, uint32_t group, const uint8_t *data)
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
    }
}

static void take_slow(inputs_t *inputs, uint32_t group, const uint8_t *data)
{
    switch (group) {
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
    }
}

static void take(inputs_t *inputs, inputs_group_t group, const uint8_t *data)
{
    if (group < INPUTS_GROUP_MOTION) {
        take_fast(inputs, (uint32_t)group, data);
    } else {
        take_slow(inputs, (uint32_t)group, data);
    }
    inputs_hear(inputs, group);
}

static inputs_group_t group_of(const can_frame_t *frame)
{
    inputs_group_t group = INPUTS_GROUP_COUNT;

    if (frame->flags == 0U) { /* a standard data frame */
        for (uint32_t i = 0U; (i < (uint32_t)BUS_RECEIVED) && (group == INPUTS_GROUP_COUNT); i++) {
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

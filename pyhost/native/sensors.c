#include "sensors.h"

#include "bus.h"
#include "bus_codec.h"
#include "plant_maths.h"

#include <stdbool.h>
#include <string.h>

#define NOT_AVAILABLE 1.0e30
#define IS_NOT_AVAILABLE(value) ((value) > 1.0e20)
#define TICK_S 0.001
#define FRAME_BYTES 8U
#define COUNTER_BYTE 6U
#define CRC_BYTE 7U
#define STREAM_SENSORS 21U
#define STREAM_BIAS 22U
#define WHEEL_RADPS_AT_REST 0.5 /* below, a wheel sensor sees no teeth and has no noise */
#define AIR_WARM_K 4.0          /* intake air over ambient at rest */

/* ---- the table */

typedef struct {
    double   step;
    double   per_step;
    double   low;
    double   high;
    double   noise;
    double   bias;
    uint32_t message;
} signal_row_t;

static const signal_row_t row[SENSORS_SIGNALS] = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected)
#define SIGNAL(message, field, step, low, high, noise, bias, na) \
    {step, 1.0 / (step), low, high, noise, bias, SENSORS_##message},
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
};

typedef struct {
    uint32_t period_ms;
    uint32_t phase_ms;
    uint32_t latency_ms;
    uint32_t jitter_ms;
    uint32_t ready_ms;
    uint32_t is_protected;
} message_row_t;

static const message_row_t sent[SENSORS_COUNT] = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) \
    {period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected},
#define SIGNAL(message, field, step, low, high, noise, bias, na)
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
};

const sensors_row_t sensors_row[] = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected)
#define SIGNAL(message, field, step, low, high, noise, bias, na) {#field, #message, noise, bias},
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
};

const char *const sensors_message[] = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) #name,
#define SIGNAL(message, field, step, low, high, noise, bias, na)
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
};

static const uint32_t identifier[SENSORS_COUNT] = {
    [SENSORS_inertial_accel] = BUS_CODEC_INERTIAL_ACCEL_FRAME_ID,
    [SENSORS_inertial_rate]  = BUS_CODEC_INERTIAL_RATE_FRAME_ID,
    [SENSORS_damper_travel]  = BUS_CODEC_DAMPER_TRAVEL_FRAME_ID,
    [SENSORS_wheel_speeds]   = BUS_CODEC_WHEEL_SPEEDS_FRAME_ID,
    [SENSORS_engine_state]   = BUS_CODEC_ENGINE_STATE_FRAME_ID,
    [SENSORS_gearbox_state]  = BUS_CODEC_GEARBOX_STATE_FRAME_ID,
    [SENSORS_driver_demand]  = BUS_CODEC_DRIVER_DEMAND_FRAME_ID,
    [SENSORS_vehicle_motion] = BUS_CODEC_VEHICLE_MOTION_FRAME_ID,
    [SENSORS_air_path]       = BUS_CODEC_AIR_PATH_FRAME_ID,
    [SENSORS_thermal_state]  = BUS_CODEC_THERMAL_STATE_FRAME_ID,
    [SENSORS_fan_feedback]   = BUS_CODEC_FAN_FEEDBACK_FRAME_ID,
    [SENSORS_fuel_senders]   = BUS_CODEC_FUEL_SENDERS_FRAME_ID,
    [SENSORS_ambient_state]  = BUS_CODEC_AMBIENT_STATE_FRAME_ID,
};

/* ---- checksum: that of bus_crc, a byte at a time; a car's sensors have room for the larger table */

static uint8_t checksum(const uint8_t *bytes, uint32_t id)
{
    /* clang-format off */
    static const uint8_t table[256] = {
        0x00U, 0x1DU, 0x3AU, 0x27U, 0x74U, 0x69U, 0x4EU, 0x53U, 0xE8U, 0xF5U, 0xD2U, 0xCFU, 0x9CU, 0x81U, 0xA6U, 0xBBU,
        0xCDU, 0xD0U, 0xF7U, 0xEAU, 0xB9U, 0xA4U, 0x83U, 0x9EU, 0x25U, 0x38U, 0x1FU, 0x02U, 0x51U, 0x4CU, 0x6BU, 0x76U,
        0x87U, 0x9AU, 0xBDU, 0xA0U, 0xF3U, 0xEEU, 0xC9U, 0xD4U, 0x6FU, 0x72U, 0x55U, 0x48U, 0x1BU, 0x06U, 0x21U, 0x3CU,
        0x4AU, 0x57U, 0x70U, 0x6DU, 0x3EU, 0x23U, 0x04U, 0x19U, 0xA2U, 0xBFU, 0x98U, 0x85U, 0xD6U, 0xCBU, 0xECU, 0xF1U,
        0x13U, 0x0EU, 0x29U, 0x34U, 0x67U, 0x7AU, 0x5DU, 0x40U, 0xFBU, 0xE6U, 0xC1U, 0xDCU, 0x8FU, 0x92U, 0xB5U, 0xA8U,
        0xDEU, 0xC3U, 0xE4U, 0xF9U, 0xAAU, 0xB7U, 0x90U, 0x8DU, 0x36U, 0x2BU, 0x0CU, 0x11U, 0x42U, 0x5FU, 0x78U, 0x65U,
        0x94U, 0x89U, 0xAEU, 0xB3U, 0xE0U, 0xFDU, 0xDAU, 0xC7U, 0x7CU, 0x61U, 0x46U, 0x5BU, 0x08U, 0x15U, 0x32U, 0x2FU,
        0x59U, 0x44U, 0x63U, 0x7EU, 0x2DU, 0x30U, 0x17U, 0x0AU, 0xB1U, 0xACU, 0x8BU, 0x96U, 0xC5U, 0xD8U, 0xFFU, 0xE2U,
        0x26U, 0x3BU, 0x1CU, 0x01U, 0x52U, 0x4FU, 0x68U, 0x75U, 0xCEU, 0xD3U, 0xF4U, 0xE9U, 0xBAU, 0xA7U, 0x80U, 0x9DU,
        0xEBU, 0xF6U, 0xD1U, 0xCCU, 0x9FU, 0x82U, 0xA5U, 0xB8U, 0x03U, 0x1EU, 0x39U, 0x24U, 0x77U, 0x6AU, 0x4DU, 0x50U,
        0xA1U, 0xBCU, 0x9BU, 0x86U, 0xD5U, 0xC8U, 0xEFU, 0xF2U, 0x49U, 0x54U, 0x73U, 0x6EU, 0x3DU, 0x20U, 0x07U, 0x1AU,
        0x6CU, 0x71U, 0x56U, 0x4BU, 0x18U, 0x05U, 0x22U, 0x3FU, 0x84U, 0x99U, 0xBEU, 0xA3U, 0xF0U, 0xEDU, 0xCAU, 0xD7U,
        0x35U, 0x28U, 0x0FU, 0x12U, 0x41U, 0x5CU, 0x7BU, 0x66U, 0xDDU, 0xC0U, 0xE7U, 0xFAU, 0xA9U, 0xB4U, 0x93U, 0x8EU,
        0xF8U, 0xE5U, 0xC2U, 0xDFU, 0x8CU, 0x91U, 0xB6U, 0xABU, 0x10U, 0x0DU, 0x2AU, 0x37U, 0x64U, 0x79U, 0x5EU, 0x43U,
        0xB2U, 0xAFU, 0x88U, 0x95U, 0xC6U, 0xDBU, 0xFCU, 0xE1U, 0x5AU, 0x47U, 0x60U, 0x7DU, 0x2EU, 0x33U, 0x14U, 0x09U,
        0x7FU, 0x62U, 0x45U, 0x58U, 0x0BU, 0x16U, 0x31U, 0x2CU, 0x97U, 0x8AU, 0xADU, 0xB0U, 0xE3U, 0xFEU, 0xD9U, 0xC4U,
    };
    /* clang-format on */
    uint32_t crc = 0xFFU;

    for (uint32_t i = 0U; i < CRC_BYTE; i++) {
        crc = table[crc ^ bytes[i]];
    }
    crc = table[crc ^ (id & 0xFFU)];
    crc = table[crc ^ ((id >> 8) & 0xFFU)];
    return (uint8_t)(crc ^ 0xFFU);
}

/* ---- packing: one function per message, from the table and the generated codec */

/* The codec truncates: a quarter of a step keeps a rounded value on its side. */
static float whole(double value, double step)
{
    return (float)(value + ((value < 0.0) ? (-0.25 * step) : (0.25 * step)));
}

/* clang-format off */
#define NA(signal) BUS_CODEC_##signal##_NOT_AVAILABLE_CHOICE
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) \
static void pack_##name(const double *value, uint8_t *data)                             \
{                                                                                       \
    struct bus_codec_##name##_t m;                                                      \
                                                                                        \
    memset(&m, 0, sizeof(m));
#define SIGNAL(message, field, step, low, high, noise, bias, na)                        \
    if (IS_NOT_AVAILABLE(value[SENSORS_AT_##field])) {                                  \
        m.field = na;                                                                   \
    } else {                                                                            \
        m.field = bus_codec_##message##_##field##_encode(whole(value[SENSORS_AT_##field], step)); \
    }
#define SENSOR_END(name)                                                                \
    (void)bus_codec_##name##_pack(data, &m, FRAME_BYTES);                               \
}
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
/* clang-format on */

static void pack(uint32_t message, const double *value, uint8_t *data)
{
    static void (*const packer[SENSORS_COUNT])(const double *, uint8_t *) = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) pack_##name,
#define SIGNAL(message, field, step, low, high, noise, bias, na)
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
    };

    packer[message](value, data);
}

/* ---- truth to values */

static void feel_motion(sensors_t *sensors, const plant_body_t *body)
{
    sensors->motion.accel_mps2 += body->accel_mps2;
    sensors->motion.up_mps2 += body->z_mps2;
    sensors->motion.lateral_mps2 += body->lateral_mps2;
    sensors->motion.pitch_radps2 += body->pitch_radps2;
    sensors->motion.roll_radps2 += body->roll_radps2;
    sensors->motions++;
}

/* Mean specific force where the unit sits, along the axes of the car. Its attitude and rates are those of the middle of
 * the time. */
static void feel_force(const sensors_t *sensors, const plant_vehicle_t *vehicle, double force_mps2[3])
{
    const plant_body_t *body     = &vehicle->body;
    const double       *lever    = sensors->setup.lever_m;
    const double        share    = 1.0 / plant_max((double)sensors->motions, 1.0);
    const double        middle_s = 0.5 * TICK_S * plant_max((double)sensors->motions - 1.0, 0.0);
    const double        dp       = sensors->motion.roll_radps2 * share;
    const double        dq       = sensors->motion.pitch_radps2 * share;
    const double        p        = body->roll_radps - (dp * middle_s);
    const double        q        = body->pitch_radps - (dq * middle_s);
    const double        yaw      = plant_vehicle_here(vehicle)->curvature_radpm * body->speed_mps;
    const double        pitch    = body->pitch_rad - (q * middle_s);
    const double        roll     = body->roll_rad - (p * middle_s);
    const double        accel    = sensors->motion.accel_mps2 * share;
    const double        up       = (sensors->motion.up_mps2 * share) + PLANT_GRAVITY_MPS2;
    const double        lateral  = sensors->motion.lateral_mps2 * share;
    const double        along    = (accel * plant_cos(pitch)) - (up * plant_sin(pitch));
    const double        down     = (accel * plant_sin(pitch)) + (up * plant_cos(pitch));
    const double        turn[3]  = {(q * lever[2]) - (yaw * lever[1]), (yaw * lever[0]) - (p * lever[2]),
                                    (p * lever[1]) - (q * lever[0])};

    force_mps2[0] = along + (dq * lever[2]) + (q * turn[2]) - (yaw * turn[1]);
    force_mps2[1] = (lateral * plant_cos(roll)) + (down * plant_sin(roll)) - (dp * lever[2]) + (yaw * turn[0]) -
                    (p * turn[2]);
    force_mps2[2] = (down * plant_cos(roll)) - (lateral * plant_sin(roll)) + (dp * lever[1]) - (dq * lever[0]) +
                    (p * turn[1]) - (q * turn[0]);
}

static void measure_accel(sensors_t *sensors, const plant_vehicle_t *vehicle, double *value)
{
    const sensors_setup_t *setup  = &sensors->setup;
    const double          *turned = setup->turned_rad;
    const double           speed  = (vehicle->is_airborne != 0U) ? 0.0 : vehicle->body.speed_mps;
    const double           shake  = setup->shake_mps2 + (setup->shake_per_mps * speed);
    plant_random_t         random = {.state = sensors->random};
    double                 f[3];

    feel_force(sensors, vehicle, f);
    for (uint32_t i = 0U; i < 3U; i++) {
        f[i] += shake * plant_random_bell(&random);
    }
    sensors->random                         = random.state;
    sensors->motion                         = (sensors_motion_t){0};
    sensors->motions                        = 0U;
    value[SENSORS_AT_specific_force_x_mps2] = f[0] + (turned[2] * f[1]) - (turned[1] * f[2]);
    value[SENSORS_AT_specific_force_y_mps2] = f[1] - (turned[2] * f[0]) + (turned[0] * f[2]);
    value[SENSORS_AT_specific_force_z_mps2] = f[2] + (turned[1] * f[0]) - (turned[0] * f[1]);
    value[SENSORS_AT_accel_status]          = BUS_CODEC_INERTIAL_ACCEL_ACCEL_STATUS_OK_CHOICE;
}

static void measure_rate(const sensors_t *sensors, const plant_vehicle_t *vehicle, double *value)
{
    const double *turned = sensors->setup.turned_rad;
    const double  p      = vehicle->body.roll_radps;
    const double  q      = vehicle->body.pitch_radps;
    const double  yaw    = plant_vehicle_here(vehicle)->curvature_radpm * vehicle->body.speed_mps;

    value[SENSORS_AT_roll_rate_radps]  = p + (turned[2] * q) - (turned[1] * yaw);
    value[SENSORS_AT_pitch_rate_radps] = q - (turned[2] * p) + (turned[0] * yaw);
    value[SENSORS_AT_yaw_rate_radps]   = yaw + (turned[1] * p) - (turned[0] * q);
    value[SENSORS_AT_rate_status]      = BUS_CODEC_INERTIAL_RATE_RATE_STATUS_OK_CHOICE;
}

static void measure_corners(const plant_vehicle_t *vehicle, double *value)
{
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        value[SENSORS_AT_damper_travel_fl_mm + i] = 1000.0 *
                                                    (vehicle->p.droop_travel_m + vehicle->body.compression_m[i]);
    }
    value[SENSORS_AT_damper_status] = BUS_CODEC_DAMPER_TRAVEL_DAMPER_STATUS_OK_CHOICE;
}

static void measure_wheels(const sensors_t *sensors, const plant_vehicle_t *vehicle, double *value)
{
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        value[SENSORS_AT_wheel_speed_fl_radps + i] = vehicle->line.wheel_radps[i] * sensors->setup.radius_ratio[i];
    }
}

static void measure_engine(const plant_vehicle_t *vehicle, const sensors_driver_t *driver, double *value)
{
    const plant_driveline_t *line    = &vehicle->line;
    const double             full_Nm = plant_full_load_Nm(&vehicle->p, line->engine_radps);

    value[SENSORS_AT_engine_speed_rpm] = line->engine_radps * PLANT_RPM_PER_RADPS;
    value[SENSORS_AT_engine_torque_nm] = line->engine_Nm;
    value[SENSORS_AT_throttle_pct]     = 4.0 + (96.0 * plant_clamp(line->air_Nm / full_Nm, 0.0, 1.0));
    value[SENSORS_AT_engine_status]    = (double)vehicle->command.engine;
    value[SENSORS_AT_ignition]         = (double)driver->ignition;
}

static void measure_gearbox(const plant_vehicle_t *vehicle, double *value)
{
    const plant_driveline_t *line = &vehicle->line;

    value[SENSORS_AT_gear]              = (double)line->gear;
    value[SENSORS_AT_target_gear]       = (double)line->target_gear;
    value[SENSORS_AT_turbine_speed_rpm] = plant_abs(line->turbine_radps) * PLANT_RPM_PER_RADPS;
    value[SENSORS_AT_lock_up_clutch]    = (line->is_locked != 0U) ? 2.0 : ((line->lock_up_Nm > 0.0) ? 1.0 : 0.0);
    value[SENSORS_AT_gearbox_oil_deg_c] = vehicle->heat.gearbox_degC;
    value[SENSORS_AT_transfer_range]    = (double)vehicle->command.is_low_range;
}

static void measure_driver(const sensors_t *sensors, const sensors_driver_t *driver, double *value)
{
    value[SENSORS_AT_accelerator_track1_pct] = driver->pedal_pct;
    value[SENSORS_AT_accelerator_track2_pct] = driver->pedal_pct;
    value[SENSORS_AT_brake_pedal_pct]        = driver->brake_pct;
    value[SENSORS_AT_flight_mode_switch]     = (double)sensors->setup.flight_switch;
    value[SENSORS_AT_fan_switch]             = (double)sensors->setup.fan_switch;
    value[SENSORS_AT_kill_switch]            = (double)driver->kill_switch;
}

static void measure_air(const plant_vehicle_t *vehicle, double *value)
{
    const double warm_K = plant_max(AIR_WARM_K - (0.05 * vehicle->body.speed_mps), 0.0);

    value[SENSORS_AT_filter_dp_k_pa]    = vehicle->fuel.filter_kPa;
    value[SENSORS_AT_mass_air_flow_gps] = vehicle->fuel.air_kgps * 1000.0;
    value[SENSORS_AT_intake_air_deg_c]  = vehicle->ambient.degC + warm_K;
}

static void measure_slow(uint32_t message, const plant_vehicle_t *vehicle, double *value)
{
    const plant_heat_t *heat = &vehicle->heat;
    const plant_fuel_t *fuel = &vehicle->fuel;

    if (message == SENSORS_thermal_state) {
        value[SENSORS_AT_coolant_in_deg_c]  = heat->coolant_degC;
        value[SENSORS_AT_coolant_out_deg_c] = heat->coolant_out_degC;
        value[SENSORS_AT_engine_oil_deg_c]  = heat->oil_degC;
        value[SENSORS_AT_charge_air_deg_c]  = heat->charge_degC;
    } else if (message == SENSORS_fan_feedback) {
        for (uint32_t i = 0U; i < PLANT_FANS; i++) {
            value[SENSORS_AT_fan1_speed_rpm + (2U * i)] = heat->fan_radps[i] * PLANT_RPM_PER_RADPS;
            value[SENSORS_AT_fan1_current_a + (2U * i)] = heat->fan_A[i];
        }
    } else if (message == SENSORS_fuel_senders) {
        value[SENSORS_AT_fuel_sender_a_l]    = fuel->sender_L[0];
        value[SENSORS_AT_fuel_sender_b_l]    = fuel->sender_L[1];
        value[SENSORS_AT_collector_pct]      = 100.0 * fuel->collector_L / vehicle->p.collector_L;
        value[SENSORS_AT_injected_fuel_mlps] = fuel->fuel_mlps;
    } else {
        value[SENSORS_AT_ambient_deg_c]         = vehicle->ambient.degC;
        value[SENSORS_AT_ambient_pressure_k_pa] = vehicle->ambient.kPa - (0.0113 * vehicle->body.z_m);
        value[SENSORS_AT_battery_v]             = heat->battery_V;
    }
}

static void measure(sensors_t *sensors, uint32_t message, const plant_vehicle_t *vehicle,
                    const sensors_driver_t *driver, double *value)
{
    switch (message) {
    case SENSORS_inertial_accel:
        measure_accel(sensors, vehicle, value);
        break;
    case SENSORS_inertial_rate:
        measure_rate(sensors, vehicle, value);
        break;
    case SENSORS_damper_travel:
        measure_corners(vehicle, value);
        break;
    case SENSORS_wheel_speeds:
        measure_wheels(sensors, vehicle, value);
        break;
    case SENSORS_engine_state:
        measure_engine(vehicle, driver, value);
        break;
    case SENSORS_gearbox_state:
        measure_gearbox(vehicle, value);
        break;
    case SENSORS_driver_demand:
        measure_driver(sensors, driver, value);
        break;
    case SENSORS_vehicle_motion:
        value[SENSORS_AT_ground_speed_mps] = plant_abs(vehicle->body.speed_mps);
        value[SENSORS_AT_climb_rate_mps]   = vehicle->body.z_mps;
        value[SENSORS_AT_motion_status]    = BUS_CODEC_VEHICLE_MOTION_MOTION_STATUS_FIX3_D_CHOICE;
        break;
    default:
        if (message == SENSORS_air_path) {
            measure_air(vehicle, value);
        } else {
            measure_slow(message, vehicle, value);
        }
        break;
    }
}

/* ---- values to frames */

static const uint32_t first_signal[SENSORS_COUNT] = {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) SENSORS_FROM_##name,
#define SIGNAL(message, field, step, low, high, noise, bias, na)
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
};

static bool is_active(const sensors_fault_t *fault, uint32_t message, uint32_t tick)
{
    return (fault->message == message) && (tick >= fault->from_tick) && (tick < fault->until_tick);
}

/* A faulty value instead of the true one; `before` is what was said last. */
static double spoil(const sensors_fault_t *fault, uint32_t signal, double value, double before, double bell)
{
    double said = value;

    switch (fault->kind) {
    case SENSORS_FAULT_FROZEN:
        said = before;
        break;
    case SENSORS_FAULT_NOISY:
        said = value + (fault->amount * bell);
        break;
    case SENSORS_FAULT_MINIMUM:
        said = row[signal].low;
        break;
    case SENSORS_FAULT_MAXIMUM:
        said = row[signal].high;
        break;
    case SENSORS_FAULT_OFFSET:
        said = value + fault->amount;
        break;
    case SENSORS_FAULT_STUCK:
        said = fault->amount;
        break;
    case SENSORS_FAULT_NOT_AVAILABLE:
        said = NOT_AVAILABLE;
        break;
    default:
        break;
    }
    return said;
}

static double faulted(const sensors_t *sensors, uint32_t signal, double value, plant_random_t *random)
{
    const uint32_t message = row[signal].message;
    double         said    = value;

    for (uint32_t k = 0U; k < sensors->setup.faults; k++) {
        const sensors_fault_t *fault  = &sensors->setup.fault[k];
        const bool             is_hit = (fault->signal == SENSORS_ALL) || (fault->signal == signal);

        if (is_hit && is_active(fault, message, sensors->tick)) {
            said = spoil(fault, signal, said, sensors->value[signal], plant_random_bell(random));
        }
    }
    return said;
}

/* Noise, bias, faults, limits and steps of one message's signals. */
static void err(sensors_t *sensors, uint32_t message, const double *truth)
{
    plant_random_t random   = {.state = sensors->random};
    const bool     is_awake = (sensors->setup.is_from_key_on == 0U) || (sensors->tick >= sent[message].ready_ms);

    for (uint32_t i = first_signal[message]; (i < SENSORS_SIGNALS) && (row[i].message == message); i++) {
        double said = truth[i] + sensors->bias[i];

        if (sensors->noise[i] > 0.0) {
            said += sensors->noise[i] * plant_random_bell(&random);
        }
        if (!is_awake) {
            said = NOT_AVAILABLE;
        } else if (sensors->setup.faults > 0U) {
            said = faulted(sensors, i, said, &random);
        } else {
            /* in good health */
        }
        if (!IS_NOT_AVAILABLE(said)) {
            said = plant_round(plant_clamp(said, row[i].low, row[i].high) * row[i].per_step) * row[i].step;
        }
        sensors->value[i] = said;
    }
    sensors->random = random.state;
}

/* What the message's own faults do to a frame; false: it is not sent. */
static bool is_sent(sensors_t *sensors, uint32_t message, can_frame_t *frame, uint32_t *late_ms)
{
    plant_random_t random  = {.state = sensors->random};
    bool           is_good = true;

    for (uint32_t k = 0U; k < sensors->setup.faults; k++) {
        const sensors_fault_t *fault = &sensors->setup.fault[k];

        if (!is_active(fault, message, sensors->tick)) {
            continue;
        }
        if (fault->kind == SENSORS_FAULT_DROPPED) {
            is_good = is_good && (plant_random_share(&random) >= fault->amount);
        } else if (fault->kind == SENSORS_FAULT_DELAYED) {
            *late_ms += (uint32_t)fault->amount;
        } else if (fault->kind == SENSORS_FAULT_CRC) {
            frame->data[CRC_BYTE] ^= 0x5AU;
        } else {
            /* on a signal, or on the counter */
        }
    }
    sensors->random = random.state;
    return is_good;
}

static bool is_counting(const sensors_t *sensors, uint32_t message)
{
    bool counts = true;

    for (uint32_t k = 0U; k < sensors->setup.faults; k++) {
        counts = counts && !((sensors->setup.fault[k].kind == SENSORS_FAULT_COUNTER) &&
                             is_active(&sensors->setup.fault[k], message, sensors->tick));
    }
    return counts;
}

static void post(sensors_t *sensors, uint32_t message)
{
    sensors_line_t *line    = &sensors->line[message];
    can_frame_t     frame   = {.id = identifier[message], .length = FRAME_BYTES};
    uint32_t        late_ms = sent[message].latency_ms;

    pack(message, sensors->value, frame.data);
    if (sent[message].is_protected != 0U) {
        if (is_counting(sensors, message)) {
            line->counter = (line->counter + 1U) & 15U;
        }
        frame.data[COUNTER_BYTE] = (uint8_t)(frame.data[COUNTER_BYTE] | (line->counter << 4));
        frame.data[CRC_BYTE]     = checksum(frame.data, frame.id);
    }
    if (is_sent(sensors, message, &frame, &late_ms) && (line->count < SENSORS_QUEUE)) {
        if (sent[message].jitter_ms > 0U) {
            plant_random_t random = {.state = sensors->random};

            late_ms += (uint32_t)(((plant_random_bits(&random) >> 32) * (sent[message].jitter_ms + 1U)) >> 32);
            sensors->random = random.state;
        }
        const uint32_t due_tick = sensors->tick + late_ms;

        line->waiting[(line->first + line->count) % SENSORS_QUEUE] = (sensors_waiting_t){frame, due_tick, 0U};
        if (line->count == 0U) {
            sensors->due_tick[message] = due_tick;
        }
        line->count++;
    }
}

void sensors_init(sensors_t *sensors, const sensors_setup_t *setup, uint64_t seed)
{
    plant_random_t random = plant_random_of(seed, STREAM_BIAS);

    memset(sensors, 0, sizeof(*sensors));
    sensors->setup  = *setup;
    sensors->random = plant_random_of(seed, STREAM_SENSORS).state;
    for (uint32_t i = 0U; i < SENSORS_SIGNALS; i++) {
        sensors->bias[i]  = row[i].bias * setup->noise_ratio * plant_random_bell(&random);
        sensors->noise[i] = row[i].noise * setup->noise_ratio;
    }
    for (uint32_t i = 0U; i < SENSORS_COUNT; i++) {
        sensors->sample_tick[i] = sent[i].phase_ms;
        sensors->due_tick[i]    = UINT32_MAX;
    }
}

static void deliver(sensors_t *sensors, uint32_t message, can_frame_t *frame)
{
    sensors_line_t *line = &sensors->line[message];

    *frame      = line->waiting[line->first].frame;
    line->first = (line->first + 1U) % SENSORS_QUEUE;
    line->count--;
    sensors->due_tick[message] = (line->count > 0U) ? line->waiting[line->first].due_tick : UINT32_MAX;
}

uint32_t sensors_tick(sensors_t *sensors, const plant_vehicle_t *vehicle, const sensors_driver_t *driver,
                      can_frame_t *frame)
{
    double   truth[SENSORS_SIGNALS];
    uint32_t count = 0U;

    feel_motion(sensors, &vehicle->body);
    for (uint32_t i = 0U; i < SENSORS_COUNT; i++) {
        if (sensors->tick >= sensors->sample_tick[i]) {
            sensors->sample_tick[i] += sent[i].period_ms;
            measure(sensors, i, vehicle, driver, truth);
            err(sensors, i, truth);
            post(sensors, i);
        }
        if (sensors->tick >= sensors->due_tick[i]) {
            deliver(sensors, i, &frame[count]);
            count++;
        }
    }
    sensors->tick++;
    return count;
}

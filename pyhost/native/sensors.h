/* sensors.h - what the car's sensors make of the truth, as frames of the vehicle bus, with every fault that they can have.
 *
 * Each message is sampled in its cycle, waits for its latency and jitter, and leaves in the order of the identifiers. A
 * fault acts on one signal or on a whole message for a while.
 */
#ifndef SENSORS_H
#define SENSORS_H

#include "can_frame.h"
#include "plant_vehicle.h"

#include <stdint.h>

typedef enum {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) SENSORS_##name,
#define SIGNAL(message, field, step, low, high, noise, bias, na)
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
    SENSORS_COUNT
} sensors_message_t;

/* Each message's first signal has its message's number too: SENSORS_FROM_... */
typedef enum {
#define SENSOR(name, period_ms, phase_ms, latency_ms, jitter_ms, ready_ms, is_protected) \
    SENSORS_FROM_##name, SENSORS_BEFORE_##name = SENSORS_FROM_##name - 1,
#define SIGNAL(message, field, step, low, high, noise, bias, na) SENSORS_AT_##field,
#define SENSOR_END(name)
#include "sensors.def"
#undef SENSOR
#undef SIGNAL
#undef SENSOR_END
    SENSORS_SIGNALS
} sensors_signal_t;

#define SENSORS_QUEUE 64U
#define SENSORS_FAULTS 8U
enum {
    SENSORS_ALL = 255
}; /* every signal of the message */

typedef enum {
    SENSORS_FAULT_NONE = 0,
    SENSORS_FAULT_FROZEN, /* the last value for ever */
    SENSORS_FAULT_NOISY, /* amount: deviation of added noise */
    SENSORS_FAULT_MINIMUM, /* the least that the sensor can say */
    SENSORS_FAULT_MAXIMUM,
    SENSORS_FAULT_OFFSET, /* amount: added */
    SENSORS_FAULT_STUCK, /* amount: said whatever is true */
    SENSORS_FAULT_NOT_AVAILABLE, /* the sender says so itself */
    SENSORS_FAULT_DROPPED, /* message: not sent; amount: share of frames, 1 is all */
    SENSORS_FAULT_DELAYED, /* message: amount in ms on top */
    SENSORS_FAULT_COUNTER, /* message: the alive counter stands still */
    SENSORS_FAULT_CRC, /* message: the checksum is wrong */
    SENSORS_FAULT_KINDS
} sensors_kind_t;

typedef struct {
    double   amount;
    uint32_t from_tick;
    uint32_t until_tick;
    uint32_t message; /* sensors_message_t */
    uint32_t signal; /* sensors_signal_t, or SENSORS_ALL */
    uint32_t kind; /* sensors_kind_t */
    uint32_t reserved;
} sensors_fault_t;

/* How the inertial unit is mounted, and the switches and pedals that are no part of the car's physics. */
typedef struct {
    double          lever_m[3]; /* of the inertial unit from the centre of gravity */
    double          turned_rad[3]; /* about x, y, z: small */
    double          shake_mps2; /* vibration of the body at rest, engine running */
    double          shake_per_mps; /* and its growth with speed on the ground */
    double          noise_ratio; /* times all noise and bias of sensors.def */
    double          radius_ratio[PLANT_CORNERS]; /* tyres are worn unevenly */
    uint32_t        flight_switch;
    uint32_t        fan_switch;
    uint32_t        is_from_key_on; /* sensors need their time to wake */
    uint32_t        faults;
    sensors_fault_t fault[SENSORS_FAULTS];
} sensors_setup_t;

typedef struct {
    can_frame_t frame;
    uint32_t    due_tick;
    uint32_t    reserved;
} sensors_waiting_t;

typedef struct {
    sensors_waiting_t waiting[SENSORS_QUEUE];
    uint32_t          first;
    uint32_t          count;
    uint32_t          counter;
    uint32_t          reserved;
} sensors_line_t;

/* What an inertial unit averages between its samples. */
typedef struct {
    double accel_mps2;
    double up_mps2;
    double lateral_mps2;
    double pitch_radps2;
    double roll_radps2;
} sensors_motion_t;

typedef struct {
    sensors_setup_t  setup;
    uint64_t         random;
    double           bias[SENSORS_SIGNALS];
    double           noise[SENSORS_SIGNALS];
    double           value[SENSORS_SIGNALS]; /* as last said, SI of the bus; beyond 1e20: not available */
    sensors_motion_t motion; /* sums of the ticks since the last sample of the inertial unit */
    uint32_t         motions;
    uint32_t         tick;
    uint32_t         sample_tick[SENSORS_COUNT]; /* of the next sample */
    uint32_t         due_tick[SENSORS_COUNT]; /* of the first frame that waits; UINT32_MAX: none does */
    sensors_line_t   line[SENSORS_COUNT];
} sensors_t;

/* What the driver does, as the sensors see it. */
typedef struct {
    double   pedal_pct;
    double   brake_pct;
    uint32_t kill_switch;
    uint32_t ignition;
} sensors_driver_t;

void sensors_init(sensors_t *sensors, const sensors_setup_t *setup, uint64_t seed);

/* A millisecond: sample what is due, and write the frames that arrive into `frame`, which has room for SENSORS_COUNT.
 * Returns how many. */
uint32_t sensors_tick(sensors_t *sensors, const plant_vehicle_t *vehicle, const sensors_driver_t *driver,
                      can_frame_t *frame);

/* Names as the host writes them, and limits, for tables and messages. */
typedef struct {
    const char *name;
    const char *message;
    double      noise;
    double      bias;
} sensors_row_t;

extern const sensors_row_t sensors_row[];
extern const char *const   sensors_message[];

#endif

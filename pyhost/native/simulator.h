/* simulator.h - the closed loop: car, driver and sensors on one side, the unit on the other, CAN frames between them.
 *
 * A tick is: the car moves under the last command; sensors send; the unit receives, ticks and sends; engine, gearbox and
 * fans take what it sent. Frames alone cross over. The unit may live anywhere: `simulator_run` keeps it in this process,
 * `simulator_before` and `simulator_after` are the two halves of a tick for a unit that lives elsewhere, which ticks
 * once `is_awake` is set.
 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include "driver.h"
#include "plant_vehicle.h"
#include "sensors.h"
#include "vcu.h"

#include <stdbool.h>
#include <stdint.h>

#define SIMULATOR_FLIGHTS 64U

typedef enum {
#define TRUTH(name, unit, expression, meaning) SIMULATOR_TRUTH_##name,
#include "truth.def"
#undef TRUTH
    SIMULATOR_TRUTHS
} simulator_truth_t;

/* Who drives the engine: the unit, or for comparison something simpler that sees the same frames. */
typedef enum {
    SIMULATOR_UNIT = 0,
    SIMULATOR_FREE_FALL_CUT /* fuel off while the specific force has been below 0.2 g for 300 ms */
} simulator_control_t;

/* One time without contact, and what became of it. Ticks are UINT32_MAX where it never happened. */
typedef struct {
    uint32_t take_off_tick;
    uint32_t touchdown_tick;
    uint32_t reduced_tick;  /* first command that Flight Mode holds below 90 % of the demand */
    uint32_t air_tick;      /* first FlightStatus with Air */
    uint32_t landing_tick;  /* first FlightStatus with Landing or Ramp after touchdown */
    uint32_t restored_tick; /* no longer so */
    uint32_t piece;         /* of the ground, at take-off */
    uint32_t reserved;
    float    speed_mps;     /* at take-off */
    float    gear;
    float    peak_shaft_Nm; /* within half a second of touchdown */
    float    least_shaft_Nm;
    float    drive_shaft_Nm;   /* full throttle, steady, at the gear and the speed of the touchdown */
    float    mismatch_ratio;   /* rim speed over ground at touchdown, less 1 */
    float    peak_force_mps2;
    float    peak_engine_rpm;
} simulator_flight_t;

typedef struct {
    uint32_t           flights; /* of at least 10 ms; those that find room are kept */
    uint32_t           kept;
    uint32_t           interventions; /* times that Flight Mode held torque on the ground, and no take-off came of it */
    uint32_t           intervention_ticks;
    uint32_t           frames; /* to the unit */
    float              peak_shaft_Nm;
    float              coolant_max_degC;
    float              supply_max_A;
    float              fan_max_A; /* all four together */
    uint32_t           out_of_band_ticks; /* coolant */
    uint32_t           hot_limit_ticks; /* coolant holds torque down */
    float              battery_least_V;
    float              rail_least_ratio;
    float              speed_max_mps;
    float              roll_max_rad;
    simulator_flight_t flight[SIMULATOR_FLIGHTS];
} simulator_summary_t;

typedef struct {
    plant_vehicle_t     vehicle;
    driver_t            driver;
    sensors_t           sensors;
    simulator_summary_t summary;
    can_frame_t         frame[SENSORS_COUNT]; /* that the sensors sent in this tick */
    uint32_t            frames;
    uint32_t            control; /* simulator_control_t */
    uint32_t            has_simple_fans; /* all on from 95 degC until 91 degC, instead of what the unit says */
    uint32_t            is_awake; /* the unit wakes with the first frame, as it does in a replay */
    uint32_t            woke_tick; /* of the car, at the unit's tick 0 */
    uint32_t            unit_ticks; /* that the unit has done */
    uint32_t            run_digest; /* of the unit, by run_digest.h */
    uint32_t            is_held; /* by Flight Mode, on the ground */
    uint32_t            held_ticks; /* and for how long */
    uint32_t            reserved;
    uint32_t            silent_ticks; /* since the last torque command */
    uint32_t            low_force_ticks;
    uint32_t            flight_state; /* as the unit says */
    uint32_t            limit_reason;
    double              granted_Nm; /* as the unit says */
    double              demand_Nm;
    uint32_t            is_flying; /* a flight is being written down */
    uint32_t            since_touchdown_ticks;
} simulator_t;

/* Where a run leaves what it gives; NULL where it is not wanted. */
typedef struct {
    float       *truth; /* column after column, each `truth_capacity` long */
    uint32_t     truth_capacity;
    uint32_t     truth_rows;
    uint32_t     every_ticks;
    can_frame_t *frame; /* to the unit */
    uint32_t    *frame_tick; /* of the unit */
    uint32_t     frame_capacity;
    uint32_t     frames;
} simulator_output_t;

void simulator_init(simulator_t *simulator, const plant_vehicle_t *vehicle, const driver_t *driver,
                    const sensors_t *sensors);

/* The car moves and its sensors speak: `frame` and `frames` are to be received before the unit ticks. */
void simulator_before(simulator_t *simulator);

/* One frame that the unit sent. */
void simulator_take(simulator_t *simulator, const can_frame_t *frame);

/* The tick is over: notes what happened in it. */
void simulator_after(simulator_t *simulator);

/* Notes frames and truth of the tick that is over. */
void simulator_keep(const simulator_t *simulator, simulator_output_t *output);

/* Until the unit has done that many ticks, or the car lies on its side; and on to the next tick that has a frame, so
 * that the frames alone say how long the run was. */
void simulator_run(simulator_t *simulator, vcu_t *vcu, uint32_t ticks, simulator_output_t *output);

/* Whether a run of that many ticks is over. */
bool simulator_is_done(const simulator_t *simulator, uint32_t ticks);

/* Write one row of truth, SIMULATOR_TRUTHS numbers `stride` apart. */
void simulator_truth(const simulator_t *simulator, float *row, uint32_t stride);

typedef struct {
    const char *name;
    const char *unit;
    const char *meaning;
} simulator_column_t;

extern const simulator_column_t simulator_column[];

#endif

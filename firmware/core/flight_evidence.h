/* flight_evidence.h - what three independent kinds of sensors say about flight: pure observation, no verdict.
 *
 * A  specific force   free fall reads 0 g whatever the attitude; a car on its roof reads -1 g with a norm of 1 g
 * B  damper travel    springs unload towards droop within 0.1 s; the rate tells before the level does
 * C  wheel speeds     under torque wheels without load gain speed faster than any grip allows
 *
 * Not used as evidence, and why: vertical speed (free fall begins while still rising), engine speed (the converter
 * hides it), a peak of specific force alone (impacts of 20 g occur without flight), level of extension alone (a car on
 * a jack, a wheel over a hole), steering and yaw.
 */
#ifndef FLIGHT_EVIDENCE_H
#define FLIGHT_EVIDENCE_H

#include "calibration.h"
#include "inputs.h"

#define FLIGHT_CORNERS 4U /* front left, front right, rear left, rear right */

typedef struct {
    float    travel_mm; /* last sample, from the droop stop */
    float    static_mm; /* learned travel at static ride height */
    float    rate_mps;  /* filtered, extension positive */
    float    out_ratio; /* share of the droop travel by which it is extended; negative when compressed */
    uint16_t since_ticks;
    uint16_t still_ticks; /* no bit has changed for this long */
    uint8_t  is_usable;
    uint8_t  is_out;         /* extending fast, or extended */
    uint8_t  is_compressing; /* fast enough for a touchdown */
    uint8_t  is_topped_out;
} flight_corner_t;
_Static_assert(sizeof(flight_corner_t) == 24U, "flight_corner_t: hidden padding");

typedef struct {
    float    speed_radps;
    float    accel_radps2; /* filtered */
    uint16_t since_ticks;
    uint8_t  is_usable;
    uint8_t  is_running_away; /* faster than grip allows, slower than a lying sensor */
} flight_wheel_t;
_Static_assert(sizeof(flight_wheel_t) == 12U, "flight_wheel_t: hidden padding");

typedef struct {
    float force_x_mps2; /* filtered */
    float force_y_mps2;
    float force_z_mps2;
    float sample_mps2[3];
    float norm2_m2ps4; /* square of the norm of the filtered force: no root needed */

    flight_corner_t corner[FLIGHT_CORNERS];
    flight_wheel_t  wheel[FLIGHT_CORNERS];

    float    wheel_speed_radps; /* middle of the usable wheels */
    float    speed_mps;         /* over ground: GNSS, else wheels, else the last one */
    float    reference_radps;   /* speed at which the ground will come back to the wheels */
    float    load_mm[2];        /* static travel of each axle beyond that with a tank half full: fuel is heavy */
    float    wheels_still_mps;  /* speed over ground when a wheel speed last changed by a bit */
    uint16_t still_ticks;       /* no bit of the vertical specific force has changed for this long */
    uint16_t wild_ticks;        /* more force than a car bears, for this long */
    uint16_t wheels_still_ticks; /* no bit of any wheel speed has changed for this long */
    uint16_t speed_high_ticks;   /* GNSS faster than the wheels by far, for this long */
    uint16_t topped_out_ticks;  /* all usable corners */
    uint16_t after_topped_out_ticks;
    uint16_t damper_flight_count; /* topped out, then hit: seen by dampers alone, logged, never acted upon */

    /* A */
    uint8_t is_inertial_usable;
    uint8_t is_inertial_frozen;
    uint8_t is_inertial_alive; /* has changed lately */
    uint8_t is_low_suspect;    /* below the suspect bound */
    uint8_t is_low_air;        /* below the air bound, norm included */
    uint8_t is_force_back;     /* above the clear bound */
    uint8_t is_impact;
    /* B */
    uint8_t usable_corners;
    uint8_t corners_out;
    uint8_t is_damper_usable; /* three corners or more */
    uint8_t is_damper_flying; /* at least three corners out */
    uint8_t is_any_compressing;
    uint8_t lifted_axles; /* bit 0 front, bit 1 rear: one alone is not a flight */
    /* C */
    uint8_t usable_wheels;
    uint8_t is_wheel_usable; /* all four */
    uint8_t is_wheel_flying; /* all four run away under low force */
    uint8_t is_speed_usable;
    uint8_t is_speed_measured; /* by GNSS */
    uint8_t is_damper_witness; /* a flight that dampers alone have seen is being reported in this tick */
    uint8_t are_wheels_stuck;  /* they stand still in every bit while the car gains or loses speed */
    uint8_t is_speed_doubted;  /* GNSS is faster than unbraked wheels can be slow */
    uint8_t reserved;
} flight_evidence_t;
_Static_assert(sizeof(flight_evidence_t) == (28U + (24U * 4U) + (12U * 4U) + 24U + 14U + 22U),
               "flight_evidence_t: hidden padding");

void flight_evidence_init(flight_evidence_t *evidence, const vcu_calibration_t *cal);

/* One period of the slow raster: ride height. The tank is this full, 0 to 1: what fuel moves need not be learned, and is
 * known at once after a refill; the rest is learned on the ground. */
void flight_evidence_learn(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                           float fill_ratio, bool is_grounded);

/* What ride height has been learned, as the difference to the calibrated one: the same for a full and an empty tank, so
 * fit to survive power-off. */
void flight_evidence_keep(const flight_evidence_t *evidence, const vcu_calibration_t *cal,
                          float learned_mm[FLIGHT_CORNERS]);
void flight_evidence_recall(flight_evidence_t *evidence, const vcu_calibration_t *cal,
                            const float learned_mm[FLIGHT_CORNERS]);

/* One tick. `is_grounded`: the wheels tell the ground speed. */
void flight_evidence_tick(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                          bool is_grounded);

#endif

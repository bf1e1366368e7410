/* flight_mode.h - is the car flying, about to land, just landed; and what torque it may have meanwhile.
 *
 *   GROUND   no influence on torque
 *   SUSPECT  specific force is low: torque may not rise and is cut to a share of demand by spark, reversibly
 *   AIR      low for longer and a second, independent witness agrees: torque matches the wheels to the speed at which
 *            the ground will come back
 *   LANDING  a damper compresses or the force peaks: the last command is held
 *   RAMP     torque is given back once wheels and ground agree; a second bounce keeps the ramp
 *
 * Flight needs specific force and at least one more kind of evidence; with specific force alone it takes longer, lasts
 * shorter and keeps the pre-cut; without specific force there is no flight. A sensor that is missing, stale, frozen or
 * out of range is absent evidence, never evidence of flight. Flight Mode can only reduce torque.
 */
#ifndef FLIGHT_MODE_H
#define FLIGHT_MODE_H

#include "calibration.h"
#include "flight_evidence.h"
#include "inputs.h"
#include "torque.h"

/* Codes of FlightState on the bus. */
typedef enum {
    FLIGHT_MODE_GROUND = 0,
    FLIGHT_MODE_SUSPECT,
    FLIGHT_MODE_AIR,
    FLIGHT_MODE_LANDING,
    FLIGHT_MODE_RAMP
} flight_mode_state_t;

/* Codes of DetectorMode on the bus. */
typedef enum {
    FLIGHT_MODE_DETECTOR_FULL = 0,
    FLIGHT_MODE_DETECTOR_INERTIAL_AND_DAMPERS,
    FLIGHT_MODE_DETECTOR_INERTIAL_AND_WHEELS,
    FLIGHT_MODE_DETECTOR_INERTIAL_ONLY,
    FLIGHT_MODE_DETECTOR_OFF
} flight_mode_detector_t;

/* Why the state is what it is: the reason of the last transition. */
typedef enum {
    FLIGHT_MODE_CAUSE_START = 0,
    FLIGHT_MODE_CAUSE_LOW_FORCE,        /* SUSPECT */
    FLIGHT_MODE_CAUSE_FORCE_BACK,       /* GROUND or RAMP: force returned without a landing */
    FLIGHT_MODE_CAUSE_SUSPECT_TIMEOUT,  /* GROUND: never confirmed */
    FLIGHT_MODE_CAUSE_DAMPERS_AGREE,    /* AIR */
    FLIGHT_MODE_CAUSE_WHEELS_AGREE,     /* AIR */
    FLIGHT_MODE_CAUSE_NOBODY_TO_ASK,    /* AIR on specific force alone */
    FLIGHT_MODE_CAUSE_DAMPER_HIT,       /* LANDING */
    FLIGHT_MODE_CAUSE_FORCE_PEAK,       /* LANDING */
    FLIGHT_MODE_CAUSE_HOLD_OVER,        /* RAMP */
    FLIGHT_MODE_CAUSE_AIR_TIMEOUT,      /* RAMP: no car flies this long */
    FLIGHT_MODE_CAUSE_EVIDENCE_LOST,    /* GROUND or RAMP: no usable specific force, or Flight Mode not permitted */
    FLIGHT_MODE_CAUSE_RESTORED          /* GROUND: torque is back at demand */
} flight_mode_cause_t;

#define FLIGHT_MODE_MISSING_INERTIAL 1U
#define FLIGHT_MODE_MISSING_DAMPERS 2U
#define FLIGHT_MODE_MISSING_WHEELS 4U
#define FLIGHT_MODE_MISSING_SPEED 8U

/* The last complete flight. */
typedef struct {
    float    peak_engine_rpm;
    float    peak_overspeed_pct; /* of the wheels over the ground */
    float    granted_at_landing_Nm;
    float    peak_force_mps2; /* highest vertical specific force from touchdown until the torque was back */
    uint16_t air_time_ms;
    uint16_t touchdown_ago_ms; /* when `number` went up */
    uint16_t number;           /* of flights since start; goes up at touchdown */
    uint8_t  is_touched_down;  /* ended by a sign of landing */
    uint8_t  reserved;
} flight_record_t;
_Static_assert(sizeof(flight_record_t) == 24U, "flight_record_t: hidden padding");

typedef struct {
    flight_evidence_t evidence;
    flight_record_t   record;

    float    bound_Nm;   /* upper bound for torque; TORQUE_UNLIMITED_Nm on the ground */
    float    ceiling_Nm; /* no step upwards: what was granted when suspicion began, or where the ramp stood */
    float    overspeed_ratio;
    float    peak_engine_rpm; /* of the flight under way */
    float    peak_overspeed_ratio;
    uint16_t low_suspect_ticks; /* each predicate, for how long without a break */
    uint16_t low_air_ticks;
    uint16_t force_back_ticks;
    uint16_t touchdown_ticks;
    uint16_t state_ticks;
    uint16_t air_ticks; /* since take-off */
    uint16_t disagree_ticks; /* in RAMP: wheels and ground disagree */
    uint16_t suspect_age_ticks[2]; /* of the last two suspicions without a flight */
    uint16_t rough_ticks;          /* rough road for so long yet */
    uint16_t flight_count;
    uint16_t switch_off_ticks; /* the driver's switch reads Off for this long */
    uint8_t  state;         /* flight_mode_state_t */
    uint8_t  cause;         /* flight_mode_cause_t */
    uint8_t  detector_mode; /* flight_mode_detector_t */
    uint8_t  missing_mask;  /* FLIGHT_MODE_MISSING_... */
    uint8_t  is_rough;
    uint8_t  is_permitted;  /* gear, switch and speed allow a flight */
    uint8_t  is_locked_out; /* low for too long, until the force has been back */
    uint8_t  is_bounce;     /* this flight began while torque was being given back */
    uint8_t  is_alone;      /* this flight rests on specific force alone */
    uint8_t  wants_cut;     /* combustion off: wheels too fast */
    uint8_t  has_timed_out; /* locked out by a flight that was too long */
    uint8_t  confidence_pct;
} flight_mode_t;
_Static_assert(sizeof(flight_mode_t) == (sizeof(flight_evidence_t) + sizeof(flight_record_t) + 56U),
               "flight_mode_t: hidden padding");

void flight_mode_init(flight_mode_t *flight, const vcu_calibration_t *cal);

/* One tick: look, judge, bound. `demand_Nm` is what the driver asks for, `granted_Nm` what the last tick granted. */
void flight_mode_tick(flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs, float demand_Nm,
                      float granted_Nm);

/* The reason under which bound_Nm is handed in; None on the ground. */
torque_reason_t flight_mode_reason(const flight_mode_t *flight);

/* From the first suspicion to the end of the landing: no new electrical load, no learning. */
static inline bool flight_mode_is_flying(const flight_mode_t *flight)
{
    return (flight->state == (uint8_t)FLIGHT_MODE_SUSPECT) || (flight->state == (uint8_t)FLIGHT_MODE_AIR) ||
           (flight->state == (uint8_t)FLIGHT_MODE_LANDING);
}

#endif

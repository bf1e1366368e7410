/* impact.h - hits from below and hard landings, counted and sized for the service crew.
 *
 * An event opens when the norm of the specific force passes a bound in two samples running, or a damper reaches its
 * bump stop and comes back. It lasts until both have been quiet for a while, so that a landing with all its ringing is
 * one. Its severity is the higher of two: by the peak of the force (the second highest sample: a single one is an
 * electrical spike), and by the speed with which a damper met its stop. What never becomes quiet is no impact but a
 * broken sensor, and does not count. Nothing here acts on torque.
 */
#ifndef IMPACT_H
#define IMPACT_H

#include "calibration.h"
#include "flight_mode.h"
#include "inputs.h"

typedef enum {
    IMPACT_KIND_HIT = 0, /* no flight before it */
    IMPACT_KIND_LANDING,
    IMPACT_KIND_COUNT
} impact_kind_t;

typedef enum {
    IMPACT_SEVERITY_LIGHT = 0,
    IMPACT_SEVERITY_HARD,
    IMPACT_SEVERITY_SEVERE,
    IMPACT_SEVERITY_COUNT
} impact_severity_t;

/* The last event. */
typedef struct {
    float    peak_mps2;   /* of the norm of the specific force; 0 when only dampers told */
    float    bottom_mps;  /* speed of the fastest damper at its bump stop; 0 when none reached it */
    uint16_t number;      /* of events; goes up when one is over */
    uint8_t  kind;        /* impact_kind_t */
    uint8_t  severity;    /* impact_severity_t */
    uint8_t  corner_mask; /* dampers that reached their bump stop, bit by corner */
    uint8_t  reserved;
    uint16_t ago_ms;      /* when `number` went up: since the event opened */
} impact_record_t;
_Static_assert(sizeof(impact_record_t) == 16U, "impact_record_t: hidden padding");

#define IMPACT_BINS 6 /* hits, then landings, each by severity */
_Static_assert(((int)IMPACT_KIND_COUNT * (int)IMPACT_SEVERITY_COUNT) == IMPACT_BINS, "impact: bins");

/* What survives power-off: the life of the car, not of the drive. */
typedef struct {
    uint16_t count[IMPACT_BINS];
    uint16_t bottomed_count[FLIGHT_CORNERS];
} impact_keep_t;
_Static_assert(sizeof(impact_keep_t) == 20U, "impact_keep_t: hidden padding");

typedef struct {
    impact_record_t record;

    impact_keep_t counts;     /* by kind, then severity; by corner */
    float         peak2_m2ps4;     /* of the event under way: square of the norm */
    float         sample2_m2ps4;   /* of the last sample */
    float         entry_mps[FLIGHT_CORNERS]; /* speed with which each damper passed the beginning of its stop */
    float         bottom_mps;      /* of the event under way */
    uint16_t      open_ticks;      /* 0 while nothing is under way */
    uint16_t      quiet_ticks;
    uint8_t       above_mask;      /* dampers at their stop, bit by corner */
    uint8_t       corner_mask;     /* of the event under way */
    uint8_t       is_landing;      /* the event under way has to do with a flight */
    uint8_t       reserved;
} impact_t;
_Static_assert(sizeof(impact_t) == (16U + 20U + 28U + 8U), "impact_t: hidden padding");

void impact_init(impact_t *impact);

/* One tick, after Flight Mode. */
void impact_tick(impact_t *impact, const vcu_calibration_t *cal, const inputs_t *inputs, const flight_mode_t *flight);

/* Events of a kind and severity. */
static inline uint16_t impact_count(const impact_t *impact, impact_kind_t kind, impact_severity_t severity)
{
    return impact->counts.count[((uint32_t)kind * (uint32_t)IMPACT_SEVERITY_COUNT) + (uint32_t)severity];
}

void impact_keep(const impact_t *impact, impact_keep_t *keep);
void impact_recall(impact_t *impact, const impact_keep_t *keep);

#endif

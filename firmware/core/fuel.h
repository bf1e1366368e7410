/* fuel.h - how much is in the tank, how far it goes, and what happens before it runs out.
 *
 * The injected flow is integrated: it is right within some percent, through slosh, slopes and flights. The two senders
 * correct it slowly, and only while the car is calm: force near 1 g, level within some degrees, no flight for a while.
 * Three witnesses - two senders and the reckoning - vote: a sender that stands alone is not believed, two that agree
 * against the reckoning for long enough replace it. Without flow the level leads; without both the worst consumption
 * is assumed. Range is shown with the uncertainty taken off.
 *
 * The collector is what the engine drinks from. It lasts for minutes, so no flight can empty it: low means a dead lift
 * pump or a slope with little left. Torque is then taken by a slope, on the air path, and never while the car flies,
 * lands or gets its torque back.
 *
 * Not used as evidence, and why: engine torque for consumption (only to doubt a flow that is far too small, or when no
 * flow is heard at all), a sender in flight and for some seconds after (fuel floats, then weighs up to four times).
 */
#ifndef FUEL_H
#define FUEL_H

#include "calibration.h"
#include "flight_mode.h"
#include "inputs.h"

#define FUEL_SENDERS 2U

/* What the volume rests on. Codes of FuelSource on the bus. */
typedef enum {
    FUEL_SOURCE_UNKNOWN = 0,    /* nothing heard since start, nothing remembered */
    FUEL_SOURCE_FLOW_AND_LEVEL,
    FUEL_SOURCE_FLOW,           /* no sender is believed */
    FUEL_SOURCE_LEVEL,          /* no flow is believed */
    FUEL_SOURCE_ASSUMED         /* neither: the worst consumption from the last good volume */
} fuel_source_t;

/* Codes of FuelStage on the bus. */
typedef enum {
    FUEL_STAGE_UNKNOWN = 0,
    FUEL_STAGE_PLENTY,
    FUEL_STAGE_LOW,
    FUEL_STAGE_RESERVE
} fuel_stage_t;

/* What survives power-off. */
typedef struct {
    float    volume_L;
    float    spread_L;
    float    consumption_Lp100km;
    float    stage_km;
    float    stage_L;
    uint16_t refill_count;
    uint8_t  is_known; /* 0: nothing was known, all else is meaningless */
    uint8_t  reserved;
} fuel_keep_t;
_Static_assert(sizeof(fuel_keep_t) == 24U, "fuel_keep_t: hidden padding");

/* One level sender. */
typedef struct {
    float   volume_L;   /* filtered; as whole-tank volume */
    float   lowest_L;   /* samples since it moved last */
    float   highest_L;
    float   used_L;     /* by flow, since it moved last */
    float   driven_km;  /* the same */
    uint8_t is_usable;  /* heard, not stuck */
    uint8_t is_stuck;   /* has not moved while fuel was burned */
    uint8_t reserved[2];
} fuel_sender_t;
_Static_assert(sizeof(fuel_sender_t) == 24U, "fuel_sender_t: hidden padding");

typedef struct {
    fuel_sender_t sender[FUEL_SENDERS];

    float volume_L;            /* best estimate of all fuel in the tank */
    float spread_L;            /* it may be wrong by this much */
    float usable_L;            /* of it, what the pumps reach */
    float used_L;              /* since start */
    float level_L;             /* by the senders that are believed */
    float consumption_Lp100km; /* mean of the last fuel.mean_km */
    float stage_Lp100km;       /* mean since the last refill */
    float range_km;            /* surely: uncertainty off the volume, worse of the two means */
    float range_likely_km;     /* by the best estimate and the mean of the last fuel.mean_km */
    float refilled_L;          /* by the last refill */
    float collector_pct;       /* filtered; held in flight and shortly after */
    float bound_Nm;            /* of torque; torque.gearbox_max_Nm where fuel takes nothing */

    float burned_ml;           /* not yet taken from volume_L */
    float segment_m;           /* of road, for the next sample of consumption */
    float segment_ml;
    float stage_km;            /* since the last refill, with the planned consumption before it */
    float stage_L;
    float refill_from_L;       /* volume when the car stopped */
    float force_mps2[3];       /* filtered, for attitude and rest */

    uint16_t since_flight_ticks;
    uint16_t calm_ticks;
    uint16_t standstill_ticks;
    uint16_t flow_ticks;       /* flow has been otherwise than is_flow_doubted says for this long */
    uint16_t outvoted_rounds;  /* of 100 ms: senders agree against the reckoning for so long */
    uint16_t collector_lost_ticks;
    uint16_t refill_count;
    uint16_t outvoted_count;
    uint8_t  source;           /* fuel_source_t */
    uint8_t  stage;            /* fuel_stage_t */
    uint8_t  believed_mask;    /* bit by sender */
    uint8_t  slow_count;       /* periods of the raster since the last slow round */
    uint8_t  is_known;         /* volume_L means something */
    uint8_t  is_settled;       /* a calm level has been seen, or the volume is remembered */
    uint8_t  is_refilling;
    uint8_t  is_disagreeing;   /* the senders, with each other */
    uint8_t  is_flow_doubted;  /* heard, but far too small for the power given */
    uint8_t  is_flow_believed;
    uint8_t  is_segment_good;  /* flow was believed all along it */
    uint8_t  is_collector_low;
    uint8_t  is_moving;
    uint8_t  has_noted_stop;   /* refill_from_L belongs to this stop */
    uint8_t  reserved[2];
} fuel_t;
_Static_assert(sizeof(fuel_t) == (48U + (21U * 4U) + 16U + 16U), "fuel_t: hidden padding");

void fuel_init(fuel_t *fuel, const vcu_calibration_t *cal);

/* One period of the raster, after Flight Mode. */
void fuel_tick(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs, const flight_mode_t *flight);

/* How full the tank is, 0 to 1; half when nobody knows. */
float fuel_fill_ratio(const fuel_t *fuel, const vcu_calibration_t *cal);

/* What to remember over power-off, and to go on from it. A memory that makes no sense is as none. */
void fuel_keep(const fuel_t *fuel, fuel_keep_t *keep);
void fuel_recall(fuel_t *fuel, const vcu_calibration_t *cal, const fuel_keep_t *keep);

#endif

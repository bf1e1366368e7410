/* demand.h - what the driver asks for, from two pedal tracks.
 *
 * The lower track counts. Tracks that disagree, or a single one, still give a demand, and a bound that halves the pedal
 * (reason Driver). Without any track the last demand holds for link_hold_ms and then goes to overrun over link_ramp_ms.
 * So it does when one of two tracks is lost that did not agree: the one that is left may be the one that lies.
 */
#ifndef DEMAND_H
#define DEMAND_H

#include "calibration.h"
#include "inputs.h"

typedef enum {
    DEMAND_PEDAL_BOTH = 0,
    DEMAND_PEDAL_DISAGREE,
    DEMAND_PEDAL_SINGLE,
    DEMAND_PEDAL_LOST
} demand_pedal_t;

typedef struct {
    float    pedal_ratio;   /* lower track, 0 to 1 */
    float    demand_Nm;     /* crank torque asked for, overrun included, after the rate limits */
    float    bound_Nm;      /* what a doubtful pedal may ask for */
    float    full_load_Nm;  /* at the present engine speed */
    float    overrun_Nm;    /* at the present engine speed, 0 or less */
    float    speed_rpm;     /* last usable engine speed */
    uint16_t differ_ticks;
    uint16_t agree_ticks;
    uint16_t lost_ticks;
    uint8_t  pedal;       /* demand_pedal_t */
    uint8_t  has_differed; /* one of the tracks lies, nobody knows which; until they have agreed for track_heal_ms */
} demand_t;
_Static_assert(sizeof(demand_t) == 32U, "demand_t: hidden padding");

void demand_init(demand_t *demand);

/* One tick. In flight a lifted pedal counts at once; on the ground the fall is rate-limited for comfort. */
void demand_tick(demand_t *demand, const vcu_calibration_t *cal, const inputs_t *inputs, bool is_flying);

#endif

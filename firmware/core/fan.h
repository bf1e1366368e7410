/* fan.h - four fans as a bank: which ones run, spaced starts, minimum times, soft start, health.
 *
 * A fan that draws too much is dropped and replaced; one that draws nothing is replaced but stays commanded, so that a
 * lying current sensor costs no cooling. At most two fans are ever dropped.
 */
#ifndef FAN_H
#define FAN_H

#include "calibration.h"
#include "inputs.h"

#define FAN_COUNT 4U
#define FAN_DROPPED_MAX 2U

typedef struct {
    float    speed_ratio;   /* soft start: 0 stopped, 1 full */
    float    duty_pct;      /* on the wire */
    uint32_t run_ticks;     /* of its life; the fan with the fewest leads */
    uint32_t retry_ticks;   /* since it was dropped */
    uint16_t state_ticks;   /* since it last changed between on and off */
    uint16_t open_ticks;    /* draws nothing for this long */
    uint16_t stalled_ticks; /* draws too much for this long */
    uint8_t  is_on;
    uint8_t  is_open;       /* found open: does not count as cooling */
    uint8_t  is_dropped;    /* found stalled: switched off until the retry */
    uint8_t  reserved[3];
} fan_t;
_Static_assert(sizeof(fan_t) == 28U, "fan_t: hidden padding");

typedef struct {
    fan_t    fan[FAN_COUNT];
    uint16_t since_start_ticks; /* since the last start of any fan */
    uint8_t  lead;              /* the fan that starts first; chosen while all are off */
    uint8_t  running_mask;      /* bit 0: fan 1 */
    uint8_t  failed_mask;       /* open or dropped */
    uint8_t  failed_count;
    uint8_t  reserved[2];
} fan_bank_t;
_Static_assert(sizeof(fan_bank_t) == (sizeof(fan_t) * FAN_COUNT) + 8U, "fan_bank_t: hidden padding");

typedef enum {
    FAN_ORDER_RUN = 0, /* towards the number wanted */
    FAN_ORDER_WAIT,    /* the same, but no start now */
    FAN_ORDER_HOLD,    /* flight: no start, no stop but that of a stalled fan */
    FAN_ORDER_STOP     /* all off now, whatever minimum times say */
} fan_order_t;

void fan_bank_init(fan_bank_t *bank, const vcu_calibration_t *cal);

/* One period of the raster towards `wanted` fans. */
void fan_bank_tick(fan_bank_t *bank, const vcu_calibration_t *cal, const inputs_t *inputs, uint32_t wanted,
                   fan_order_t order);

#endif

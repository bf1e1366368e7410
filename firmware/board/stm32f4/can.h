/* can.h - the CAN controller (bxCAN, CAN1): received frames by interrupt, sent frames by priority.
 *
 * Sending: frames wait in a table, one place an identifier, and a newer frame takes the place of one that was not sent
 * yet: on a bus that is stuck the unit's last word counts. The lowest identifier goes first into a free mailbox, and
 * the controller sends the lowest of its three. An identifier is in one mailbox at most: its frames keep their order.
 *
 * A controller that has left the bus after too many errors (bus-off) forgets what waited, and after CAN_RECOVERY_MS
 * asks to come back. Every wait is bounded.
 */
#ifndef CAN_H
#define CAN_H

#include "can_frame.h"

#include <stdbool.h>
#include <stdint.h>

#define CAN_RECOVERY_MS 100U
#define CAN_ACCEPTED_MAX 56U /* 14 filter banks of four identifiers: the other 14 are CAN2's */

typedef enum {
    CAN_RATE_1M = 0, /* the vehicle's */
    CAN_RATE_500K,
    CAN_RATE_COUNT
} can_rate_t;

/* Join the bus. Only data frames with these standard identifiers are received, all others never reach the processor.
 * False: no controller answers, or the clock does not divide down to the rate. */
bool can_init(can_rate_t rate, const uint16_t *ids, uint32_t count);

/* The oldest received frame, or false. */
bool can_receive(can_frame_t *frame);

/* A frame to be sent as soon as it can be. */
void can_send(const can_frame_t *frame);

/* Hand waiting frames to free mailboxes. */
void can_serve(void);

/* Once a millisecond: see whether the controller is on the bus, and bring it back. */
void can_tick(void);

bool     can_is_running(void);
bool     can_has_received(void);
uint32_t can_lost_in_count(void);
uint32_t can_lost_out_count(void);
uint32_t can_bus_off_count(void);

#endif

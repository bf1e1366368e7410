/* bus.h - the CAN face of the core: frames become inputs, decisions become frames.
 *
 * Reception is supervised from one table: identifier, length, and for protected messages a 4-bit alive counter and a
 * CRC-8 (SAE J1850). A frame with a wrong length or CRC is dropped and counted; one that repeats the last counter is
 * dropped too, so a sender that hangs becomes stale. A counter that skips is accepted and the gap counted: recordings
 * lose frames, and a monitor that trips on one trips hundreds of times. Age is the inputs' matter.
 */
#ifndef BUS_H
#define BUS_H

#include "can_frame.h"
#include "control.h"

#include <stdbool.h>
#include <stdint.h>

#define BUS_RECEIVED INPUTS_GROUP_COUNT /* messages received, in the order of inputs_group_t */
#define BUS_COUNTER_UNKNOWN 255U

/* Messages sent, in the order in which they leave within a tick. */
typedef enum {
    BUS_SENT_TORQUE_COMMAND = 0,
    BUS_SENT_FLIGHT_STATUS,
    BUS_SENT_COOLING_COMMAND,
    BUS_SENT_FAULT_STATUS,
    BUS_SENT_INTAKE_STATUS,
    BUS_SENT_HEAT_STATUS,
    BUS_SENT_IDENTITY,
    BUS_SENT_FUEL_STATUS,
    BUS_SENT_IMPACT_STATUS,
    BUS_SENT_COUNT
} bus_sent_t;

#define BUS_SENT_ROOM 12U /* a multiple of 4: another message moves nothing */
_Static_assert(BUS_SENT_COUNT <= BUS_SENT_ROOM, "one more message than there is room for");

typedef struct {
    uint32_t accepted_count[BUS_RECEIVED];
    uint32_t rejected_count[BUS_RECEIVED]; /* wrong length or CRC, or a repeated counter */
    uint32_t lost_count[BUS_RECEIVED];     /* frames that the counters show to be missing */
    uint8_t  last_counter[BUS_RECEIVED];   /* BUS_COUNTER_UNKNOWN before the first frame */
    uint8_t  reserved_1[3];
    uint16_t countdown_ms[BUS_SENT_ROOM];
    uint8_t  send_counter[BUS_SENT_ROOM];
    uint16_t pending_mask;  /* due and not yet fetched: bit by bus_sent_t */
    uint16_t reserved_2;
    uint32_t overrun_count; /* due again before it was fetched */
} bus_t;
_Static_assert(sizeof(bus_t) == ((BUS_RECEIVED * 13U) + 3U + (BUS_SENT_ROOM * 3U) + 8U), "bus_t: hidden padding");

typedef enum {
    BUS_RESULT_ACCEPTED = 0,
    BUS_RESULT_FOREIGN, /* not a message of ours: no business of the unit */
    BUS_RESULT_LENGTH,
    BUS_RESULT_CRC,
    BUS_RESULT_REPEATED
} bus_result_t;

void bus_init(bus_t *bus);

/* One frame in: into the inputs if it stands every check. */
bus_result_t bus_receive(bus_t *bus, inputs_t *inputs, const can_frame_t *frame);

/* One tick: which messages are due. */
void bus_schedule(bus_t *bus);

/* The next due frame, or false when there is none. */
bool bus_fetch(bus_t *bus, const control_t *control, uint32_t calibration_hash, can_frame_t *frame);

/* What a torque command says, read back from its bytes; false for any other frame, which leaves the results alone. */
bool bus_read_torque(const can_frame_t *frame, float *granted_Nm, bool *is_cut);

/* The phase of each message that is sent; part of bus_init. */
void bus_init_schedule(bus_t *bus);

/* CRC-8 SAE J1850 over `length` bytes and then the identifier, low byte first: a frame that arrives under a wrong
 * identifier fails. */
uint8_t bus_crc(const uint8_t *bytes, uint32_t length, uint32_t id);

#endif

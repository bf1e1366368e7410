/* slcan.h - CAN frames as lines of ASCII: the LAWICEL protocol that python-can, slcand and most adapters speak.
 *
 * A line ends with CR. The answer is CR for done (after what was asked for), BEL for refused. An empty line is answered
 * with CR, LF is no part of any line.
 *
 *     O  L  C           open, open listen-only, close; asking for what is so already is no error
 *     Sn  sXXYY         bit rate 0 to 8, bit timing          Z0 Z1  time stamps off (at start), on: ms modulo 60000
 *     MXXXXXXXX mX...   acceptance code, mask                X0 X1  accepted frames are answered CR (at start), z or Z
 *     tIIILDD..  TIIIIIIIILDD..  rIIIL  RIIIIIIIIL           frames; identifiers 11 and 29 bits, r and R remote
 *     V  N  F           version, serial number, status flags since the last F (only while open)
 *
 * Refused: an unknown command, a digit too few, too many or none, a value out of range, configuration while open, a
 * frame while closed or listen-only, a line longer than any command (dropped up to its CR, refused once). Whatever
 * noise came before, the line after the next CR is read whole.
 *
 * Kept and not obeyed, since the node behind this link is one unit and not a bus: bit rate, bit timing, acceptance.
 * Frames are always sent by themselves: X changes the acknowledgement alone, and there is no polling (A, P).
 */
#ifndef SLCAN_H
#define SLCAN_H

#include "can_frame.h"

#include <stdbool.h>
#include <stdint.h>

#define SLCAN_COMMAND_MAX 26U /* longest line that means anything: T, 8 + 1 + 16 digits; its CR is not kept */
#define SLCAN_LINE_MAX 31U    /* longest line printed: the same with time stamp and CR */
#define SLCAN_REPLY_MAX 6U    /* V1013 and CR */

typedef enum {
    SLCAN_MODE_CLOSED = 0,
    SLCAN_MODE_OPEN,
    SLCAN_MODE_LISTEN, /* frames to the host only */
    SLCAN_MODE_COUNT
} slcan_mode_t;

typedef enum {
    SLCAN_EVENT_NONE = 0,
    SLCAN_EVENT_FRAME,  /* the host sent a frame */
    SLCAN_EVENT_CLOSED, /* the host closed the channel, open or not: whoever was there takes his leave */
} slcan_event_t;

/* Status flags, at their places in the answer to F. */
#define SLCAN_STATUS_TO_HOST_LOST 0x01U   /* LAWICEL: receive queue full */
#define SLCAN_STATUS_FROM_HOST_LOST 0x02U /* LAWICEL: transmit queue full */

typedef struct {
    uint32_t frame_count;       /* frames taken from the host, saturating */
    uint32_t refused_count;     /* lines answered with BEL, saturating */
    uint32_t opened_count;      /* times that the channel was closed and was opened, may wrap */
    uint32_t acceptance_code;
    uint32_t acceptance_mask;
    uint16_t serial_number;
    uint16_t bit_timing;        /* of the last s */
    uint8_t  bit_rate;          /* of the last S */
    uint8_t  mode;              /* slcan_mode_t */
    uint8_t  is_stamped;        /* 0 or 1 */
    uint8_t  is_acknowledged;   /* 0 or 1: accepted frames are answered with z or Z */
    uint8_t  status;            /* SLCAN_STATUS_..., since the last F */
    uint8_t  length;            /* characters of the line so far; SLCAN_COMMAND_MAX + 1: too many */
    uint8_t  reply_length;      /* of the answer to the last byte; mostly 0 */
    uint8_t  reply[SLCAN_REPLY_MAX];
    uint8_t  line[SLCAN_COMMAND_MAX];
} slcan_t;

/* Closed, no time stamps. The number is what N says. */
void slcan_init(slcan_t *slcan, uint16_t serial_number);

/* One byte from the host. What it wants to hear is then in `reply`, until the next byte; `frame` is written when the
 * result says so. */
slcan_event_t slcan_feed(slcan_t *slcan, uint8_t byte, can_frame_t *frame);

/* Frames go to the host while the channel is open. */
bool slcan_is_open(const slcan_t *slcan);

/* Something was lost: the next F tells. */
void slcan_raise(slcan_t *slcan, uint8_t status);

/* Write a frame as a line and return its length. Pure ASCII, whatever the frame. */
uint32_t slcan_print(const slcan_t *slcan, const can_frame_t *frame, uint32_t time_ms, uint8_t out[SLCAN_LINE_MAX]);

#endif

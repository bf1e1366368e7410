/* can_frame.h - one classic CAN frame. */
#ifndef CAN_FRAME_H
#define CAN_FRAME_H

#include <stdint.h>

#define CAN_FRAME_EXTENDED 1U
#define CAN_FRAME_REMOTE 2U

typedef struct {
    uint32_t id;     /* without flag bits */
    uint8_t  length; /* 0 to 8 */
    uint8_t  flags;  /* CAN_FRAME_... */
    uint8_t  reserved[2];
    uint8_t  data[8];
} can_frame_t;
_Static_assert(sizeof(can_frame_t) == 16U, "can_frame_t: hidden padding");

#endif

#include "unit.h"

#define A_DOOR __attribute__((noinline, used))

A_DOOR void unit_receive(vcu_t *vcu, const can_frame_t *frame)
{
    vcu_receive(vcu, frame);
}

A_DOOR void unit_tick(vcu_t *vcu)
{
    vcu_tick(vcu);
}

A_DOOR bool unit_transmit(vcu_t *vcu, can_frame_t *frame)
{
    return vcu_transmit(vcu, frame);
}

A_DOOR uint32_t unit_digest(const vcu_t *vcu)
{
    return vcu_digest(vcu);
}

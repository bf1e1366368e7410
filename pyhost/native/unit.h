/* unit.h - the doors of the unit as functions that stay functions, however files are joined: so a profiler can tell what
 * the unit takes from what is done around it (bench/replay_instructions.py).
 */
#ifndef UNIT_H
#define UNIT_H

#include "vcu.h"

void     unit_receive(vcu_t *vcu, const can_frame_t *frame);
void     unit_tick(vcu_t *vcu);
bool     unit_transmit(vcu_t *vcu, can_frame_t *frame);
uint32_t unit_digest(const vcu_t *vcu);

#endif

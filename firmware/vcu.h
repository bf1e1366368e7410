/* vcu.h - the unit: four functions and one struct are all it takes to run the car.
 *
 *     vcu_init(&vcu, &calibration);
 *     every millisecond:  vcu_receive() for each frame that came;  vcu_tick();  vcu_transmit() until it says false
 *
 * The unit has no clock, no heap, no static memory and no library mathematics: the same frames give the same bytes on
 * every target. vcu_t holds no pointer and no padding, so a copy is a snapshot, a comparison of bytes is equality, and a
 * run can be forked at any tick.
 */
#ifndef VCU_H
#define VCU_H

#include "bus.h"
#include "calibration.h"
#include "can_frame.h"
#include "control.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    vcu_calibration_t calibration;      /* the set in use; not part of the digest, its hash is */
    uint32_t          calibration_hash;
    uint32_t          tick_count;       /* for the record: nothing depends on it, and it may wrap */
    bus_t             bus;
    control_t         control;
} vcu_t;
_Static_assert(sizeof(vcu_t) == (sizeof(vcu_calibration_t) + 8U + sizeof(bus_t) + sizeof(control_t)),
               "vcu_t: hidden padding");
_Static_assert((sizeof(vcu_t) % 4U) == 0U, "vcu_t: words only");

/* Start with a calibration. A set that breaks a range or a rule is refused as a whole: the built-in one is used, and a
 * fault says so. */
void vcu_init(vcu_t *vcu, const vcu_calibration_t *calibration);

/* One frame from the bus, in the order of arrival; foreign ones are no business of the unit. */
void vcu_receive(vcu_t *vcu, const can_frame_t *frame);

/* One millisecond passes. */
void vcu_tick(vcu_t *vcu);

/* The next frame to send in this tick, or false when there is none. */
bool vcu_transmit(vcu_t *vcu, can_frame_t *frame);

/* The last tick ran all its steps in their order. A board feeds its watchdog only then (monitor.h). */
bool vcu_is_well(const vcu_t *vcu);

/* Digest of everything that the unit remembers: equal digests at every tick mean equal runs (digest.h). */
uint32_t vcu_digest(const vcu_t *vcu);

#endif

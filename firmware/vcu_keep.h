/* vcu_keep.h - what the unit takes along when power goes: faults, fuel, impacts, and what it has learned of the car.
 *
 *     vcu_init(&vcu, &calibration);  vcu_recall(&vcu, &kept);   ...   vcu_keep(&vcu, &kept);
 *
 * The unit asks for no memory and works the same without. Who owns some (the board its flash, the host a file) keeps the
 * bytes as they are. They are words without pointers and padding, the same on every target.
 */
#ifndef VCU_KEEP_H
#define VCU_KEEP_H

#include "vcu.h"

#include <stdbool.h>
#include <stdint.h>

/* Goes up when a member gets another meaning; size and number of faults are in the layout by themselves. */
#define VCU_KEEP_VERSION 1U
#define VCU_KEEP_LAYOUT \
    ((VCU_KEEP_VERSION << 24) | ((uint32_t)FAULT_COUNT << 16) | ((uint32_t)sizeof(vcu_keep_t) & 0xFFFFU))

typedef struct {
    uint32_t      layout;                      /* VCU_KEEP_LAYOUT of the build that wrote it */
    uint32_t      car_number;                  /* calibrated number of the car that it is of */
    fault_keep_t  fault;
    fuel_keep_t   fuel;
    impact_keep_t impact;
    filter_keep_t filter;
    float         radiator_clean_ratio;
    float         ride_height_mm[FLIGHT_CORNERS]; /* learned, as the difference to the calibrated one */
    uint32_t      fan_run_ticks[FAN_COUNT];
    uint32_t      digest;                      /* of all words before it (digest.h) */
} vcu_keep_t;
_Static_assert(sizeof(vcu_keep_t) ==
                   (sizeof(fault_keep_t) + 24U + 20U + 12U + 4U + (FLIGHT_CORNERS * 4U) + (FAN_COUNT * 4U) + 12U),
               "vcu_keep_t: hidden padding");

void vcu_keep(const vcu_t *vcu, vcu_keep_t *keep);

/* False: the bytes are damaged, or another build with another layout wrote them. */
bool vcu_keep_is_whole(const vcu_keep_t *keep);

/* After vcu_init(), before the first frame. False, and nothing is changed: they are not whole, or of another car than
 * the calibration is for. */
bool vcu_recall(vcu_t *vcu, const vcu_keep_t *keep);

#endif

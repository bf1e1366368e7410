/* fault_memory.h - what is remembered of faults: how often each came, for how long it has stayed away, and what the car
 * was doing when it first came.
 *
 * A driving cycle begins when the engine runs with the key on, and ends when the key is off. A fault that stays away for
 * fault.age_cycles of them is forgotten, its frame with it.
 *
 * Frames are fewer than faults. When all are taken, the one of the least severe fault makes room, of equals the oldest;
 * a fault that is less severe than all that are kept gets none. Its counters are kept all the same.
 */
#ifndef FAULT_MEMORY_H
#define FAULT_MEMORY_H

#include "calibration.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_FRAMES 10

/* The car at a moment: the key signals of a freeze frame, whole numbers, since a memory of years must not hold what is
 * no number. What is unusable is 0, and its bit in `unknown_mask` is set; what is below 0 is 0. */
typedef struct {
    uint16_t engine_speed_rpm;
    uint16_t ground_speed_cmps;
    uint16_t battery_mV;
    uint16_t torque_Nm; /* granted */
    uint8_t  coolant_degC;
    uint8_t  pedal_pct;
    uint8_t  gear; /* as in codes.h */
    uint8_t  flight_state; /* flight_mode_state_t */
    uint8_t  reason; /* torque_reason_t */
    uint8_t  unknown_mask; /* bit 0 engine speed, 1 ground speed, 2 battery, 3 coolant, 4 gear */
} fault_scene_t;
_Static_assert(sizeof(fault_scene_t) == 14U, "fault_scene_t: hidden padding");

typedef struct {
    uint32_t      at_s; /* of operating time */
    fault_scene_t scene;
    uint16_t      cycle; /* number of the driving cycle */
    uint8_t       fault; /* fault_id_t; FAULT_NONE: the place is free */
    uint8_t       reserved[3];
} fault_frame_t;
_Static_assert(sizeof(fault_frame_t) == 24U, "fault_frame_t: hidden padding");

/* What survives power-off. */
typedef struct {
    fault_frame_t frame[FAULT_FRAMES];
    uint32_t      operating_s; /* under power, ever */
    uint16_t      cycle_count; /* driving cycles begun */
    uint8_t       count[FAULT_SLOTS]; /* how often each came; saturates */
    uint8_t       away_cycles[FAULT_SLOTS]; /* whole driving cycles since each was last there */
    uint16_t      reserved;
} fault_keep_t;
_Static_assert(sizeof(fault_keep_t) == ((FAULT_FRAMES * 24U) + 8U + (2U * FAULT_SLOTS)),
               "fault_keep_t: hidden padding");

typedef struct {
    fault_keep_t keep;
    uint32_t     seen_mask[FAULT_WORDS]; /* active when last looked at */
    uint32_t     cycle_mask[FAULT_WORDS]; /* active at some time in this driving cycle */
    uint16_t     part_ticks; /* of the next second of operation */
    uint8_t      is_driving; /* a driving cycle is under way */
    uint8_t      reserved;
} fault_memory_t;
_Static_assert(sizeof(fault_memory_t) == (sizeof(fault_keep_t) + (FAULT_WORDS * 8U) + 4U),
               "fault_memory_t: hidden padding");

void fault_memory_init(fault_memory_t *memory);

/* One period of the raster: what came since the last one is counted, with the scene as it is now. */
void fault_memory_tick(fault_memory_t *memory, const fault_t *fault, const fault_scene_t *scene);

/* The engine runs with the key on; the key is off. Neither: whatever was goes on. */
void fault_memory_cycle(fault_memory_t *memory, const vcu_calibration_t *cal, bool is_driven, bool is_key_off);

/* Bits of the faults that are remembered: one of FAULT_WORDS. */
uint32_t fault_memory_mask(const fault_memory_t *memory, uint32_t word);

/* To go on from what was kept. A frame of no fault is a free place. */
void fault_memory_recall(fault_memory_t *memory, const fault_keep_t *keep);

#endif

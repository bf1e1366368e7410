/* inputs.h - all inputs of the unit: by name for the modules, by index for the bus and the tests. */
#ifndef INPUTS_H
#define INPUTS_H

#include "calibration.h"
#include "raster.h"
#include "signal.h"

/* Index of each input, and the first index of each group. */
typedef enum {
#define INPUT_GROUP(group) INPUTS_FIRST_##group, INPUTS_BEFORE_##group = INPUTS_FIRST_##group - 1,
#define INPUT(name, min, max) INPUTS_INDEX_##name,
#include "inputs.def"
#undef INPUT_GROUP
#undef INPUT
    INPUTS_COUNT
} inputs_index_t;

typedef struct {
    union {
        struct {
#define INPUT_GROUP(group)
#define INPUT(name, min, max) signal_t name;
#include "inputs.def"
#undef INPUT_GROUP
#undef INPUT
        };
        signal_t by_index[INPUTS_COUNT];
    };
    uint16_t age_ticks[INPUTS_GROUP_COUNT]; /* of each message; saturates, and only a new frame resets it */
    uint16_t reserved;
} inputs_t;
_Static_assert(sizeof(inputs_t) == ((INPUTS_COUNT * sizeof(signal_t)) + (INPUTS_GROUP_COUNT * 2U) + 2U),
               "inputs_t: hidden padding, or names and indices disagree");

/* Every input is invalid and as old as can be. */
void inputs_init(inputs_t *inputs);

/* A sample came in. NaN and values out of the range of inputs.def become invalid here, at the door. */
void inputs_set(inputs_t *inputs, inputs_index_t index, float value);

/* A sample came in that says of itself that it means nothing. */
void inputs_invalidate(inputs_t *inputs, inputs_index_t index);

/* The message of a group came in: its samples are new. */
void inputs_hear(inputs_t *inputs, inputs_group_t group);

/* The message of a group came in since the raster's last period. */
static inline bool inputs_is_recent(const inputs_t *inputs, inputs_group_t group)
{
    return inputs->age_ticks[group] < RASTER_TICKS;
}

/* One tick, after everybody has read: every message is one tick older, and what is too old is unusable from now on. A
 * sensor that died long ago stays dead. */
void inputs_age(inputs_t *inputs, const vcu_calibration_t *cal);

#endif

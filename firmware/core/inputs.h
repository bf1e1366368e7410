/* inputs.h - all inputs of the unit: by name for the modules, by index for the bus and the tests. */
#ifndef INPUTS_H
#define INPUTS_H

#include "calibration.h"
#include "signal.h"

typedef enum {
#define INPUT(group, name, min, max) INPUTS_INDEX_##name,
#include "inputs.def"
#undef INPUT
    INPUTS_COUNT
} inputs_index_t;

typedef union {
    struct {
#define INPUT(group, name, min, max) signal_t name;
#include "inputs.def"
#undef INPUT
    };
    signal_t by_index[INPUTS_COUNT];
} inputs_t;
_Static_assert(sizeof(inputs_t) == (INPUTS_COUNT * sizeof(signal_t)), "inputs_t: names and indices disagree");

/* Every input is invalid and as old as can be. */
void inputs_init(inputs_t *inputs);

/* A sample came in. NaN and values out of the range of inputs.def become invalid here, at the door. */
void inputs_set(inputs_t *inputs, inputs_index_t index, float value);

/* A frame came in that says of itself that its samples mean nothing. */
void inputs_invalidate(inputs_t *inputs, inputs_index_t index);

/* One tick, before anybody reads: decide which inputs are usable. */
void inputs_judge(inputs_t *inputs, const vcu_calibration_t *cal);

/* One tick, after everybody has read: every input is one tick older. */
void inputs_age(inputs_t *inputs);

#endif

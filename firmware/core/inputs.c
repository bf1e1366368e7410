#include "inputs.h"

#include "numeric.h"

typedef struct {
    float min;
    float max;
} range_t;

static const range_t ranges[INPUTS_COUNT] = {
#define INPUT_GROUP(group)
#define INPUT(name, low, high) [INPUTS_INDEX_##name] = {.min = (low), .max = (high)},
#include "inputs.def"
#undef INPUT_GROUP
#undef INPUT
};

/* Where the inputs of each group begin; the last entry is where they end. */
static const uint8_t firsts[INPUTS_GROUP_COUNT + 1] = {
#define INPUT_GROUP(group) [INPUTS_GROUP_##group] = (uint8_t)INPUTS_FIRST_##group,
#define INPUT(name, low, high)
#include "inputs.def"
#undef INPUT_GROUP
#undef INPUT
    [INPUTS_GROUP_COUNT] = (uint8_t)INPUTS_COUNT,
};

void inputs_init(inputs_t *inputs)
{
    *inputs = (inputs_t){.reserved = 0U};
    for (uint32_t group = 0U; group < (uint32_t)INPUTS_GROUP_COUNT; group++) {
        inputs->age_ticks[group] = UINT16_MAX;
    }
}

void inputs_set(inputs_t *inputs, inputs_index_t index, float value)
{
    const range_t *range  = &ranges[index];
    signal_t      *signal = &inputs->by_index[index];

    if ((value >= range->min) && (value <= range->max)) { /* false for a NaN */
        *signal = (signal_t){.value = value, .is_usable = 1U, .is_valid = 1U, .is_new = 1U};
    } else {
        inputs_invalidate(inputs, index);
    }
}

void inputs_invalidate(inputs_t *inputs, inputs_index_t index)
{
    signal_t *signal = &inputs->by_index[index];

    signal->is_usable = 0U;
    signal->is_valid  = 0U;
    signal->is_new    = 0U;
}

void inputs_hear(inputs_t *inputs, inputs_group_t group)
{
    inputs->age_ticks[group] = 0U;
}

static void settle(inputs_t *inputs, uint32_t group, bool is_too_old)
{
    for (uint32_t i = firsts[group]; i < firsts[group + 1U]; i++) {
        inputs->by_index[i].is_new = 0U;
        if (is_too_old) {
            inputs->by_index[i].is_usable = 0U;
        }
    }
}

void inputs_age(inputs_t *inputs, const vcu_calibration_t *cal)
{
    for (uint32_t group = 0U; group < (uint32_t)INPUTS_GROUP_COUNT; group++) {
        const bool     was_new    = inputs->age_ticks[group] == 0U;
        const uint16_t age_ticks  = numeric_count_u16(inputs->age_ticks[group]);
        const bool     is_too_old = age_ticks > cal->inputs_max_age_ms[group];

        inputs->age_ticks[group] = age_ticks;
        if (was_new || is_too_old) {
            settle(inputs, group, is_too_old);
        }
    }
}

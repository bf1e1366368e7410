#include "inputs.h"

#include "numeric.h"

typedef struct {
    float   min;
    float   max;
    uint8_t group;
} inputs_limit_t;

static const inputs_limit_t limits[INPUTS_COUNT] = {
#define INPUT(group, name, min, max) [INPUTS_INDEX_##name] = {(min), (max), INPUTS_GROUP_##group},
#include "inputs.def"
#undef INPUT
};

void inputs_init(inputs_t *inputs)
{
    for (uint32_t i = 0U; i < (uint32_t)INPUTS_COUNT; i++) {
        inputs->by_index[i] = (signal_t){.value = 0.0f, .age_ticks = UINT16_MAX, .is_valid = 0U, .is_usable = 0U};
    }
}

void inputs_set(inputs_t *inputs, inputs_index_t index, float value)
{
    const inputs_limit_t *limit  = &limits[index];
    signal_t             *signal = &inputs->by_index[index];

    if ((value >= limit->min) && (value <= limit->max)) { /* false for a NaN */
        signal->value    = value;
        signal->is_valid = 1U;
    } else {
        signal->is_valid = 0U;
    }
    signal->age_ticks = 0U;
}

void inputs_invalidate(inputs_t *inputs, inputs_index_t index)
{
    inputs->by_index[index].is_valid  = 0U;
    inputs->by_index[index].age_ticks = 0U;
}

void inputs_judge(inputs_t *inputs, const vcu_calibration_t *cal)
{
    for (uint32_t i = 0U; i < (uint32_t)INPUTS_COUNT; i++) {
        signal_t  *signal     = &inputs->by_index[i];
        const bool is_fresh   = signal->age_ticks <= cal->inputs_max_age_ms[limits[i].group];

        signal->is_usable = numeric_flag((signal->is_valid != 0U) && is_fresh);
    }
}

void inputs_age(inputs_t *inputs)
{
    for (uint32_t i = 0U; i < (uint32_t)INPUTS_COUNT; i++) {
        inputs->by_index[i].age_ticks = numeric_count_u16(inputs->by_index[i].age_ticks);
    }
}

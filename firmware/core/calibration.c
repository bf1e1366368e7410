#include "calibration.h"

#include "digest.h"

#define UNWRAP(...) __VA_ARGS__

const vcu_calibration_t calibration_default = {
#define CAL(id, module, type, name, unit, min, max, value, meaning, source) .module##_##name = (value),
#define CAL_ARRAY(id, module, type, name, count, unit, min, max, values, meaning, source) \
    .module##_##name = {UNWRAP values},
#include "calibration.def"
#undef CAL
#undef CAL_ARRAY
};

typedef struct {
    float    min;
    float    max;
    uint16_t first_word; /* of the set */
    uint16_t count;
    uint16_t number; /* id of the first word */
    uint8_t  is_float;
} range_t;

#define WORD_OF(member) ((uint16_t)(offsetof(vcu_calibration_t, member) / 4U))
#define IS_FLOAT(member) _Generic(member, float: 1U, default: 0U)

static const range_t ranges[] = {
#define CAL(id, module, type, name, unit, low, high, value, meaning, source) \
    {.min        = (float)(low),                                             \
     .max        = (float)(high),                                            \
     .first_word = WORD_OF(module##_##name),                                 \
     .count      = 1U,                                                       \
     .number     = (id),                                                     \
     .is_float   = IS_FLOAT(calibration_default.module##_##name)},
#define CAL_ARRAY(id, module, type, name, n, unit, low, high, values, meaning, source) \
    {.min        = (float)(low),                                                       \
     .max        = (float)(high),                                                      \
     .first_word = WORD_OF(module##_##name),                                           \
     .count      = (n),                                                                \
     .number     = (id),                                                               \
     .is_float   = IS_FLOAT(calibration_default.module##_##name[0])},
#include "calibration.def"
#undef CAL
#undef CAL_ARRAY
};

/* One word of the set as it is, without a conversion. */
typedef union {
    float    f;
    uint32_t u;
} word_t;

static word_t word_at(const vcu_calibration_t *cal, uint32_t index)
{
    word_t word;

    word.u = digest_word((const unsigned char *)cal + (index * 4U));
    return word;
}

static bool is_inside(const vcu_calibration_t *cal, const range_t *range)
{
    bool is_in_range = true;

    for (uint32_t k = 0U; k < range->count; k++) {
        const word_t word  = word_at(cal, range->first_word + k);
        const float  value = (range->is_float != 0U) ? word.f : (float)word.u;

        is_in_range = is_in_range && (value >= range->min) && (value <= range->max);
    }
    return is_in_range;
}

uint32_t calibration_out_of_range(const vcu_calibration_t *cal)
{
    uint32_t id = 0U;

    for (uint32_t i = 0U; (i < (sizeof(ranges) / sizeof(ranges[0]))) && (id == 0U); i++) {
        id = is_inside(cal, &ranges[i]) ? 0U : ranges[i].number;
    }
    return id;
}

bool calibration_is_in_range(const vcu_calibration_t *cal)
{
    return calibration_out_of_range(cal) == 0U;
}

static bool is_rising(const float *values, uint32_t count, float step)
{
    bool rises = true;

    for (uint32_t i = 1U; i < count; i++) {
        rises = rises && ((values[i - 1U] + step) <= values[i]);
    }
    return rises;
}

static bool is_ordered(const float *lower, const float *upper, uint32_t count, float margin)
{
    bool ordered = true;

    for (uint32_t i = 0U; i < count; i++) {
        ordered = ordered && ((lower[i] + margin) <= upper[i]);
    }
    return ordered;
}

bool calibration_keeps_rule(const vcu_calibration_t *cal, calibration_rule_t rule)
{
    bool keeps = false;

    switch (rule) {
#define RULE(name, condition, text) \
    case CALIBRATION_RULE_##name:   \
        keeps = (condition);        \
        break;
#include "calibration_rules.def"
#undef RULE
    case CALIBRATION_RULE_COUNT:
        break;
    }
    return keeps;
}

bool calibration_is_safe(const vcu_calibration_t *cal)
{
    bool is_safe = calibration_is_in_range(cal);

    for (uint32_t rule = 0U; rule < (uint32_t)CALIBRATION_RULE_COUNT; rule++) {
        is_safe = is_safe && calibration_keeps_rule(cal, (calibration_rule_t)rule);
    }
    return is_safe;
}

uint32_t calibration_hash(const vcu_calibration_t *cal)
{
    return digest_words(DIGEST_SEED, cal, sizeof(*cal));
}

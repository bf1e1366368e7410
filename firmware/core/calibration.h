/* calibration.h - the tunable numbers as one struct, and the judgement whether a set of them is safe as a whole. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

/* Messages whose age is supervised: the order of inputs_max_age_ms and of the bus. */
typedef enum {
    INPUTS_GROUP_ACCEL = 0,
    INPUTS_GROUP_RATE,
    INPUTS_GROUP_DAMPER,
    INPUTS_GROUP_WHEEL,
    INPUTS_GROUP_ENGINE,
    INPUTS_GROUP_GEARBOX,
    INPUTS_GROUP_DRIVER,
    INPUTS_GROUP_MOTION,
    INPUTS_GROUP_AIR_PATH,
    INPUTS_GROUP_THERMAL,
    INPUTS_GROUP_FAN,
    INPUTS_GROUP_FUEL,
    INPUTS_GROUP_AMBIENT,
    INPUTS_GROUP_COUNT
} inputs_group_t;

typedef struct {
#define CAL(id, module, type, name, unit, min, max, value, meaning, source) type module##_##name;
#define CAL_ARRAY(id, module, type, name, count, unit, min, max, values, meaning, source) type module##_##name[count];
#include "calibration.def"
#undef CAL
#undef CAL_ARRAY
} vcu_calibration_t;
_Static_assert((sizeof(vcu_calibration_t) % 4U) == 0U, "vcu_calibration_t: words only");

typedef enum {
#define RULE(name, condition, text) CALIBRATION_RULE_##name,
#include "calibration_rules.def"
#undef RULE
    CALIBRATION_RULE_COUNT
} calibration_rule_t;

/* The set that the unit falls back on; it breaks no range and no rule. */
extern const vcu_calibration_t calibration_default;

/* Id of the first number that is out of its range or a NaN; 0: there is none. */
uint32_t calibration_out_of_range(const vcu_calibration_t *cal);

/* Every number lies in its range; false for a NaN. */
bool calibration_is_in_range(const vcu_calibration_t *cal);

/* The relation holds. Meaningful for a set in range. */
bool calibration_keeps_rule(const vcu_calibration_t *cal, calibration_rule_t rule);

/* In range and every relation holds: only such a set ever reaches a module. */
bool calibration_is_safe(const vcu_calibration_t *cal);

/* Hash of the numbers, FNV-1a over words: names the set on the bus and in every record. */
uint32_t calibration_hash(const vcu_calibration_t *cal);

#endif

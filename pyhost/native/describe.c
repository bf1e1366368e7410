#include "describe.h"

#include "bus_identity.h"
#include "calibration.h"
#include "inputs.h"

#include <stddef.h>

#define COUNT_OF(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

/* clang-format off */
const describe_parameter_t describe_parameter[] = {
#define CAL(id, module, type, name, unit, low, high, value, meaning, source)                                \
    {id,  #module, #name, #type, unit, (float)(low), (float)(high), meaning, source,                       \
     (uint32_t)offsetof(vcu_calibration_t, module##_##name), 1U, 0U},
#define CAL_ARRAY(id, module, type, name, n, unit, low, high, values, meaning, source)                      \
    {id,  #module, #name, #type, unit, (float)(low), (float)(high), meaning, source,                       \
     (uint32_t)offsetof(vcu_calibration_t, module##_##name), n, 1U},
#include "calibration.def"
#undef CAL
#undef CAL_ARRAY
};
/* clang-format on */
const uint32_t describe_parameters = COUNT_OF(describe_parameter);

const describe_rule_t describe_rule[] = {
#define RULE(name, condition, text) {#name, text},
#include "calibration_rules.def"
#undef RULE
};
const uint32_t describe_rules = COUNT_OF(describe_rule);

/* clang-format off */
const describe_fault_t describe_fault[] = {
#define FAULT(name, letter, digits, kind, severity, heals, set_ms, set_times, heal_ms, saw, does, crew)        \
    {#name, #letter #digits, #kind, #severity, #heals, set_ms, set_times, heal_ms, saw, does, crew},
#include "fault.def"
#undef FAULT
};
/* clang-format on */
const uint32_t describe_faults = COUNT_OF(describe_fault);

const describe_input_t describe_input[] = {
#define INPUT_GROUP(group)
#define INPUT(name, low, high) {#name, low, high},
#include "inputs.def"
#undef INPUT_GROUP
#undef INPUT
};
_Static_assert(COUNT_OF(describe_input) == (uint32_t)INPUTS_COUNT, "describe_input: not one row an input");

#ifdef __clang__
const char *describe_compiler = __VERSION__;
#else
const char *describe_compiler = "GCC " __VERSION__;
#endif
const uint32_t describe_build_id    = BUS_IDENTITY_BUILD;
const uint32_t describe_layout_hash = BUS_IDENTITY_LAYOUT;

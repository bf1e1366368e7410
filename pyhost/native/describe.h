/* describe.h - what the firmware's tables say in words, for the host: the chip carries none of this text. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include <stdint.h>

typedef struct {
    uint32_t    id;
    const char *module;
    const char *name;
    const char *type;
    const char *unit;
    float       min;
    float       max;
    const char *meaning;
    const char *source;
    uint32_t    offset_bytes; /* in vcu_calibration_t */
    uint32_t    count;        /* 1, or the length of an array */
    uint32_t    is_array;
} describe_parameter_t;

typedef struct {
    const char *name;
    const char *text;
} describe_rule_t;

typedef struct {
    const char *name;
    const char *code;
    const char *kind;
    const char *severity;
    const char *heals;
    uint32_t    set_ms;
    uint32_t    set_times;
    uint32_t    heal_ms;
    const char *saw;
    const char *does;
    const char *crew;
} describe_fault_t;

typedef struct {
    const char *name;
    float       min;
    float       max;
} describe_input_t;

extern const describe_parameter_t describe_parameter[];
extern const uint32_t             describe_parameters;
extern const describe_rule_t      describe_rule[];
extern const uint32_t             describe_rules;
extern const describe_fault_t     describe_fault[];
extern const uint32_t             describe_faults;
extern const describe_input_t     describe_input[]; /* in the order of inputs_index_t */
extern const char                *describe_compiler;
extern const uint32_t             describe_build_id;
extern const uint32_t             describe_layout_hash;

#endif

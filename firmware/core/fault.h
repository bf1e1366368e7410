/* fault.h - errors of the world: debounced, named, healed. Severity is derived from the set of active faults. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define FAULT(name, kind, severity, set_ms, heal_ms, saw, does) FAULT_##name,
#include "fault.def"
#undef FAULT
    FAULT_COUNT
} fault_id_t;
_Static_assert(FAULT_COUNT <= 32, "one bit a fault");

/* Codes of FaultSeverity on the bus. */
typedef enum {
    FAULT_SEVERITY_NONE = 0,
    FAULT_SEVERITY_INFO,
    FAULT_SEVERITY_WARNING,
    FAULT_SEVERITY_LIMP,
    FAULT_SEVERITY_STOP
} fault_severity_t;

#define FAULT_NONE 255U

typedef struct {
    uint32_t condition_mask; /* of this tick, before debouncing */
    uint32_t active_mask;
    uint32_t occurred_mask;         /* since start */
    uint32_t counting_mask;         /* whose ticks are running */
    uint16_t ticks[FAULT_COUNT];    /* towards the next change of each */
    uint8_t  severity;              /* fault_severity_t */
    uint8_t  count;
    uint8_t  newest;                /* fault_id_t, or FAULT_NONE */
    uint8_t  reserved;
} fault_t;
_Static_assert((FAULT_COUNT % 2) == 0, "fault_t: hidden padding");

void fault_init(fault_t *fault);

/* A new round: nothing is wrong yet. */
void fault_begin(fault_t *fault);

/* In this tick the condition of a fault holds, or not. */
static inline void fault_report(fault_t *fault, fault_id_t id, bool condition)
{
    fault->condition_mask |= (condition ? (uint32_t)1U : 0U) << (uint32_t)id;
}

/* The round ends: debounce, heal, severity. While the car boots nothing counts as missing. */
void fault_decide(fault_t *fault, bool is_booting);

#endif

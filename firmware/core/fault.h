/* fault.h - errors of the world: debounced, named, healed. Severity is derived from the set of active faults. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define FAULT(name, letter, digits, kind, severity, heals, set_ms, set_times, heal_ms, saw, does, crew) FAULT_##name,
#include "fault.def"
#undef FAULT
    FAULT_COUNT
} fault_id_t;

/* One bit a fault; arrays with an element a fault end on a whole word. */
#define FAULT_WORDS 2
#define FAULT_SLOTS (((FAULT_COUNT + 3) / 4) * 4)

/* Codes of FaultSeverity on the bus. */
typedef enum {
    FAULT_SEVERITY_NONE = 0,
    FAULT_SEVERITY_INFO,
    FAULT_SEVERITY_WARNING,
    FAULT_SEVERITY_LIMP,
    FAULT_SEVERITY_STOP
} fault_severity_t;

#define FAULT_NONE 255U
_Static_assert(FAULT_COUNT < (FAULT_WORDS * 32), "one bit a fault");

/* A bit beyond the last fault is no fault, whatever the memory holds. */
#define FAULT_ALL (((uint64_t)1U << (uint32_t)FAULT_COUNT) - 1U)
static inline uint32_t fault_known_mask(uint32_t word)
{
    return (word == 0U) ? (uint32_t)FAULT_ALL : (uint32_t)(FAULT_ALL >> 32);
}

/* What a fault would weigh; FAULT_SEVERITY_NONE for a number that is no fault. */
fault_severity_t fault_severity_of(fault_id_t id);

typedef struct {
    uint32_t condition_mask[FAULT_WORDS]; /* of this tick, before debouncing */
    uint32_t active_mask[FAULT_WORDS];
    uint32_t occurred_mask[FAULT_WORDS]; /* since start */
    uint32_t counting_mask[FAULT_WORDS]; /* whose ticks are running */
    uint32_t before_mask[FAULT_WORDS];   /* condition of the tick before */
    uint16_t ticks[FAULT_SLOTS];         /* towards the next change of each */
    uint8_t  appearances[FAULT_SLOTS];   /* of the condition, towards a fault that comes and goes */
    uint8_t  severity;                   /* fault_severity_t */
    uint8_t  count;
    uint8_t  newest;                     /* fault_id_t, or FAULT_NONE */
    uint8_t  reserved;
} fault_t;
_Static_assert(sizeof(fault_t) == ((FAULT_WORDS * 20U) + (FAULT_SLOTS * 3U) + 4U), "fault_t: hidden padding");

void fault_init(fault_t *fault);

/* A new round: nothing is wrong yet. */
void fault_begin(fault_t *fault);

/* In this tick the condition of a fault holds, or not. */
static inline void fault_report(fault_t *fault, fault_id_t id, bool condition)
{
    fault->condition_mask[(uint32_t)id / 32U] |= (condition ? (uint32_t)1U : 0U) << ((uint32_t)id % 32U);
}

static inline bool fault_is_active(const fault_t *fault, fault_id_t id)
{
    return ((fault->active_mask[(uint32_t)id / 32U] >> ((uint32_t)id % 32U)) & 1U) != 0U;
}

/* The round ends: debounce, heal, severity. While the car boots nothing counts as missing; what is latched heals only
 * while the key is off. */
void fault_decide(fault_t *fault, bool is_booting, bool is_key_off);

#endif

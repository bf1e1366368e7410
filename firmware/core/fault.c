#include "fault.h"

#include "numeric.h"

#define ALL_FAULTS ((uint32_t)(((uint64_t)1U << (uint32_t)FAULT_COUNT) - 1U))

#define KIND_MISSING 1U
#define KIND_WRONG 0U

static const uint32_t missing_mask =
#define FAULT(name, kind, severity, set_ms, heal_ms, saw, does) ((uint32_t)KIND_##kind << (uint32_t)FAULT_##name) |
#include "fault.def"
#undef FAULT
    0U;

typedef struct {
    uint16_t set_ms;
    uint16_t heal_ms;
    uint8_t  severity;
} policy_t;

static const policy_t policies[FAULT_COUNT] = {
#define FAULT(name, kind, severity, set_ms, heal_ms, saw, does) \
    [FAULT_##name] = {(set_ms), (heal_ms), (uint8_t)FAULT_SEVERITY_##severity},
#include "fault.def"
#undef FAULT
};

void fault_init(fault_t *fault)
{
    *fault = (fault_t){.newest = FAULT_NONE};
}

void fault_begin(fault_t *fault)
{
    fault->condition_mask = 0U;
}

/* The counter runs towards the change only: set_ms up, heal_ms down, each without a break. */
static void debounce(fault_t *fault, uint32_t id)
{
    const uint32_t bit        = (uint32_t)1U << id;
    const bool     is_active  = (fault->active_mask & bit) != 0U;
    const bool     is_present = (fault->condition_mask & bit) != 0U;
    const uint16_t needed_ms  = is_active ? policies[id].heal_ms : policies[id].set_ms;

    fault->ticks[id] = numeric_held_u16(fault->ticks[id], is_active != is_present);
    if (fault->ticks[id] >= needed_ms) {
        fault->ticks[id] = 0U;
        fault->active_mask ^= bit;
        if (!is_active) {
            fault->occurred_mask |= bit;
            fault->newest = (uint8_t)id;
        }
    }
}

void fault_decide(fault_t *fault, bool is_booting)
{
    if (is_booting) {
        fault->condition_mask &= ~missing_mask;
    }

    /* Only where condition and fault disagree, or did so a tick ago, is there anything to count. */
    const uint32_t disagreeing = (fault->condition_mask ^ fault->active_mask) & ALL_FAULTS;
    const uint32_t counting    = (disagreeing | fault->counting_mask) & ALL_FAULTS;

    fault->active_mask &= ALL_FAULTS;
    for (uint32_t left = counting; left != 0U; left = numeric_without_lowest_bit(left)) {
        debounce(fault, numeric_lowest_bit(left));
    }
    fault->counting_mask = disagreeing;
    fault->severity      = (uint8_t)FAULT_SEVERITY_NONE;
    fault->count         = 0U;
    for (uint32_t left = fault->active_mask; left != 0U; left = numeric_without_lowest_bit(left)) {
        const uint8_t severity = policies[numeric_lowest_bit(left)].severity;

        fault->count++;
        if (severity > fault->severity) {
            fault->severity = severity;
        }
    }
}

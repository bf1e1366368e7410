#include "fault.h"

#include "numeric.h"

typedef struct {
    uint16_t set_ms;
    uint16_t heal_ms;
    uint8_t  severity;
} policy_t;

static const policy_t policies[FAULT_COUNT] = {
#define FAULT(name, severity, set_ms, heal_ms, saw, does) \
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

void fault_report(fault_t *fault, fault_id_t id, bool condition)
{
    if (condition) {
        fault->condition_mask |= (uint32_t)1U << (uint32_t)id;
    }
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

void fault_decide(fault_t *fault)
{
    fault->severity = (uint8_t)FAULT_SEVERITY_NONE;
    fault->count    = 0U;
    for (uint32_t id = 0U; id < (uint32_t)FAULT_COUNT; id++) {
        debounce(fault, id);
        if ((fault->active_mask & ((uint32_t)1U << id)) != 0U) {
            fault->count++;
            if (policies[id].severity > fault->severity) {
                fault->severity = policies[id].severity;
            }
        }
    }
}

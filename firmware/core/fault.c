#include "fault.h"

#include "numeric.h"

#define KIND_MISSING 1U
#define KIND_WRONG 0U
#define HEALS_ITSELF 0U
#define HEALS_KEY 1U

typedef struct {
    uint16_t set_ms;
    uint16_t heal_ms;
    uint8_t  set_times; /* 0: by time alone */
    uint8_t  severity;
    uint8_t  is_missing;
    uint8_t  is_latched;
} policy_t;

static const policy_t policies[FAULT_COUNT] = {
#define FAULT(name, letter, digits, kind, severity, heals, set_ms, set_times, heal_ms, saw, does, crew) \
    [FAULT_##name] = {(set_ms), (heal_ms), (set_times), (uint8_t)FAULT_SEVERITY_##severity, KIND_##kind, HEALS_##heals},
#include "fault.def"
#undef FAULT
};

fault_severity_t fault_severity_of(fault_id_t id)
{
    return ((uint32_t)id < (uint32_t)FAULT_COUNT) ? (fault_severity_t)policies[id].severity : FAULT_SEVERITY_NONE;
}

void fault_init(fault_t *fault)
{
    *fault = (fault_t){.newest = FAULT_NONE};
}

void fault_begin(fault_t *fault)
{
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        fault->condition_mask[word] = 0U;
    }
}

static void flip(fault_t *fault, uint32_t id)
{
    const uint32_t bit = (uint32_t)1U << (id % 32U);

    fault->ticks[id]       = 0U;
    fault->appearances[id] = 0U;
    fault->active_mask[id / 32U] ^= bit;
    if ((fault->active_mask[id / 32U] & bit) != 0U) {
        fault->occurred_mask[id / 32U] |= bit;
        fault->newest = (uint8_t)id;
    }
}

/* No fault yet. Ticks count how long the condition holds, or for how long it has been gone since it last appeared.
 * Returns whether there is more to count. */
static bool seek(fault_t *fault, uint32_t id, bool is_present, bool was_present)
{
    const policy_t *policy         = &policies[id];
    const bool      comes_and_goes = policy->set_times > 0U;

    if (is_present != was_present) {
        fault->ticks[id]       = 0U;
        fault->appearances[id] = is_present ? numeric_count_u8(fault->appearances[id]) : fault->appearances[id];
    }
    fault->ticks[id] = numeric_count_u16(fault->ticks[id]);

    const bool is_over   = !is_present && (!comes_and_goes || (fault->ticks[id] >= policy->heal_ms));
    const bool is_enough = comes_and_goes && (fault->appearances[id] >= policy->set_times);

    if (is_over) {
        fault->ticks[id]       = 0U;
        fault->appearances[id] = 0U;
    }
    if (is_present && (is_enough || (fault->ticks[id] >= policy->set_ms))) {
        flip(fault, id);
    }
    return !is_over;
}

/* A fault. Ticks count how long the condition has been gone without a break. Returns whether there is more to count. */
static bool heal(fault_t *fault, uint32_t id, bool is_present, bool is_key_off)
{
    const bool may_heal = (policies[id].is_latched == 0U) || is_key_off;

    fault->ticks[id] = numeric_held_u16(fault->ticks[id], !is_present && may_heal);
    if (fault->ticks[id] >= policies[id].heal_ms) {
        flip(fault, id);
    }
    return !is_present;
}

static void debounce(fault_t *fault, uint32_t word, bool is_key_off)
{
    const uint32_t known     = fault_known_mask(word);
    const uint32_t condition = fault->condition_mask[word] & known;

    fault->active_mask[word] &= known;
    /* Only where condition and fault disagree, or did so a tick ago, is there anything to count. */
    for (uint32_t left = ((condition ^ fault->active_mask[word]) | fault->counting_mask[word]) & known; left != 0U;
         left          = numeric_without_lowest_bit(left)) {
        const uint32_t bit         = left & (~left + 1U);
        const uint32_t id          = (word * 32U) + numeric_lowest_bit(left);
        const bool     is_present  = (condition & bit) != 0U;
        const bool     was_present = (fault->before_mask[word] & bit) != 0U;
        const bool     is_active   = (fault->active_mask[word] & bit) != 0U;
        const bool     is_counting = is_active ? heal(fault, id, is_present, is_key_off)
                                               : seek(fault, id, is_present, was_present);

        fault->counting_mask[word] = is_counting ? (fault->counting_mask[word] | bit)
                                                 : (fault->counting_mask[word] & ~bit);
    }
    fault->counting_mask[word] &= known;
    fault->before_mask[word] = condition;
}

static void forget_missing(fault_t *fault, uint32_t word)
{
    for (uint32_t left = fault->condition_mask[word] & fault_known_mask(word); left != 0U;
         left          = numeric_without_lowest_bit(left)) {
        if (policies[(word * 32U) + numeric_lowest_bit(left)].is_missing != 0U) {
            fault->condition_mask[word] &= ~(left & (~left + 1U));
        }
    }
}

static void judge(fault_t *fault, uint32_t word)
{
    for (uint32_t left = fault->active_mask[word]; left != 0U; left = numeric_without_lowest_bit(left)) {
        const uint8_t severity = policies[(word * 32U) + numeric_lowest_bit(left)].severity;

        fault->count++;
        if (severity > fault->severity) {
            fault->severity = severity;
        }
    }
}

void fault_decide(fault_t *fault, bool is_booting, bool is_key_off)
{
    fault->severity = (uint8_t)FAULT_SEVERITY_NONE;
    fault->count    = 0U;
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        if (is_booting) {
            forget_missing(fault, word);
        }
        debounce(fault, word, is_key_off);
        judge(fault, word);
    }
}

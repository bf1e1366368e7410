#include "memory.h"

#include "board.h"
#include "digest.h"
#include "numeric.h"

#include <stddef.h>

#define STANDING_MS 5000U
#define STANDING_BELOW_RPM 50.0f
#define REFUSED 0xFFFFFFFFUL /* no number: a float of these bits is none, an integer out of every range */

typedef struct {
    vcu_calibration_t calibration;
    uint32_t          fault_mask[FAULT_WORDS];
    uint32_t          crash_count;
    uint32_t          crash[BOARD_CRASH_WORDS];
} kept_t;

typedef union {
    kept_t   as;
    uint32_t word[sizeof(kept_t) / sizeof(uint32_t)];
} memory_t;
#define MEMORY_WORDS ((uint32_t)(sizeof(memory_t) / sizeof(uint32_t)))
_Static_assert(sizeof(memory_t) == sizeof(kept_t), "memory_t: words only");

static memory_t          memory;
static vcu_calibration_t calibration; /* the set in use: faults are kept beside the set that was loaded */
static store_result_t    state;
static uint32_t          standing_ms;
static bool              is_changed;
static bool              is_prepared;
static bool              has_failed;

/* Which number lies where: a set that was kept by a firmware with other numbers, or another order, is told apart. */
static uint32_t layout(void)
{
    static const uint32_t places[] = {
#define CAL(id, module, type, name, unit, min, max, value, meaning, source) \
    ((uint32_t)(id) << 16) | (uint32_t)offsetof(vcu_calibration_t, module##_##name),
#define CAL_ARRAY(id, module, type, name, count, unit, min, max, values, meaning, source) \
    ((uint32_t)(id) << 16) | (uint32_t)offsetof(vcu_calibration_t, module##_##name),
#include "calibration.def"
#undef CAL
#undef CAL_ARRAY
        (uint32_t)sizeof(kept_t),
    };

    return digest_words(DIGEST_SEED, places, sizeof(places));
}

static void begin_empty(void)
{
    memory = (memory_t){.as = {.calibration = calibration_default}};
}

static void note_crash(void)
{
    uint32_t words[BOARD_CRASH_WORDS];

    if (board_crash(words)) {
        memory.as.crash_count = numeric_count_u32(memory.as.crash_count);
        for (uint32_t i = 0U; i < BOARD_CRASH_WORDS; i++) {
            memory.as.crash[i] = words[i];
        }
        is_changed = true;
    }
}

static bool is_standing(const vcu_t *vcu)
{
    const signal_t *speed = &vcu->control.inputs.engine_speed_rpm;

    return (speed->is_valid != 0U) && (speed->value < STANDING_BELOW_RPM);
}

static void keep(void)
{
    is_prepared = false; /* once a start: the slot is written now, whatever comes of it */
    has_failed  = !store_write(memory.word, MEMORY_WORDS, layout());
    is_changed  = has_failed;
}

const vcu_calibration_t *memory_load(void)
{
    begin_empty();
    state       = store_read(memory.word, MEMORY_WORDS, layout());
    calibration = memory.as.calibration;
    if ((state == STORE_FOREIGN) || (state == STORE_BROKEN)) {
        const uint32_t refused = REFUSED;

        for (uint32_t i = 0U; i < sizeof(calibration); i += (uint32_t)sizeof(refused)) {
            __builtin_memcpy((unsigned char *)&calibration + i, &refused, sizeof(refused));
        }
    }
    note_crash();
    is_prepared = store_prepare();
    return &calibration;
}

void memory_tick(const vcu_t *vcu)
{
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        const uint32_t mask = memory.as.fault_mask[word] | vcu->control.fault.occurred_mask[word];

        is_changed                 = is_changed || (mask != memory.as.fault_mask[word]);
        memory.as.fault_mask[word] = mask;
    }
    standing_ms = is_standing(vcu) ? numeric_count_u32(standing_ms) : 0U;
    if (is_changed && is_prepared && (standing_ms >= STANDING_MS)) {
        keep();
    }
}

store_result_t memory_state(void)
{
    return state;
}

uint32_t memory_fault_mask(uint32_t word)
{
    return memory.as.fault_mask[word];
}

uint32_t memory_crash_count(void)
{
    return memory.as.crash_count;
}

bool memory_has_failed(void)
{
    return has_failed;
}

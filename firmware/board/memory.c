#include "memory.h"

#include "board.h"
#include "digest.h"
#include "numeric.h"
#include "upload.h"

#include <stddef.h>

#define STANDING_MS 5000U
#define REFUSED 0xFFFFFFFFUL /* no number: a float of these bits is none, an integer out of every range */

#define LIFE_LAYOUT ((uint32_t)sizeof(life_t)) /* members go to the end */

typedef struct {
    uint32_t fault_mask[FAULT_WORDS];
    uint32_t crash_count;
    uint32_t crash[BOARD_CRASH_WORDS];
} life_t;

typedef union {
    vcu_calibration_t as;
    uint32_t          word[sizeof(vcu_calibration_t) / sizeof(uint32_t)];
} set_t;
#define SET_WORDS ((uint32_t)(sizeof(set_t) / sizeof(uint32_t)))

typedef union {
    life_t   as;
    uint32_t word[sizeof(life_t) / sizeof(uint32_t)];
} kept_t;
#define LIFE_WORDS ((uint32_t)(sizeof(kept_t) / sizeof(uint32_t)))

static set_t          set; /* the calibration in use */
static kept_t         life;
static store_result_t state;
static uint32_t       standing_ms;
static bool           is_changed;
static bool           has_failed;

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
        (uint32_t)sizeof(vcu_calibration_t),
    };

    return digest_words(DIGEST_SEED, places, sizeof(places));
}

static void note_crash(void)
{
    uint32_t words[BOARD_CRASH_WORDS];

    if (board_crash(words)) {
        life.as.crash_count = numeric_count_u32(life.as.crash_count);
        for (uint32_t i = 0U; i < BOARD_CRASH_WORDS; i++) {
            life.as.crash[i] = words[i];
        }
        is_changed = true;
    }
}

static void keep_life(void)
{
    has_failed = (store_write(STORE_KIND_LIFE, life.word, LIFE_WORDS, LIFE_LAYOUT) != STORE_WRITTEN) || has_failed;
    is_changed = false; /* whatever came of it: flash that does not hold is not worn out by trying */
}

const vcu_calibration_t *memory_load(void)
{
    set        = (set_t){.as = calibration_default};
    life       = (kept_t){.as = {.crash_count = 0U}};
    has_failed = !store_prepare();
    state      = store_read(STORE_KIND_CALIBRATION, set.word, SET_WORDS, layout());
    (void)store_read(STORE_KIND_LIFE, life.word, LIFE_WORDS, LIFE_LAYOUT);
    if ((state == STORE_FOREIGN) || (state == STORE_BROKEN)) {
        for (uint32_t i = 0U; i < SET_WORDS; i++) {
            set.word[i] = REFUSED;
        }
    }
    note_crash();
    return &set.as;
}

void memory_tick(const vcu_t *vcu)
{
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        const uint32_t mask = life.as.fault_mask[word] | vcu->control.fault.occurred_mask[word];

        is_changed               = is_changed || (mask != life.as.fault_mask[word]);
        life.as.fault_mask[word] = mask;
    }
    standing_ms = upload_engine_stands(vcu) ? numeric_count_u32(standing_ms) : 0U;
    if (is_changed && (standing_ms >= STANDING_MS)) {
        keep_life();
    }
}

store_written_t memory_keep(const uint32_t *words)
{
    const store_written_t result = store_write(STORE_KIND_CALIBRATION, words, SET_WORDS, layout());

    if (result == STORE_WRITTEN) {
        for (uint32_t i = 0U; i < SET_WORDS; i++) {
            set.word[i] = words[i];
        }
        state = STORE_READ;
    }
    has_failed = has_failed || (result == STORE_FAILED);
    return result;
}

store_result_t memory_state(void)
{
    return state;
}

uint32_t memory_fault_mask(uint32_t word)
{
    return life.as.fault_mask[word];
}

uint32_t memory_crash_count(void)
{
    return life.as.crash_count;
}

bool memory_has_failed(void)
{
    return has_failed;
}

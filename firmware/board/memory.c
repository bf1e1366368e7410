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

typedef union {
    vcu_keep_t as;
    uint32_t   word[sizeof(vcu_keep_t) / sizeof(uint32_t)];
} learned_t;
#define LEARNED_WORDS ((uint32_t)(sizeof(learned_t) / sizeof(uint32_t)))

static set_t          set; /* the calibration in use */
static kept_t         life;
static learned_t      learned; /* as it was last written */
static uint32_t       written_mask[FAULT_WORDS]; /* faults since start that are in it */
static store_result_t state;
static uint32_t       standing_ms;
static bool           has_crashed; /* what is to be kept of a crash is not yet */
static bool           has_run;     /* the engine, since the unit was last kept */
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
        has_crashed = true;
    }
}

static void keep_life(void)
{
    has_failed  = (store_write(STORE_KIND_LIFE, life.word, LIFE_WORDS, LIFE_LAYOUT) == STORE_FAILED) || has_failed;
    has_crashed = false; /* whatever came of it: flash that does not hold is not worn out by trying */
}

static bool has_new_fault(const vcu_t *vcu)
{
    bool is_new = false;

    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        is_new = is_new || ((vcu->control.fault.occurred_mask[word] & ~written_mask[word]) != 0U);
    }
    return is_new;
}

static void keep_learned(const vcu_t *vcu)
{
    vcu_keep(vcu, &learned.as);
    has_failed = (store_write(STORE_KIND_LEARNED, learned.word, LEARNED_WORDS, VCU_KEEP_LAYOUT) == STORE_FAILED) ||
                 has_failed;
    has_run    = false;
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        written_mask[word] = vcu->control.fault.occurred_mask[word];
    }
}

const vcu_calibration_t *memory_load(void)
{
    set        = (set_t){.as = calibration_default};
    life       = (kept_t){.as = {.crash_count = 0U}};
    learned    = (learned_t){.as = {.layout = 0U}}; /* which vcu_recall() refuses */
    has_failed = !store_prepare();
    state      = store_read(STORE_KIND_CALIBRATION, set.word, SET_WORDS, layout());
    (void)store_read(STORE_KIND_LIFE, life.word, LIFE_WORDS, LIFE_LAYOUT);
    (void)store_read(STORE_KIND_LEARNED, learned.word, LEARNED_WORDS, VCU_KEEP_LAYOUT);
    if ((state == STORE_FOREIGN) || (state == STORE_BROKEN)) {
        for (uint32_t i = 0U; i < SET_WORDS; i++) {
            set.word[i] = REFUSED;
        }
    }
    note_crash();
    return &set.as;
}

const vcu_keep_t *memory_learned(void)
{
    return &learned.as;
}

void memory_tick(const vcu_t *vcu)
{
    const bool is_standing = upload_engine_stands(vcu);

    has_run     = has_run || !is_standing;
    standing_ms = is_standing ? numeric_count_u32(standing_ms) : 0U;
    if (standing_ms >= STANDING_MS) {
        if (has_crashed) {
            keep_life();
        } else if (has_run || has_new_fault(vcu)) {
            keep_learned(vcu);
        } else {
            /* nothing new */
        }
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

uint32_t memory_crash_count(void)
{
    return life.as.crash_count;
}

bool memory_has_failed(void)
{
    return has_failed;
}

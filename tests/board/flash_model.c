/* flash_model.c - two sectors of flash that lose power in the middle of anything, for the tests of store.c.
 *
 * Every word programmed and every part of an erase is a step. Power goes at a chosen one, and leaves it as one of four
 * kinds of damage says; from then on nothing changes any more until the power is back.
 */
#include "board.h"
#include "store.h"

#define WORDS 128U
#define ERASE_PARTS 16U /* an erase takes seconds: power can go at any point of it */
#define ERASED 0xFFFFFFFFU

typedef enum {
    DAMAGE_NONE = 0, /* the step did not happen */
    DAMAGE_HALF,     /* some of its bits have changed */
    DAMAGE_OTHER,    /* the others have */
    DAMAGE_DONE,     /* it happened, and nobody was told */
} damage_t;

static uint32_t flash[BOARD_SLOTS][WORDS];
static uint32_t steps;
static uint32_t power_goes_at;
static uint32_t damage;
static uint32_t misuses;
static uint32_t erased;

void     model_reset(void);
void     model_power(uint32_t goes_at, uint32_t kind);
void     model_spoil(uint32_t slot, uint32_t index, uint32_t bits);
uint32_t model_steps(void);
uint32_t model_misuses(void);
uint32_t model_erased(void);
uint32_t model_word(uint32_t slot, uint32_t index);

void model_reset(void)
{
    for (uint32_t slot = 0U; slot < BOARD_SLOTS; slot++) {
        for (uint32_t i = 0U; i < WORDS; i++) {
            flash[slot][i] = ERASED;
        }
    }
    misuses = 0U;
    erased  = 0U;
    model_power(UINT32_MAX, 0U);
}

void model_power(uint32_t goes_at, uint32_t kind)
{
    steps         = 0U;
    power_goes_at = goes_at;
    damage        = kind;
}

void model_spoil(uint32_t slot, uint32_t index, uint32_t bits)
{
    flash[slot][index] ^= bits;
}

uint32_t model_steps(void)
{
    return steps;
}

uint32_t model_misuses(void)
{
    return misuses;
}

uint32_t model_erased(void)
{
    return erased;
}

uint32_t model_word(uint32_t slot, uint32_t index)
{
    return flash[slot][index];
}

static void change(uint32_t *word, uint32_t to)
{
    static const uint32_t kept[] = {
        [DAMAGE_NONE]  = 0xFFFFFFFFU,
        [DAMAGE_HALF]  = 0x5A5A5A5AU,
        [DAMAGE_OTHER] = 0xA5A5A5A5U,
        [DAMAGE_DONE]  = 0U,
    };

    if (steps < power_goes_at) {
        *word = to;
    } else if (steps == power_goes_at) {
        *word = (*word & kept[damage]) | (to & ~kept[damage]);
    } else {
        /* no power */
    }
}

const uint32_t *board_slot(uint32_t slot)
{
    return flash[slot];
}

uint32_t board_slot_words(void)
{
    return WORDS;
}

bool board_slot_erase(uint32_t slot)
{
    erased++;
    for (uint32_t part = 0U; part < ERASE_PARTS; part++) {
        for (uint32_t i = 0U; i < (WORDS / ERASE_PARTS); i++) {
            change(&flash[slot][(part * (WORDS / ERASE_PARTS)) + i], ERASED);
        }
        steps++;
    }
    return steps <= power_goes_at;
}

/* Programming clears bits and sets none: a word that is not blank must not be programmed. */
bool board_slot_program(uint32_t slot, uint32_t index, uint32_t word)
{
    misuses += (flash[slot][index] != ERASED) && (steps <= power_goes_at) ? 1U : 0U;
    change(&flash[slot][index], flash[slot][index] & word);
    steps++;
    return (steps <= power_goes_at) && (flash[slot][index] == word);
}

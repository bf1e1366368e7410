#include "store.h"

#include "board.h"

#define MAGIC 0x73373764UL /* "d77s" */
#define ERASED 0xFFFFFFFFUL
#define HALF_OF_ALL_SEQUENCES 0x80000000UL
#define NO_SLOT BOARD_SLOTS

enum {
    WORD_MAGIC = 0,
    WORD_SEQUENCE,
    WORD_WORDS,
    WORD_LAYOUT,
    WORD_CRC
};
_Static_assert(STORE_HEADER_WORDS == (WORD_CRC + 1), "store: header");

/* ---- CRC-32 as in Ethernet, a nibble at a time */

static uint32_t crc_word(uint32_t crc, uint32_t word)
{
    static const uint32_t table[16] = {
        0x00000000UL, 0x1DB71064UL, 0x3B6E20C8UL, 0x26D930ACUL, 0x76DC4190UL, 0x6B6B51F4UL, 0x4DB26158UL, 0x5005713CUL,
        0xEDB88320UL, 0xF00F9344UL, 0xD6D6A3E8UL, 0xCB61B38CUL, 0x9B64C2B0UL, 0x86D3D2D4UL, 0xA00AE278UL, 0xBDBDF21CUL,
    };
    uint32_t value = crc;

    for (uint32_t shift = 0U; shift < 32U; shift += 4U) {
        value = (value >> 4) ^ table[(value ^ (word >> shift)) & 15U];
    }
    return value;
}

static uint32_t crc_of(const uint32_t header[STORE_HEADER_WORDS], const uint32_t *set)
{
    uint32_t crc = UINT32_MAX;

    for (uint32_t i = WORD_SEQUENCE; i < (uint32_t)WORD_CRC; i++) {
        crc = crc_word(crc, header[i]);
    }
    for (uint32_t i = 0U; i < header[WORD_WORDS]; i++) {
        crc = crc_word(crc, set[i]);
    }
    return ~crc;
}

/* ---- which slot counts */

static bool is_whole(const uint32_t *slot)
{
    return (slot[WORD_MAGIC] == MAGIC) && (slot[WORD_WORDS] <= (board_slot_words() - STORE_HEADER_WORDS)) &&
           (slot[WORD_CRC] == crc_of(slot, &slot[STORE_HEADER_WORDS]));
}

/* The slot with the newest whole set, or NO_SLOT. Sequence numbers may wrap. */
static uint32_t slot_in_use(void)
{
    uint32_t found = NO_SLOT;

    for (uint32_t i = 0U; i < BOARD_SLOTS; i++) {
        const uint32_t *slot = board_slot(i);

        if (is_whole(slot)) {
            const bool is_newer = (found == NO_SLOT) ||
                                  ((slot[WORD_SEQUENCE] - board_slot(found)[WORD_SEQUENCE]) < HALF_OF_ALL_SEQUENCES);

            found = is_newer ? i : found;
        }
    }
    return found;
}

static uint32_t spare_slot(void)
{
    return (slot_in_use() == 0U) ? 1U : 0U;
}

static bool is_blank(uint32_t slot)
{
    bool blank = true;

    for (uint32_t i = 0U; (i < board_slot_words()) && blank; i++) {
        blank = board_slot(slot)[i] == ERASED;
    }
    return blank;
}

/* ---- interface */

store_result_t store_read(uint32_t *set, uint32_t words, uint32_t layout)
{
    const uint32_t in_use = slot_in_use();
    store_result_t result = STORE_EMPTY;

    if (in_use == NO_SLOT) {
        for (uint32_t i = 0U; i < BOARD_SLOTS; i++) {
            result = (board_slot(i)[WORD_MAGIC] == MAGIC) ? STORE_BROKEN : result;
        }
    } else if ((board_slot(in_use)[WORD_LAYOUT] != layout) || (board_slot(in_use)[WORD_WORDS] != words)) {
        result = STORE_FOREIGN;
    } else {
        result = STORE_READ;
        for (uint32_t i = 0U; i < words; i++) {
            set[i] = board_slot(in_use)[STORE_HEADER_WORDS + i];
        }
    }
    return result;
}

bool store_prepare(void)
{
    const uint32_t spare = spare_slot();

    return is_blank(spare) || board_slot_erase(spare);
}

bool store_write(const uint32_t *set, uint32_t words, uint32_t layout)
{
    const uint32_t in_use = slot_in_use();
    const uint32_t spare  = spare_slot();
    uint32_t       header[STORE_HEADER_WORDS];
    bool           holds = (words <= (board_slot_words() - STORE_HEADER_WORDS)) && is_blank(spare);

    header[WORD_MAGIC]    = MAGIC;
    header[WORD_SEQUENCE] = (in_use == NO_SLOT) ? 0U : (board_slot(in_use)[WORD_SEQUENCE] + 1U);
    header[WORD_WORDS]    = words;
    header[WORD_LAYOUT]   = layout;
    header[WORD_CRC]      = holds ? crc_of(header, set) : 0U;
    for (uint32_t i = 0U; (i < words) && holds; i++) {
        holds = board_slot_program(spare, STORE_HEADER_WORDS + i, set[i]);
    }
    for (uint32_t i = WORD_SEQUENCE; (i <= (uint32_t)WORD_CRC) && holds; i++) {
        holds = board_slot_program(spare, i, header[i]);
    }
    return holds && board_slot_program(spare, WORD_MAGIC, header[WORD_MAGIC]);
}

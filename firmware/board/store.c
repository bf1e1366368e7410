#include "store.h"

#include "board.h"

#define MAGIC 0x73373764UL /* "d77s" */
#define ERASED 0xFFFFFFFFUL
#define HALF_OF_ALL_SEQUENCES 0x80000000UL
#define KIND_POS 16U
#define COUNT_MASK 0xFFFFUL
#define NOWHERE 0xFFFFFFFFUL

enum {
    WORD_MAGIC = 0,
    WORD_SEQUENCE,
    WORD_KIND,
    WORD_LAYOUT,
    WORD_CRC
};
_Static_assert(STORE_HEADER_WORDS == (WORD_CRC + 1), "store: header");

/* What a slot holds. */
typedef struct {
    uint32_t newest[STORE_KIND_COUNT]; /* index of the newest whole record of each kind, or NOWHERE */
    uint32_t end;                      /* from here on it is blank */
    bool     has_rotten;               /* something was whole once: a magic goes last, and yet what follows is not */
} slot_t;

static slot_t   slots[BOARD_SLOTS];
static uint32_t head;          /* the slot that takes new records */
static uint32_t next_sequence;

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

static uint32_t crc_of(const uint32_t *header, const uint32_t *words)
{
    const uint32_t count = header[WORD_KIND] & COUNT_MASK;
    uint32_t       crc   = UINT32_MAX;

    for (uint32_t i = WORD_SEQUENCE; i < (uint32_t)WORD_CRC; i++) {
        crc = crc_word(crc, header[i]);
    }
    for (uint32_t i = 0U; i < count; i++) {
        crc = crc_word(crc, words[i]);
    }
    return ~crc;
}

/* ---- records */

static uint32_t grains(uint32_t words)
{
    return (words + (STORE_GRAIN_WORDS - 1U)) & ~(STORE_GRAIN_WORDS - 1U);
}

static uint32_t words_of(const uint32_t *record)
{
    return STORE_HEADER_WORDS + (record[WORD_KIND] & COUNT_MASK);
}

static bool is_whole(uint32_t slot, uint32_t index)
{
    const uint32_t *record = &board_slot(slot)[index];

    return (record[WORD_MAGIC] == MAGIC) && (words_of(record) <= (board_slot_words() - index)) &&
           (record[WORD_CRC] == crc_of(record, &record[STORE_HEADER_WORDS]));
}

static uint32_t sequence_at(uint32_t slot, uint32_t index)
{
    return board_slot(slot)[index + WORD_SEQUENCE];
}

/* Sequence numbers may wrap. */
static bool is_later(uint32_t sequence, uint32_t than)
{
    return (sequence != than) && ((sequence - than) < HALF_OF_ALL_SEQUENCES);
}

/* ---- slots */

static uint32_t end_of(uint32_t slot)
{
    uint32_t used = board_slot_words();

    while ((used > 0U) && (board_slot(slot)[used - 1U] == ERASED)) {
        used--;
    }
    return grains(used);
}

static void take_note(uint32_t slot, uint32_t index)
{
    const uint32_t kind = board_slot(slot)[index + WORD_KIND] >> KIND_POS;

    if (kind < (uint32_t)STORE_KIND_COUNT) {
        uint32_t *newest = &slots[slot].newest[kind];

        if ((*newest == NOWHERE) || is_later(sequence_at(slot, index), sequence_at(slot, *newest))) {
            *newest = index;
        }
    }
}

/* What is torn is passed grain by grain. */
static void look(uint32_t slot)
{
    slots[slot] = (slot_t){.end = end_of(slot)};
    for (uint32_t kind = 0U; kind < (uint32_t)STORE_KIND_COUNT; kind++) {
        slots[slot].newest[kind] = NOWHERE;
    }
    for (uint32_t at = 0U; at < slots[slot].end;) {
        const uint32_t *record = &board_slot(slot)[at];

        if (is_whole(slot, at)) {
            take_note(slot, at);
            at += grains(words_of(record));
            slots[slot].end = (at > slots[slot].end) ? at : slots[slot].end; /* its last words may look blank */
        } else {
            slots[slot].has_rotten = slots[slot].has_rotten || (record[WORD_MAGIC] == MAGIC);
            at += STORE_GRAIN_WORDS;
        }
    }
}

static uint32_t room_in(uint32_t slot)
{
    return board_slot_words() - slots[slot].end;
}

/* The other slot holds a newer record of a kind, or the only one. */
static bool is_behind(uint32_t slot, uint32_t kind)
{
    const uint32_t here  = slots[slot].newest[kind];
    const uint32_t there = slots[1U - slot].newest[kind];

    return (there != NOWHERE) &&
           ((here == NOWHERE) || is_later(sequence_at(1U - slot, there), sequence_at(slot, here)));
}

/* Nothing is lost when the other slot is. */
static bool holds_all(uint32_t slot)
{
    bool holds = true;

    for (uint32_t kind = 0U; kind < (uint32_t)STORE_KIND_COUNT; kind++) {
        holds = holds && !is_behind(slot, kind);
    }
    return holds;
}

/* Of two that hold all, the one with more room. None does where a record has rotted and an older one counts. */
static uint32_t slot_to_use(void)
{
    const bool has_more = room_in(1U) > room_in(0U);

    return (holds_all(1U) && (has_more || !holds_all(0U))) ? 1U : 0U;
}

static uint32_t sequence_to_use(void)
{
    uint32_t sequence = 0U;
    bool     is_first = true;

    for (uint32_t slot = 0U; slot < BOARD_SLOTS; slot++) {
        for (uint32_t kind = 0U; kind < (uint32_t)STORE_KIND_COUNT; kind++) {
            const uint32_t index = slots[slot].newest[kind];

            if ((index != NOWHERE) && (is_first || is_later(sequence_at(slot, index) + 1U, sequence))) {
                sequence = sequence_at(slot, index) + 1U;
                is_first = false;
            }
        }
    }
    return sequence;
}

/* ---- writing */

static bool program(uint32_t at, const uint32_t header[STORE_HEADER_WORDS], const uint32_t *words)
{
    const uint32_t count = header[WORD_KIND] & COUNT_MASK;
    bool           holds = true;

    for (uint32_t i = 0U; (i < count) && holds; i++) {
        holds = board_slot_program(head, at + STORE_HEADER_WORDS + i, words[i]);
    }
    for (uint32_t i = WORD_SEQUENCE; (i <= (uint32_t)WORD_CRC) && holds; i++) {
        holds = board_slot_program(head, at + i, header[i]);
    }
    return holds && board_slot_program(head, at + WORD_MAGIC, header[WORD_MAGIC]);
}

static store_written_t append(const uint32_t header[STORE_HEADER_WORDS], const uint32_t *words)
{
    const uint32_t  at     = slots[head].end;
    store_written_t result = STORE_FULL;

    if ((at + words_of(header)) <= board_slot_words()) {
        result = program(at, header, words) ? STORE_WRITTEN : STORE_FAILED;
    }
    if (result == STORE_WRITTEN) {
        take_note(head, at);
        slots[head].end = at + grains(words_of(header));
    } else if (result == STORE_FAILED) {
        look(head); /* what it left is passed over */
    } else {
        /* untouched */
    }
    return result;
}

/* Copies keep their sequence: which of two equal ones counts is all the same. */
static bool copy_missing(void)
{
    bool is_done = true;

    for (uint32_t kind = 0U; kind < (uint32_t)STORE_KIND_COUNT; kind++) {
        if (is_behind(head, kind)) {
            const uint32_t *record = &board_slot(1U - head)[slots[1U - head].newest[kind]];

            is_done = is_done && (append(record, &record[STORE_HEADER_WORDS]) == STORE_WRITTEN);
        }
    }
    return is_done;
}

static bool erase(uint32_t slot)
{
    const bool is_done = (slots[slot].end == 0U) || board_slot_erase(slot);

    look(slot);
    return is_done;
}

/* Into the other slot; until it holds all, the full one stays in use. */
static bool move(void)
{
    const uint32_t old     = head;
    bool           is_done = copy_missing() && erase(1U - old);

    if (is_done) {
        head    = 1U - old;
        is_done = copy_missing();
    }
    head = is_done ? head : old;
    return is_done;
}

/* ---- interface */

bool store_prepare(void)
{
    bool is_done = true;

    for (uint32_t slot = 0U; slot < BOARD_SLOTS; slot++) {
        look(slot);
    }
    head          = slot_to_use();
    next_sequence = sequence_to_use();
    if (room_in(head) < (board_slot_words() / 2U)) {
        is_done = move();
    }
    return is_done;
}

store_result_t store_read(store_kind_t kind, uint32_t *words, uint32_t count, uint32_t layout)
{
    const uint32_t  slot   = is_behind(0U, (uint32_t)kind) ? 1U : 0U;
    const uint32_t  index  = slots[slot].newest[kind];
    const uint32_t *record = (index == NOWHERE) ? board_slot(slot) : &board_slot(slot)[index];
    store_result_t  result = STORE_READ;

    if (index == NOWHERE) {
        result = (slots[0].has_rotten || slots[1].has_rotten) ? STORE_BROKEN : STORE_EMPTY;
    } else if ((record[WORD_LAYOUT] != layout) || (words_of(record) != (STORE_HEADER_WORDS + count))) {
        result = STORE_FOREIGN;
    } else {
        for (uint32_t i = 0U; i < count; i++) {
            words[i] = record[STORE_HEADER_WORDS + i];
        }
    }
    return result;
}

store_written_t store_write(store_kind_t kind, const uint32_t *words, uint32_t count, uint32_t layout)
{
    uint32_t        header[STORE_HEADER_WORDS];
    store_written_t result = STORE_FULL;

    if (count <= COUNT_MASK) {
        header[WORD_MAGIC]    = MAGIC;
        header[WORD_SEQUENCE] = next_sequence;
        header[WORD_KIND]     = ((uint32_t)kind << KIND_POS) | count;
        header[WORD_LAYOUT]   = layout;
        header[WORD_CRC]      = crc_of(header, words);
        result                = append(header, words);
        next_sequence++;
    }
    return result;
}

/* trace_text.h - numbers in lines of text, eight characters at a time in one 64-bit word.
 *
 * The first character is the lowest byte of the word. Masks have the top bit of each byte of which they hold. They are
 * exact up to the first character that they do not hold of, which is as far as they are used.
 */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include "trace_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_WORD_CHARS 8U
#define TEXT_ONES UINT64_C(0x0101010101010101)
#define TEXT_TOPS UINT64_C(0x8080808080808080)
#define TEXT_NOT_HEX 0xFFU
#define TEXT_US_DIGITS 6U
#define TEXT_STANDARD_MOST 0x7FFU
#define TEXT_EXTENDED_MOST 0x1FFFFFFFU

extern const uint8_t  text_nibble[256]; /* value of a hexadecimal digit, or TEXT_NOT_HEX */
extern const uint16_t text_upper[256];  /* the same as the upper half of a byte, or more than a byte */
extern const uint16_t text_lower[256];  /* as the lower half */

/* Where a parse goes on that did not find what it looked for. Nothing fits here, neither a field nor a line end: only the
 * end of a line needs to be asked whether all was found. */
extern const uint8_t text_lost[TRACE_SLACK_BYTES];

static inline uint64_t text_word(const uint8_t *at)
{
    uint64_t word = 0U;

    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void text_put_word(uint8_t *at, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(at, &word, sizeof(word));
}

/* How many characters come before the first that a mask does not hold of. */
static inline uint32_t text_run(uint64_t mask)
{
    const uint64_t rest = ~mask & TEXT_TOPS;

    return (rest == 0U) ? TEXT_WORD_CHARS : ((uint32_t)__builtin_ctzll(rest) / 8U);
}

static inline uint64_t text_is_decimal(uint64_t word)
{
    const uint64_t value = word ^ (TEXT_ONES * 0x30U);

    return ~(value | (value + (TEXT_ONES * 0x76U))) & TEXT_TOPS;
}

/* a to f, in either case */
static inline uint64_t text_is_hex_letter(uint64_t word)
{
    const uint64_t place = (word | (TEXT_ONES * 0x20U)) ^ (TEXT_ONES * 0x60U);

    return (place + (TEXT_ONES * 0x7FU)) & ~(place + (TEXT_ONES * 0x79U)) & ~word & TEXT_TOPS;
}

static inline uint64_t text_is_hex(uint64_t word)
{
    return text_is_decimal(word) | text_is_hex_letter(word);
}

/* The number that the first `count` characters of a word write, 1 to 8 decimal digits. */
static inline uint32_t text_decimal(uint64_t word, uint32_t count)
{
    uint64_t value = (word & (TEXT_ONES * 0x0FU)) << (64U - (8U * count));

    value = ((value * 10U) + (value >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
    value = ((value * 100U) + (value >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
    return (uint32_t)((value * 10000U) + (value >> 32));
}

/* Eight hexadecimal digits as four bytes, the first byte lowest. Characters that are none count as anything. */
static inline uint32_t text_hex(uint64_t word)
{
    const uint64_t is_letter = (word >> 6) & TEXT_ONES;
    uint64_t       value     = (word & (TEXT_ONES * 0x0FU)) + (is_letter * 9U);

    value = ((value << 4) | (value >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
    value = (value | (value >> 8)) & UINT64_C(0x0000FFFF0000FFFF);
    return (uint32_t)(value | (value >> 16));
}

/* The lowest `count` bytes, 0 to 8. */
static inline uint64_t text_keep(uint64_t word, uint32_t count)
{
    return (count >= TEXT_WORD_CHARS) ? word : (word & ((UINT64_C(1) << (8U * count)) - 1U));
}

/* Spaces eight at a time: columns are padded with many of them. */
static inline const uint8_t *text_skip_blanks(const uint8_t *at)
{
    const uint8_t *p    = at;
    uint64_t       rest = text_word(p) ^ (TEXT_ONES * 0x20U);

    while (rest == 0U) {
        p += TEXT_WORD_CHARS;
        rest = text_word(p) ^ (TEXT_ONES * 0x20U);
    }
    p += (uint32_t)__builtin_ctzll(rest) / 8U;
    while ((*p == (uint8_t)' ') || (*p == (uint8_t)'\t')) {
        p++;
    }
    return p;
}

/* The value of 1 to 8 hexadecimal digits at the beginning of a word. */
static inline uint32_t text_hex_value(uint64_t word, uint32_t count)
{
    return __builtin_bswap32(text_hex(word << (64U - (8U * count))));
}

static inline const uint8_t *text_found(bool is_found, const uint8_t *next)
{
    return is_found ? next : text_lost;
}

static inline const uint8_t *text_char(const uint8_t *at, char wanted)
{
    return text_found(*at == (uint8_t)wanted, at + 1);
}

/* At least one blank; mostly it is one space. */
static inline const uint8_t *text_gap(const uint8_t *at)
{
    if ((at[0] == (uint8_t)' ') && (at[1] > (uint8_t)' ')) {
        return at + 1;
    }
    const uint8_t *const next = text_skip_blanks(at);

    return text_found(next != at, next);
}

/* 1 to `most` decimal digits, at most 8, mostly one; what follows them is not looked at. */
static inline const uint8_t *text_number(const uint8_t *at, uint32_t most, uint32_t *value)
{
    if ((text_nibble[at[0]] <= 9U) && (text_nibble[at[1]] > 9U)) {
        *value = text_nibble[at[0]];
        return at + 1;
    }
    const uint64_t word  = text_word(at);
    const uint32_t count = text_run(text_is_decimal(word));

    if ((count == 0U) || (count > most)) {
        return text_lost;
    }
    *value = text_decimal(word, count);
    return at + count;
}

/* 1 to 8 hexadecimal digits; their count is told, since in some formats it says how wide an identifier is. */
static inline const uint8_t *text_identifier(const uint8_t *at, uint32_t *id, uint32_t *count)
{
    const uint64_t word = text_word(at);

    *count = text_run(text_is_hex(word));
    if (*count == 0U) {
        return text_lost;
    }
    *id = text_hex_value(word, *count);
    return at + *count;
}

static inline bool text_is_identifier(uint32_t id, bool is_extended)
{
    return id <= (is_extended ? TEXT_EXTENDED_MOST : TEXT_STANDARD_MOST);
}

/* "Rx" or "Tx" */
static inline const uint8_t *text_direction(const uint8_t *at)
{
    return text_found(((at[0] == (uint8_t)'R') || (at[0] == (uint8_t)'T')) && (at[1] == (uint8_t)'x'), at + 2);
}

/* As text_bytes, of the eight bytes that most frames have. */
static inline const uint8_t *text_eight_bytes(const uint8_t *at, char separator, uint8_t *data)
{
    const uint64_t wanted = TEXT_ONES * (uint8_t)separator;
    uint64_t       wrong  = 0U; /* any bit: a separator that is none */
    uint32_t       digits = 0U; /* a bit of its upper half: a digit that is none */

    wrong |= (text_word(&at[0]) ^ wanted) & UINT64_C(0x00FF0000FF0000FF);
    wrong |= (text_word(&at[8]) ^ wanted) & UINT64_C(0xFF0000FF0000FF00);
    wrong |= (text_word(&at[16]) ^ wanted) & UINT64_C(0x0000FF0000FF0000);
    for (uint32_t i = 0U; i < TRACE_CLASSIC_BYTES; i++) {
        const uint32_t value = (uint32_t)text_upper[at[(3U * i) + 1U]] | text_lower[at[(3U * i) + 2U]];

        data[i] = (uint8_t)value;
        digits |= value;
    }
    return text_found((wrong == 0U) && (digits <= UINT8_MAX), at + (3U * TRACE_CLASSIC_BYTES));
}

/* `count` bytes in hexadecimal, one separator before each. */
static inline const uint8_t *text_bytes(const uint8_t *at, char separator, uint32_t count, uint8_t *data)
{
    if (count == TRACE_CLASSIC_BYTES) {
        return text_eight_bytes(at, separator, data);
    }
    for (uint32_t i = 0U; i < count; i++) {
        const uint32_t high = text_nibble[at[1]];
        const uint32_t low  = text_nibble[at[2]];

        if ((at[0] != (uint8_t)separator) || ((high | low) > 15U)) {
            return text_lost;
        }
        data[i] = (uint8_t)((high << 4) | low);
        at += 3;
    }
    return at;
}

/* The data of the next row, cleared. */
static inline uint8_t *text_data(const trace_columns_t *columns)
{
    uint8_t *const data = &columns->data[(size_t)columns->rows * columns->data_width];

    text_put_word(data, 0U);
    if (columns->data_width > TRACE_CLASSIC_BYTES) {
        memset(data, 0, columns->data_width);
    }
    return data;
}

/* The line behind a line end, or NULL where none is. A lone CR is none here: who meets one must look closer. */
static inline const uint8_t *text_line_end(const uint8_t *at)
{
    const uint8_t *end = at + (((at[0] == (uint8_t)'\r') && (at[1] == (uint8_t)'\n')) ? 1 : 0);

    return (*end == (uint8_t)'\n') ? (end + 1) : NULL;
}

/* A time in seconds with a point, from the first digit on: 1 to 12 digits, then 1 to `most`, at least 8. Rounded to the
 * nearest microsecond, a half to the even one. */
const uint8_t *text_stamp_us(const uint8_t *at, uint32_t most, int64_t *time_us);

/* A time in milliseconds: 1 to 12 digits, then perhaps a point and 1 to 6. Rounded alike. */
const uint8_t *text_stamp_ms(const uint8_t *at, int64_t *time_us);

/* Whole lines are in bytes[0..result): what follows has no line end yet. */
size_t text_whole_lines(const uint8_t *bytes, size_t size);

/* Take one line: append its frame and return what follows it, or NULL with the reason in progress->stop. */
typedef const uint8_t *(*text_line_t)(void *reader, const uint8_t *line, trace_columns_t *columns);

/* Lines until one is doubtful, the rows are full or no whole line is left. Inlined, so that a format's own function for
 * a line is as well: `progress` is the beginning of the reader. */
static inline size_t text_read(trace_progress_t *progress, const uint8_t *bytes, size_t size, trace_columns_t *columns,
                               text_line_t take)
{
    const uint8_t *const end = bytes + text_whole_lines(bytes, size);
    const uint8_t       *at  = bytes;

    progress->stop = (uint32_t)TRACE_STOP_HUNGRY;
    while (at < end) {
        const uint8_t *next = NULL;

        if (columns->rows == columns->capacity) {
            progress->stop = (uint32_t)TRACE_STOP_FULL;
            break;
        }
        progress->stop = (uint32_t)TRACE_STOP_DOUBT;
        next           = take(progress, at, columns);
        if (next != NULL) {
            columns->rows++;
            progress->frames++;
        } else {
            next = (progress->stop == (uint32_t)TRACE_STOP_DOUBT) ? text_line_end(text_skip_blanks(at)) : NULL;
            if (next == NULL) {
                break;
            }
            progress->plain++;
        }
        progress->records++;
        progress->stop = (uint32_t)TRACE_STOP_HUNGRY;
        at             = next;
    }
    if (progress->stop == (uint32_t)TRACE_STOP_DOUBT) {
        progress->records++;
        progress->doubtful++;
    }
    return (size_t)(at - bytes);
}

#endif

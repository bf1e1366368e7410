#include "trace_candump.h"

#include "trace_text.h"

#define STANDARD_DIGITS 3U
#define EXTENDED_DIGITS 8U
#define ERROR_BIT 0x20000000U
#define FRACTION_MOST_DIGITS 9U
#define SIX_TOPS (TEXT_TOPS >> 16)
#define BRACE_AND_BLANK 0x2029U

/* Say whether a line goes on with a name and a space; 16 bytes at once. */
static inline bool is_name(const uint8_t *at, const uint8_t *name, uint32_t count)
{
    const uint64_t low  = text_word(at) ^ text_word(name);
    const uint64_t high = text_word(&at[TEXT_WORD_CHARS]) ^ text_word(&name[TEXT_WORD_CHARS]);
    const uint32_t rest = (count > TEXT_WORD_CHARS) ? (count - TEXT_WORD_CHARS) : 0U;

    return (text_keep(low, count) | text_keep(high, rest)) == 0U;
}

static bool find_name(trace_candump_t *reader, const uint8_t *at)
{
    for (uint32_t i = 0U; i < reader->names; i++) {
        if ((reader->name_bytes[i] != 0U) && is_name(at, reader->name[i], reader->name_bytes[i])) {
            reader->current = i;
            return true;
        }
    }
    return false;
}

/* A name of 1 to 15 characters of ASCII that ends in one space; any other is left to the careful path. */
static bool add_name(trace_candump_t *reader, const uint8_t *at)
{
    uint32_t count = 0U;

    while ((count < CANDUMP_NAME_BYTES) && (at[count] > (uint8_t)' ') && (at[count] < 0x7FU)) {
        count++;
    }
    if ((count == 0U) || (count == CANDUMP_NAME_BYTES) || (at[count] != (uint8_t)' ') ||
        (reader->names == CANDUMP_NAMES)) {
        return false;
    }
    memcpy(reader->name[reader->names], at, (size_t)count + 1U);
    reader->name_bytes[reader->names] = (uint8_t)(count + 1U);
    reader->current                   = reader->names;
    reader->names++;
    return true;
}

static inline const uint8_t *channel(trace_candump_t *reader, const uint8_t *at)
{
    const uint8_t *const name  = reader->name[reader->current];
    const uint32_t       count = reader->name_bytes[reader->current];

    if (((count != 0U) && is_name(at, name, count)) || find_name(reader, at) || add_name(reader, at)) {
        return at + reader->name_bytes[reader->current];
    }
    return text_lost;
}

static inline const uint8_t *identifier(const uint8_t *at, uint32_t *id, uint8_t *flags)
{
    if (at[STANDARD_DIGITS] == (uint8_t)'#') {
        const uint32_t high   = text_nibble[at[0]];
        const uint32_t middle = text_nibble[at[1]];
        const uint32_t low    = text_nibble[at[2]];

        *id    = (high << 8) | (middle << 4) | low;
        *flags = 0U;
        return text_found((high < 8U) && ((middle | low) < 16U), at + STANDARD_DIGITS + 1U);
    }
    const uint64_t word     = text_word(at);
    const uint32_t value    = text_hex_value(word, EXTENDED_DIGITS);
    const bool     is_value = (text_is_hex(word) == TEXT_TOPS) && ((value & ~(TEXT_EXTENDED_MOST | ERROR_BIT)) == 0U);

    *id    = value & TEXT_EXTENDED_MOST;
    *flags = ((value & ERROR_BIT) != 0U) ? TRACE_ERROR : TRACE_EXTENDED;
    return text_found(is_value && (at[EXTENDED_DIGITS] == (uint8_t)'#'), at + EXTENDED_DIGITS + 1U);
}

/* "_9" to "_F": the length code as it was on the bus, where it is more than 8. */
static inline const uint8_t *raw_code(const uint8_t *at)
{
    const bool is_code = (at[0] == (uint8_t)'_') && (text_nibble[at[1]] > TRACE_CLASSIC_BYTES) &&
                         (text_nibble[at[1]] < 16U);

    return is_code ? (at + 2) : at;
}

static const uint8_t *remote_body(const uint8_t *at, uint32_t row, trace_columns_t *columns)
{
    const uint32_t digit    = text_nibble[at[1]]; /* behind the R */
    const bool     is_asked = digit <= TRACE_CLASSIC_BYTES;

    (void)text_data(columns);
    columns->flags[row] |= TRACE_REMOTE;
    columns->length[row] = (uint8_t)(is_asked ? digit : 0U);
    return raw_code(at + (is_asked ? 2 : 1));
}

static bool is_fd_length(uint32_t length)
{
    return (length <= 8U) || ((length <= 24U) && ((length % 4U) == 0U)) || ((length <= 64U) && ((length % 16U) == 0U));
}

static const uint8_t *fd_body(trace_candump_t *reader, const uint8_t *at, uint32_t row, trace_columns_t *columns)
{
    const uint8_t *const text   = at + 2; /* the second # and the flags */
    uint32_t             length = 0U;

    if (text_nibble[at[1]] > 15U) { /* a line may end here, and what lies behind it is not looked at */
        return text_lost;
    }
    while ((length <= TRACE_FD_BYTES) &&
           ((text_nibble[text[2U * length]] | text_nibble[text[(2U * length) + 1U]]) < 16U)) {
        length++;
    }
    if (!is_fd_length(length)) {
        return text_lost;
    }
    if (length > columns->data_width) {
        reader->progress.stop = (uint32_t)TRACE_STOP_NARROW;
        return text_lost;
    }
    uint8_t *const data = text_data(columns);

    for (uint32_t i = 0U; i < length; i++) {
        data[i] = (uint8_t)((text_nibble[text[2U * i]] << 4) | text_nibble[text[(2U * i) + 1U]]);
    }
    columns->flags[row] |= TRACE_FD;
    columns->length[row] = (uint8_t)length;
    return &text[2U * length];
}

static inline const uint8_t *classic_body(const uint8_t *at, uint32_t row, trace_columns_t *columns)
{
    const uint64_t low    = text_word(at);
    uint32_t       digits = text_run(text_is_hex(low));
    uint64_t       data   = text_hex(low);

    if (digits == TEXT_WORD_CHARS) {
        const uint64_t high = text_word(&at[TEXT_WORD_CHARS]);

        digits += text_run(text_is_hex(high));
        data |= (uint64_t)text_hex(high) << 32;
    }
    text_put_word(text_data(columns), text_keep(data, digits / 2U));
    columns->length[row] = (uint8_t)(digits / 2U);
    return text_found((digits % 2U) == 0U, raw_code(&at[digits]));
}

static inline const uint8_t *body(trace_candump_t *reader, const uint8_t *at, uint32_t row, trace_columns_t *columns)
{
    const bool is_remote = at[0] == (uint8_t)'R';
    const bool is_fd     = at[0] == (uint8_t)'#';

    if ((!is_remote) && (!is_fd)) {
        return classic_body(at, row, columns);
    }
    if (columns->flags[row] == TRACE_ERROR) {
        return text_lost;
    }
    return is_remote ? remote_body(at, row, columns) : fd_body(reader, at, row, columns);
}

/* " R" or " T", where candump was asked for the direction, then the end of the line. */
static inline const uint8_t *end_of_line(const uint8_t *at)
{
    if (*at == (uint8_t)'\n') {
        return at + 1;
    }
    return text_line_end(((at[0] == (uint8_t)' ') && ((at[1] == (uint8_t)'R') || (at[1] == (uint8_t)'T'))) ? (at + 2)
                                                                                                           : at);
}

/* "(1631416514.717133) ": ten digits, as for thirty years to come, and six. Any other stamp goes the general way. */
static inline const uint8_t *stamp(const uint8_t *line, int64_t *time_us)
{
    const uint64_t high   = text_word(&line[1]);
    const uint64_t behind = text_word(&line[12]); /* six digits and ") " */
    const uint32_t tens   = text_nibble[line[9]];
    const uint32_t ones   = text_nibble[line[10]];
    const bool     is_all = (text_is_decimal(high) == TEXT_TOPS) && (tens <= 9U) && (ones <= 9U) &&
                            ((text_is_decimal(behind) & SIX_TOPS) == SIX_TOPS) && ((behind >> 48) == BRACE_AND_BLANK);

    if (is_all && (line[0] == (uint8_t)'(') && (line[11] == (uint8_t)'.')) {
        const int64_t seconds = ((int64_t)text_decimal(high, TEXT_WORD_CHARS) * 100) + (int64_t)((tens * 10U) + ones);

        *time_us = (seconds * 1000000) + (int64_t)text_decimal(behind, TEXT_US_DIGITS);
        return &line[20];
    }
    return text_char(text_char(text_stamp_us(text_char(line, '('), FRACTION_MOST_DIGITS, time_us), ')'), ' ');
}

static inline const uint8_t *take(void *self, const uint8_t *line, trace_columns_t *columns)
{
    trace_candump_t *const reader = (trace_candump_t *)self;
    const uint32_t         row    = columns->rows;
    const uint8_t         *p      = channel(reader, stamp(line, &columns->time_us[row]));

    columns->channel[row] = (uint8_t)reader->current;
    p                     = identifier(p, &columns->id[row], &columns->flags[row]);
    return end_of_line(body(reader, p, row, columns));
}

size_t trace_candump_read(trace_candump_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    return text_read(&reader->progress, bytes, size, columns, take);
}

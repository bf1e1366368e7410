#include "trace_trc.h"

#include "trace_text.h"

#define BUS_MOST_DIGITS 3U
#define BUS_MOST 255U
#define LENGTH_MOST_DIGITS 2U
#define IDENTIFIER_LEAST_DIGITS 3U
#define STANDARD_MOST_DIGITS 4U
#define CODES 16U

/* Where a letter is known when this is compiled, nothing of the switch over letters is left. */
#define AT_THE_CALL static inline __attribute__((always_inline))

typedef struct {
    int64_t  time_us;
    uint32_t bus;
    uint32_t id;
    uint32_t digits; /* of the identifier: more than four make it an extended one */
    uint32_t length; /* as written */
    bool     is_code;
    bool     is_fd;
} line_t;

static const uint8_t *any_word(const uint8_t *at)
{
    const uint8_t *p = at;

    while ((*p > (uint8_t)' ') && (*p < 0x7FU)) {
        p++;
    }
    return text_found(p != at, p);
}

/* Data frames of version 2: classic, CAN FD, with a faster part, with its error indicator, with both. */
static const uint8_t *kind_2(const uint8_t *at, bool *is_fd)
{
    const bool is_classic = (at[0] == (uint8_t)'D') && (at[1] == (uint8_t)'T');
    const bool is_f       = (at[0] == (uint8_t)'F') &&
                            ((at[1] == (uint8_t)'D') || (at[1] == (uint8_t)'B') || (at[1] == (uint8_t)'E'));

    *is_fd = is_f || ((at[0] == (uint8_t)'B') && (at[1] == (uint8_t)'I'));
    return text_found(is_classic || *is_fd, at + 2);
}

/* The number of a line, of any length: lines are counted here, so it is not kept. */
static inline const uint8_t *number(const uint8_t *at, bool may_have_bracket)
{
    const uint8_t *p = at;

    while (text_nibble[*p] <= 9U) {
        p++;
    }
    return text_found(p != at, p + ((may_have_bracket && (*p == (uint8_t)')')) ? 1 : 0));
}

/* The last of at least one blank. */
static inline const uint8_t *last_blank(const uint8_t *at)
{
    const uint8_t *const next = text_skip_blanks(at);

    return (next == at) ? text_lost : (next - 1);
}

/* Words of which nothing is kept. */
AT_THE_CALL const uint8_t *other_word(uint8_t letter, const uint8_t *at)
{
    switch (letter) {
    case 'N':
    case 'n':
        return number(at, letter == (uint8_t)'n');
    case 'd':
        return text_direction(at);
    case '-':
        return text_char(at, '-');
    case 'R':
        return any_word(at);
    default:
        return text_lost;
    }
}

AT_THE_CALL const uint8_t *word(uint8_t letter, const uint8_t *at, line_t *line)
{
    switch (letter) {
    case 'O':
        return text_stamp_ms(at, &line->time_us);
    case 'T':
        return kind_2(at, &line->is_fd);
    case 'B':
        return text_number(at, BUS_MOST_DIGITS, &line->bus);
    case 'I':
        return text_identifier(at, &line->id, &line->digits);
    case 'l':
    case 'L':
        line->is_code = letter == (uint8_t)'L';
        return text_number(at, LENGTH_MOST_DIGITS, &line->length);
    default:
        return other_word(letter, at);
    }
}

/* Bytes of data, or more than any frame has. */
static uint32_t bytes_of(const line_t *line)
{
    static const uint8_t bytes_of_code[CODES] = {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 12U, 16U, 20U, 24U, 32U, 48U, 64U};
    const uint32_t       most                 = line->is_fd ? TRACE_FD_BYTES : TRACE_CLASSIC_BYTES;
    uint32_t             bytes                = line->length;

    if (line->is_code && line->is_fd) {
        bytes = (line->length < CODES) ? bytes_of_code[line->length] : UINT32_MAX;
    }
    return (bytes <= most) ? bytes : UINT32_MAX;
}

AT_THE_CALL const uint8_t *next_word(uint8_t letter, const uint8_t *at, line_t *line)
{
    return word(letter, text_gap(at), line);
}

/* "NOTBIdRLD": what version 2.1 writes if nobody asks for other columns. */
static inline const uint8_t *words_of_2_1(const uint8_t *text, line_t *line)
{
    const uint8_t *p = word((uint8_t)'N', text_skip_blanks(text), line);

    p = next_word((uint8_t)'O', p, line);
    p = next_word((uint8_t)'T', p, line);
    p = next_word((uint8_t)'B', p, line);
    p = next_word((uint8_t)'I', p, line);
    p = next_word((uint8_t)'d', p, line);
    p = next_word((uint8_t)'R', p, line);
    return next_word((uint8_t)'L', p, line);
}

/* Words in any order. */
static const uint8_t *any_words(const trace_trc_t *reader, const uint8_t *text, line_t *line)
{
    const uint8_t *p = text_skip_blanks(text);
    uint32_t       i = 0U;

    if (reader->word[0] == 0U) {
        return text_lost;
    }
    p = word(reader->word[0], p, line);
    for (i = 1U; (reader->word[i] != (uint8_t)'D') && (reader->word[i] != 0U); i++) {
        p = next_word(reader->word[i], p, line);
    }
    return p;
}

/* All words before the data; text_lost where one does not fit. */
static inline const uint8_t *words(const trace_trc_t *reader, const uint8_t *text, line_t *line)
{
    static const uint8_t of_2_1[TRC_WORDS] = {'N', 'O', 'T', 'B', 'I', 'd', 'R', 'L', 'D'};

    return (memcmp(reader->word, of_2_1, sizeof(of_2_1)) == 0) ? words_of_2_1(text, line)
                                                               : any_words(reader, text, line);
}

static inline const uint8_t *take(void *self, const uint8_t *text, trace_columns_t *columns)
{
    trace_trc_t *const   reader      = (trace_trc_t *)self;
    const uint32_t       row         = columns->rows;
    line_t               line        = {.bus = 1U};
    const uint8_t *const p           = words(reader, text, &line);
    const uint32_t       bytes       = bytes_of(&line);
    const bool           is_extended = line.digits > STANDARD_MOST_DIGITS;

    if ((bytes > TRACE_FD_BYTES) || (line.digits < IDENTIFIER_LEAST_DIGITS) || (line.bus > BUS_MOST) ||
        (!text_is_identifier(line.id, is_extended))) {
        return NULL;
    }
    if (bytes > columns->data_width) {
        reader->progress.stop = (uint32_t)TRACE_STOP_NARROW;
        return NULL;
    }
    columns->time_us[row] = line.time_us;
    columns->channel[row] = (uint8_t)line.bus;
    columns->id[row]      = line.id;
    columns->flags[row]   = (uint8_t)((is_extended ? TRACE_EXTENDED : 0U) | (line.is_fd ? TRACE_FD : 0U));
    columns->length[row]  = (uint8_t)bytes;
    return text_line_end(
        text_skip_blanks(text_bytes((bytes == 0U) ? p : last_blank(p), ' ', bytes, text_data(columns))));
}

size_t trace_trc_read(trace_trc_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    return text_read(&reader->progress, bytes, size, columns, take);
}

#include "trace_csv.h"

#include "trace_text.h"

#define FRACTION_MOST_DIGITS 17U /* as many as a double ever needs */
#define QUAD_CHARS 4U            /* of base64, for three bytes */
#define QUAD_BYTES 3U
#define EIGHT_CHARS 10U          /* of which eight bytes take all six bits */
#define PAD 64U
#define NONE 0xFFU

/* The value of a character of base64; PAD for '='. */
static inline uint32_t base64_value(uint8_t character)
{
    /* clang-format off */
    static const uint8_t value[256] = {
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 62,   NONE, NONE, NONE, 63,
        52,   53,   54,   55,   56,   57,   58,   59,   60,   61,   NONE, NONE, NONE, PAD,  NONE, NONE,
        NONE, 0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,
        15,   16,   17,   18,   19,   20,   21,   22,   23,   24,   25,   NONE, NONE, NONE, NONE, NONE,
        NONE, 26,   27,   28,   29,   30,   31,   32,   33,   34,   35,   36,   37,   38,   39,   40,
        41,   42,   43,   44,   45,   46,   47,   48,   49,   50,   51,   NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
        NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
    };
    /* clang-format on */
    return value[character];
}

/* Four characters that stand for 1 to 3 bytes. Bits that belong to no byte must be zero. */
static inline const uint8_t *quad(const uint8_t *at, uint32_t bytes, uint8_t *data)
{
    const uint32_t a    = base64_value(at[0]);
    const uint32_t b    = base64_value(at[1]);
    const uint32_t c    = base64_value(at[2]);
    const uint32_t d    = base64_value(at[3]);
    const uint32_t pad  = QUAD_BYTES - bytes;
    const uint32_t word = (a << 18) | (b << 12) | ((c & 63U) << 6) | (d & 63U);
    const bool     is_c = (pad == 2U) ? (c == PAD) : (c < PAD);
    const bool     is_d = (pad == 0U) ? (d < PAD) : (d == PAD);

    if ((a >= PAD) || (b >= PAD) || (!is_c) || (!is_d) || ((word & ((1U << (8U * pad)) - 1U)) != 0U)) {
        return text_lost;
    }
    for (uint32_t i = 0U; i < bytes; i++) {
        data[i] = (uint8_t)(word >> (16U - (8U * i)));
    }
    return at + QUAD_CHARS;
}

/* The eight bytes that most frames have: ten characters, four bits of an eleventh, and one "=". */
static inline const uint8_t *eight_bytes(const uint8_t *at, uint8_t *data)
{
    uint64_t word = 0U;
    uint32_t any  = 0U; /* more than six bits: a character that is none */

    for (uint32_t i = 0U; i < EIGHT_CHARS; i++) {
        const uint32_t value = base64_value(at[i]);

        any |= value;
        word = (word << 6) | value;
    }
    const uint32_t last = base64_value(at[EIGHT_CHARS]);

    text_put_word(data, __builtin_bswap64((word << 4) | (last >> 2)));
    return text_found(((any | last) < PAD) && ((last & 3U) == 0U) && (at[EIGHT_CHARS + 1U] == (uint8_t)'='),
                      at + EIGHT_CHARS + 2U);
}

static inline const uint8_t *base64(const uint8_t *at, uint32_t length, uint8_t *data)
{
    if (length == TRACE_CLASSIC_BYTES) {
        return eight_bytes(at, data);
    }
    const uint8_t *p    = at;
    uint32_t       done = 0U;

    while (done < length) {
        const uint32_t left  = length - done;
        const uint32_t bytes = (left < QUAD_BYTES) ? left : QUAD_BYTES;

        p = quad(p, bytes, &data[done]);
        done += bytes;
    }
    return p;
}

/* ",0,0,0,8,": extended, remote, error, length; remote and error frames take the careful path. */
static inline const uint8_t *kind(const uint8_t *at, bool *is_extended, uint32_t *length)
{
    static const char none[]  = ",0,0,";
    const bool        is_data = memcmp(&at[2], none, sizeof(none) - 1U) == 0;

    *is_extended = at[1] == (uint8_t)'1';
    *length      = text_nibble[at[7]];
    return text_found((at[0] == (uint8_t)',') && ((at[1] == (uint8_t)'0') || *is_extended) && is_data &&
                          (*length <= TRACE_CLASSIC_BYTES) && (at[8] == (uint8_t)','),
                      at + 9);
}

static inline const uint8_t *take(void *self, const uint8_t *line, trace_columns_t *columns)
{
    const uint32_t row         = columns->rows;
    uint32_t       id          = 0U;
    uint32_t       digits      = 0U;
    uint32_t       length      = 0U;
    bool           is_extended = false;
    const uint8_t *p           = text_stamp_us(line, FRACTION_MOST_DIGITS, &columns->time_us[row]);

    (void)self;
    p = text_char(text_char(text_char(p, ','), '0'), 'x');
    p = kind(text_identifier(p, &id, &digits), &is_extended, &length);
    if (!text_is_identifier(id, is_extended) || (length > TRACE_CLASSIC_BYTES)) {
        return NULL;
    }
    columns->channel[row] = 0U; /* the layout has none */
    columns->id[row]      = id;
    columns->flags[row]   = is_extended ? TRACE_EXTENDED : 0U;
    columns->length[row]  = (uint8_t)length;
    return text_line_end(base64(p, length, text_data(columns)));
}

size_t trace_csv_read(trace_csv_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    return text_read(&reader->progress, bytes, size, columns, take);
}

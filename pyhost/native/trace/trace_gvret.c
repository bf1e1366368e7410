#include "trace_gvret.h"

#include "trace_text.h"

#define BUS_MOST_DIGITS 3U
#define BUS_MOST 255U

/* Microseconds, 1 to 16 digits. */
static inline const uint8_t *stamp(const uint8_t *at, int64_t *time_us)
{
    const uint64_t high   = text_word(at);
    const uint64_t low    = text_word(&at[TEXT_WORD_CHARS]);
    const uint32_t digits = text_run(text_is_decimal(high));
    const uint32_t more   = (digits == TEXT_WORD_CHARS) ? text_run(text_is_decimal(low)) : 0U;

    if (digits == 0U) {
        return text_lost;
    }
    *time_us = (int64_t)text_decimal(high, digits);
    if (more > 0U) {
        for (uint32_t i = 0U; i < more; i++) {
            *time_us *= 10;
        }
        *time_us += (int64_t)text_decimal(low, more);
    }
    return at + digits + more;
}

/* "false," or "true," */
static inline const uint8_t *extended(const uint8_t *at, bool *is_extended)
{
    *is_extended = memcmp(at, "true,", 5U) == 0;
    return text_found(*is_extended || (memcmp(at, "false,", 6U) == 0), at + (*is_extended ? 5 : 6));
}

/* Cells behind the data hold zeros, and the last one may end in a comma. */
static inline const uint8_t *end_of_line(const uint8_t *at, uint32_t length)
{
    const uint8_t *p = at;

    for (uint32_t i = length; (i < TRACE_CLASSIC_BYTES) && (memcmp(p, ",00", 3U) == 0); i++) {
        p += 3;
    }
    return text_line_end(p + ((*p == (uint8_t)',') ? 1 : 0));
}

static inline const uint8_t *take(void *self, const uint8_t *line, trace_columns_t *columns)
{
    const uint32_t row         = columns->rows;
    uint32_t       id          = 0U;
    uint32_t       digits      = 0U;
    uint32_t       bus         = 0U;
    uint32_t       length      = 0U;
    bool           is_extended = false;
    const uint8_t *p           = text_char(stamp(line, &columns->time_us[row]), ',');

    p = extended(text_char(text_identifier(p, &id, &digits), ','), &is_extended);
    if (((const trace_gvret_t *)self)->has_direction != 0U) {
        p = text_char(text_direction(p), ',');
    }
    p = text_char(text_number(p, BUS_MOST_DIGITS, &bus), ',');
    p = text_number(p, 1U, &length);
    if ((bus > BUS_MOST) || (length > TRACE_CLASSIC_BYTES) || (!text_is_identifier(id, is_extended))) {
        return NULL;
    }
    columns->channel[row] = (uint8_t)bus;
    columns->id[row]      = id;
    columns->flags[row]   = is_extended ? TRACE_EXTENDED : 0U;
    columns->length[row]  = (uint8_t)length;
    return end_of_line(text_bytes(p, ',', length, text_data(columns)), length);
}

size_t trace_gvret_read(trace_gvret_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    return text_read(&reader->progress, bytes, size, columns, take);
}

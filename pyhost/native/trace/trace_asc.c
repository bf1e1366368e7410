#include "trace_asc.h"

#include "trace_text.h"

#define FRACTION_MOST_DIGITS 9U
#define CHANNEL_MOST_DIGITS 3U
#define CHANNEL_MOST 255U

/* "  Length = 240000 BitCount = 124 ID = 427x", where the logger was asked for it, then the end of the line. */
static inline const uint8_t *end_of_line(const uint8_t *at)
{
    static const char word[] = "Length ";
    const uint8_t    *p      = text_skip_blanks(at);

    if ((p != at) && (memcmp(p, word, sizeof(word) - 1U) == 0)) {
        while ((*p != (uint8_t)'\n') && (*p != (uint8_t)'\r')) {
            p++;
        }
    }
    return text_line_end(p);
}

static inline const uint8_t *take(void *self, const uint8_t *line, trace_columns_t *columns)
{
    const uint32_t row         = columns->rows;
    uint32_t       channel     = 0U;
    uint32_t       id          = 0U;
    uint32_t       digits      = 0U;
    uint32_t       length      = 0U;
    bool           is_extended = false;
    const uint8_t *p           = text_stamp_us(text_skip_blanks(line), FRACTION_MOST_DIGITS, &columns->time_us[row]);

    p           = text_number(text_gap(p), CHANNEL_MOST_DIGITS, &channel);
    p           = text_identifier(text_gap(p), &id, &digits);
    is_extended = (*p == (uint8_t)'x') || (*p == (uint8_t)'X');
    p           = text_direction(text_gap(p + (is_extended ? 1 : 0)));
    p           = text_char(text_gap(p), 'd');
    p           = text_number(text_gap(p), 1U, &length);
    if ((length > TRACE_CLASSIC_BYTES) || (channel > CHANNEL_MOST) || (!text_is_identifier(id, is_extended)) ||
        (((const trace_asc_t *)self)->is_other != 0U)) {
        return NULL;
    }
    columns->channel[row] = (uint8_t)channel;
    columns->id[row]      = id;
    columns->flags[row]   = is_extended ? TRACE_EXTENDED : 0U;
    columns->length[row]  = (uint8_t)length;
    return end_of_line(text_bytes(p, ' ', length, text_data(columns)));
}

size_t trace_asc_read(trace_asc_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    return text_read(&reader->progress, bytes, size, columns, take);
}

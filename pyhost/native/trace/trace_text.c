#include "trace_text.h"

#define NO_BYTE 0x100U
#define ROW_OF(none) none, none, none, none, none, none, none, none, none, none, none, none, none, none, none, none
#define LETTERS_OF(none, unit)                                                                                        \
    none, 10U * (unit), 11U * (unit), 12U * (unit), 13U * (unit), 14U * (unit), 15U * (unit), none, none, none, none, \
        none, none, none, none, none
#define DIGITS_OF(none, unit)                                                                                   \
    0U, 1U * (unit), 2U * (unit), 3U * (unit), 4U * (unit), 5U * (unit), 6U * (unit), 7U * (unit), 8U * (unit), \
        9U * (unit), none, none, none, none, none, none
/* Of all characters: digits times a unit, or none. */
#define HEX_TABLE(none, unit)                                                                                         \
    {ROW_OF(none),           ROW_OF(none), ROW_OF(none), DIGITS_OF(none, unit), LETTERS_OF(none, unit), ROW_OF(none), \
     LETTERS_OF(none, unit), ROW_OF(none), ROW_OF(none), ROW_OF(none),          ROW_OF(none),           ROW_OF(none), \
     ROW_OF(none),           ROW_OF(none), ROW_OF(none), ROW_OF(none)}

#define WHOLE_MOST_DIGITS 12U
#define NS_DIGITS 9U       /* behind the point of a second */
#define NS_OF_MS_DIGITS 6U /* behind the point of a millisecond */
#define US_PER_S INT64_C(1000000)
#define US_PER_MS INT64_C(1000)

const uint8_t  text_nibble[256] = HEX_TABLE(TEXT_NOT_HEX, 1U);
const uint16_t text_upper[256]  = HEX_TABLE(NO_BYTE, 16U);
const uint16_t text_lower[256]  = HEX_TABLE(NO_BYTE, 1U);

static const uint32_t power_of_10[] = {1U, 10U, 100U, 1000U, 10000U, 100000U, 1000000U};

const uint8_t text_lost[TRACE_SLACK_BYTES] = {0U};

/* Round to the nearest microsecond; a half goes to the even one, if it is one and not a little more. */
static uint32_t us_of_ns(uint32_t ns, bool is_more)
{
    const uint32_t us    = ns / 1000U;
    const uint32_t rest  = ns % 1000U;
    const bool     is_up = (rest > 500U) || ((rest == 500U) && (is_more || ((us & 1U) != 0U)));

    return us + (is_up ? 1U : 0U);
}

/* More than six digits behind the point. */
static const uint8_t *fine_fraction(const uint8_t *at, uint32_t most, uint32_t *us)
{
    uint32_t ns    = 0U;
    uint32_t count = 0U;
    uint32_t rest  = 0U;

    while ((count < most) && (text_nibble[at[count]] <= 9U)) {
        if (count < NS_DIGITS) {
            ns = (ns * 10U) + text_nibble[at[count]];
        } else {
            rest |= text_nibble[at[count]];
        }
        count++;
    }
    for (uint32_t i = count; i < NS_DIGITS; i++) {
        ns *= 10U;
    }
    *us = us_of_ns(ns, rest != 0U);
    return &at[count];
}

/* 1 to 12 digits */
static inline const uint8_t *whole(const uint8_t *at, int64_t *value)
{
    const uint64_t word  = text_word(at);
    uint32_t       count = text_run(text_is_decimal(word));

    if (count == 0U) {
        return text_lost;
    }
    *value = (int64_t)text_decimal(word, count);
    while ((count >= TEXT_WORD_CHARS) && (count < WHOLE_MOST_DIGITS) && (text_nibble[at[count]] <= 9U)) {
        *value = (*value * 10) + (int64_t)text_nibble[at[count]];
        count++;
    }
    return at + count;
}

const uint8_t *text_stamp_us(const uint8_t *at, uint32_t most, int64_t *time_us)
{
    int64_t              seconds  = 0;
    const uint8_t *const point    = whole(at, &seconds);
    const uint64_t       word     = text_word(point + 1);
    const uint32_t       count    = text_run(text_is_decimal(word));
    uint32_t             fraction = 0U;
    const uint8_t       *next     = point + 1 + count;

    if ((*point != (uint8_t)'.') || (count == 0U)) {
        return text_lost;
    }
    if (count <= TEXT_US_DIGITS) {
        fraction = text_decimal(word, count) * power_of_10[TEXT_US_DIGITS - count];
    } else {
        next = fine_fraction(point + 1, most, &fraction);
    }
    *time_us = (seconds * US_PER_S) + (int64_t)fraction;
    return next;
}

const uint8_t *text_stamp_ms(const uint8_t *at, int64_t *time_us)
{
    int64_t        ms   = 0;
    uint32_t       ns   = 0U;
    const uint8_t *next = whole(at, &ms);

    if (*next == (uint8_t)'.') {
        const uint64_t word  = text_word(next + 1);
        const uint32_t count = text_run(text_is_decimal(word));

        if ((count == 0U) || (count > NS_OF_MS_DIGITS)) {
            return text_lost;
        }
        ns = text_decimal(word, count) * power_of_10[NS_OF_MS_DIGITS - count];
        next += 1U + count;
    }
    *time_us = (ms * US_PER_MS) + (int64_t)us_of_ns(ns, false);
    return next;
}

size_t text_whole_lines(const uint8_t *bytes, size_t size)
{
    size_t length = size;

    while ((length > 0U) && (bytes[length - 1U] != (uint8_t)'\n')) {
        length--;
    }
    return length;
}

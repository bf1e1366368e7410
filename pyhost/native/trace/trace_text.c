#include "trace_text.h"

#define NO TEXT_NOT_HEX
#define ROW_OF_NONE NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO

#define FRACTION_MOST_DIGITS 9U
#define SECONDS_MOST_DIGITS 12U
#define US_PER_S INT64_C(1000000)

/* clang-format off */
const uint8_t text_nibble[256] = {
    ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  NO, NO, NO, NO, NO, NO,
    NO, 10, 11, 12, 13, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    ROW_OF_NONE,
    NO, 10, 11, 12, 13, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    ROW_OF_NONE,
    ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE, ROW_OF_NONE,
};
/* clang-format on */

static const uint32_t power_of_10[] = {1U, 10U, 100U, 1000U, 10000U, 100000U, 1000000U};

/* Round to the nearest microsecond; a half goes to the even one. */
static uint32_t us_of_ns(uint32_t ns)
{
    const uint32_t us   = ns / 1000U;
    const uint32_t rest = ns % 1000U;

    return us + (((rest > 500U) || ((rest == 500U) && ((us & 1U) != 0U))) ? 1U : 0U);
}

/* Seven to nine digits behind the point. */
static const uint8_t *fine_fraction(const uint8_t *at, uint32_t *us)
{
    uint32_t ns    = 0U;
    uint32_t count = 0U;

    while ((count < FRACTION_MOST_DIGITS) && (text_nibble[at[count]] <= 9U)) {
        ns = (ns * 10U) + text_nibble[at[count]];
        count++;
    }
    *us = us_of_ns(ns * power_of_10[FRACTION_MOST_DIGITS - count]);
    return &at[count];
}

const uint8_t *text_stamp_us(const uint8_t *at, int64_t *time_us)
{
    const uint8_t *p        = at;
    uint64_t       word     = text_word(p);
    uint32_t       count    = text_run(text_is_decimal(word));
    uint64_t       seconds  = 0U;
    uint32_t       fraction = 0U;

    if (count == 0U) {
        return NULL;
    }
    seconds = text_decimal(word, count);
    p += count;
    while ((text_nibble[*p] <= 9U) && ((p - at) < (ptrdiff_t)SECONDS_MOST_DIGITS)) {
        seconds = (seconds * 10U) + text_nibble[*p];
        p++;
    }
    if (*p != (uint8_t)'.') {
        return NULL;
    }
    p++;
    word  = text_word(p);
    count = text_run(text_is_decimal(word));
    if (count == 0U) {
        return NULL;
    }
    if (count <= TEXT_US_DIGITS) {
        fraction = text_decimal(word, count) * power_of_10[TEXT_US_DIGITS - count];
        p += count;
    } else {
        p = fine_fraction(p, &fraction);
    }
    *time_us = ((int64_t)seconds * US_PER_S) + (int64_t)fraction;
    return p;
}

size_t text_whole_lines(const uint8_t *bytes, size_t size)
{
    size_t length = size;

    while ((length > 0U) && (bytes[length - 1U] != (uint8_t)'\n')) {
        length--;
    }
    return length;
}

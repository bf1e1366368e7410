/* numeric.h - small, pure arithmetic, total: every function has a bounded result for every input, NaN included.
 *
 * One tick is one millisecond; durations in ticks and in milliseconds are the same number.
 */
#ifndef NUMERIC_H
#define NUMERIC_H

#include <stdbool.h>
#include <stdint.h>

#define NUMERIC_TICKS_PER_S 1000.0f

static inline float numeric_min(float a, float b)
{
    return (a < b) ? a : b;
}

static inline float numeric_max(float a, float b)
{
    return (a > b) ? a : b;
}

/* A NaN gives `low`. */
static inline float numeric_clamp(float value, float low, float high)
{
    float result = low;

    if (value > high) {
        result = high;
    } else if (value > low) {
        result = value;
    } else {
        /* low, or not a number */
    }
    return result;
}

static inline float numeric_abs(float value)
{
    return (value < 0.0f) ? -value : value;
}

/* Not a number, or infinite. */
static inline bool numeric_is_finite(float value)
{
    return (value >= -3.0e38f) && (value <= 3.0e38f);
}

/* Where `value` lies between `start` and `end`: 0 up to start, 1 from end on. Equal or swapped ends give a step at
 * start, never a division by zero (PAIN-82). */
static inline float numeric_fraction(float value, float start, float end)
{
    float result = 0.0f;

    if (end > start) {
        result = numeric_clamp((value - start) / (end - start), 0.0f, 1.0f);
    } else if (value > start) {
        result = 1.0f;
    } else {
        /* 0 */
    }
    return result;
}

/* Piecewise linear through (x[i], y[i]), x increasing, flat beyond both ends, count >= 2. Only the two points around
 * `at` have a say (PAIN-79). */
static inline float numeric_interpolate(const float *x, const float *y, uint32_t count, float at)
{
    uint32_t i = 1U;

    while ((i < (count - 1U)) && (at > x[i])) {
        i++;
    }
    return y[i - 1U] + ((y[i] - y[i - 1U]) * numeric_fraction(at, x[i - 1U], x[i]));
}

/* One tick towards `to`, at most `up_per_s` or `down_per_s` per second. A memory that is no number starts anew at `to`:
 * a NaN must not live for ever. */
static inline float numeric_slew(float from, float to, float up_per_s, float down_per_s)
{
    const float highest = from + (up_per_s / NUMERIC_TICKS_PER_S);
    const float lowest  = from - (down_per_s / NUMERIC_TICKS_PER_S);

    return numeric_is_finite(from) ? numeric_min(numeric_max(to, lowest), highest) : to;
}

/* First-order lag: `elapsed_ticks` of a time constant `tau_ms`; tau 0 follows at once, and so does a memory that is no
 * number. */
static inline float numeric_lag(float from, float to, float elapsed_ticks, float tau_ms)
{
    const float sum = tau_ms + elapsed_ticks;

    return ((sum > 0.0f) && numeric_is_finite(from)) ? (from + ((to - from) * (elapsed_ticks / sum))) : to;
}

/* Saturating count: a duration never wraps (PAIN-69). */
static inline uint16_t numeric_count_u16(uint16_t ticks)
{
    return (ticks < UINT16_MAX) ? (uint16_t)(ticks + 1U) : ticks;
}

static inline uint8_t numeric_count_u8(uint8_t count)
{
    return (count < UINT8_MAX) ? (uint8_t)(count + 1U) : count;
}

static inline uint32_t numeric_count_u32(uint32_t ticks)
{
    return (ticks < UINT32_MAX) ? (ticks + 1U) : ticks;
}

/* Ticks for which a condition has held without a break, this tick included. */
static inline uint16_t numeric_held_u16(uint16_t ticks, bool condition)
{
    return condition ? numeric_count_u16(ticks) : 0U;
}

/* Number of the lowest bit that is set; `mask` is not 0. */
static inline uint32_t numeric_lowest_bit(uint32_t mask)
{
    return (uint32_t)__builtin_ctz(mask);
}

static inline uint32_t numeric_without_lowest_bit(uint32_t mask)
{
    return mask & (mask - 1U);
}

static inline uint8_t numeric_flag(bool condition)
{
    return condition ? 1U : 0U;
}

#endif

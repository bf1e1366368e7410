/* trace_bytes.h - little-endian numbers in bytes of any alignment, as binary formats store them. */
#ifndef TRACE_BYTES_H
#define TRACE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TRACE_LITTLE(value, swap) (value)
#else
#define TRACE_LITTLE(value, swap) swap(value)
#endif

static inline uint16_t bytes_u16(const uint8_t *at)
{
    uint16_t value = 0U;

    memcpy(&value, at, sizeof(value));
    return TRACE_LITTLE(value, __builtin_bswap16);
}

static inline uint32_t bytes_u32(const uint8_t *at)
{
    uint32_t value = 0U;

    memcpy(&value, at, sizeof(value));
    return TRACE_LITTLE(value, __builtin_bswap32);
}

static inline uint64_t bytes_u64(const uint8_t *at)
{
    uint64_t value = 0U;

    memcpy(&value, at, sizeof(value));
    return TRACE_LITTLE(value, __builtin_bswap64);
}

static inline void bytes_put_u64(uint8_t *at, uint64_t value)
{
    const uint64_t stored = TRACE_LITTLE(value, __builtin_bswap64);

    memcpy(at, &stored, sizeof(stored));
}

/* The lowest `count` bytes of a word, 0 to 8; the others zero. */
static inline uint64_t bytes_keep(uint64_t word, uint32_t count)
{
    return (count >= 8U) ? word : (word & ((UINT64_C(1) << (8U * count)) - 1U));
}

#endif

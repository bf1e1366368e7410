/* digest.h - a 32-bit hash of words, cheap enough for every tick on the chip.
 *
 * h = rotate_left(h, 5) xor word, times 0x9E3779B1, for each little-endian 32-bit word in order. Each step is a
 * bijection of h and of the word, so one changed word always changes the result. A check against accidents, not
 * against attackers. A byte-wise CRC would cost more than the tick itself.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SEED 0x64377872U /* "d7xr" */

static inline uint32_t digest_step(uint32_t hash, uint32_t word)
{
    return (((hash << 5) | (hash >> 27)) ^ word) * 0x9E3779B1U;
}

/* One word of memory that holds floats and integers alike, byte by byte: the compiler makes one load of it. */
static inline uint32_t digest_word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

/* `size_bytes` is a multiple of 4. */
static inline uint32_t digest_words(uint32_t hash, const void *start, size_t size_bytes)
{
    const unsigned char *bytes = (const unsigned char *)start;

    for (size_t i = 0U; i < size_bytes; i += 4U) {
        hash = digest_step(hash, digest_word(&bytes[i]));
    }
    return hash;
}

#endif

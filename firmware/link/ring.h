/* ring.h - bytes on their way from one producer to one consumer, an interrupt among them.
 *
 * Memory order: the producer alone writes `head` and `dropped_count`, the consumer alone writes `tail`. Each publishes
 * its index with release after it has touched the bytes, and reads the other's with acquire before it does, so a byte is
 * written before it can be seen and read before its place is given again. No lock, no disabled interrupt, and no
 * read-modify-write: on a Cortex-M the price is one barrier an index.
 *
 * Full means full: what finds no room is dropped and counted, never written over what waits. A producer that can wait
 * asks ring_free_bytes() first and loses nothing.
 */
#ifndef RING_H
#define RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "ring_t: an index that needs a lock cannot be used in an interrupt");

typedef struct {
    uint8_t         *bytes;
    uint32_t         mask;          /* size - 1 */
    _Atomic uint32_t head;          /* bytes ever put in, may wrap: the size divides 2^32 */
    _Atomic uint32_t tail;          /* bytes ever taken out */
    _Atomic uint32_t dropped_count; /* bytes that found no room, saturating */
} ring_t;

/* `size_bytes` is a power of two; `bytes` is that long and lives as long as the ring. */
static inline void ring_init(ring_t *ring, uint8_t *bytes, uint32_t size_bytes)
{
    ring->bytes = bytes;
    ring->mask  = size_bytes - 1U;
    atomic_init(&ring->head, 0U);
    atomic_init(&ring->tail, 0U);
    atomic_init(&ring->dropped_count, 0U);
}

/* Producer: bytes that fit now. It may grow at any time, and shrinks by own doing only. */
static inline uint32_t ring_free_bytes(const ring_t *ring)
{
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

    return ring->mask + 1U - (head - tail);
}

/* Consumer: bytes that wait now. It may grow at any time, and shrinks by own doing only. */
static inline uint32_t ring_used_bytes(const ring_t *ring)
{
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    return head - tail;
}

/* Anybody: bytes that were lost. */
static inline uint32_t ring_dropped_count(const ring_t *ring)
{
    return atomic_load_explicit(&ring->dropped_count, memory_order_relaxed);
}

/* Producer: all of them or none, so that half a line is never sent. False: counted as dropped. */
static inline bool ring_put(ring_t *ring, const uint8_t *bytes, uint32_t length_bytes)
{
    const bool has_room = ring_free_bytes(ring) >= length_bytes;

    if (has_room) {
        const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

        for (uint32_t i = 0U; i < length_bytes; i++) {
            ring->bytes[(head + i) & ring->mask] = bytes[i];
        }
        atomic_store_explicit(&ring->head, head + length_bytes, memory_order_release);
    } else {
        const uint32_t dropped = ring_dropped_count(ring);
        const uint32_t room    = UINT32_MAX - dropped;

        atomic_store_explicit(&ring->dropped_count, dropped + ((length_bytes < room) ? length_bytes : room),
                              memory_order_relaxed);
    }
    return has_room;
}

/* Consumer: the oldest byte, or false when none waits. */
static inline bool ring_get(ring_t *ring, uint8_t *byte)
{
    const bool has_byte = ring_used_bytes(ring) > 0U;

    if (has_byte) {
        const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

        *byte = ring->bytes[tail & ring->mask];
        atomic_store_explicit(&ring->tail, tail + 1U, memory_order_release);
    }
    return has_byte;
}

#endif

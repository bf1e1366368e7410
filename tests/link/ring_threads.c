/* ring_threads.c - a producer and a consumer share a ring, each in a thread of its own, as an interrupt and the loop do.
 * Built with the thread sanitizer, which knows the memory model of C whatever this machine's happens to be. */
#include "ring.h"

#include <pthread.h>
#include <stdio.h>

#define BYTES 50000U
#define RING_BYTES 64U
#define PIECE_BYTES 3U

static ring_t  ring;
static uint8_t storage[RING_BYTES];

static void *produce(void *unused)
{
    uint32_t sent = 0U;

    while (sent < BYTES) {
        uint8_t        piece[PIECE_BYTES] = {0U};
        const uint32_t left               = BYTES - sent;
        const uint32_t length             = (left < PIECE_BYTES) ? left : PIECE_BYTES;

        for (uint32_t i = 0U; i < length; i++) {
            piece[i] = (uint8_t)((sent + i) & 0xFFU);
        }
        if (ring_free_bytes(&ring) >= length) {
            sent += ring_put(&ring, piece, length) ? length : 0U;
        }
    }
    return unused;
}

int main(void)
{
    pthread_t producer;
    uint32_t  received = 0U;
    uint32_t  wrong    = 0U;

    ring_init(&ring, storage, RING_BYTES);
    if (pthread_create(&producer, NULL, produce, NULL) != 0) {
        return 1;
    }
    while (received < BYTES) {
        uint8_t byte = 0U;

        if (ring_get(&ring, &byte)) {
            wrong += (byte == (uint8_t)(received & 0xFFU)) ? 0U : 1U;
            received++;
        }
    }
    (void)pthread_join(producer, NULL);
    (void)printf("bytes %u wrong %u dropped %u\n", received, wrong, ring_dropped_count(&ring));
    return 0;
}

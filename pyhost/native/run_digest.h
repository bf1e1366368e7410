/* run_digest.h - one number for a whole run, by one rule on all targets.
 *
 * Chained with digest_step, in this order for each tick: every frame sent in the tick (tick number, identifier, length,
 * the eight data bytes as two little-endian words), then, at every hundredth tick, the digest of the state after it.
 * Identity frames are left out: they say who runs, not what it did.
 */
#ifndef RUN_DIGEST_H
#define RUN_DIGEST_H

#include "bus_codec.h"
#include "can_frame.h"
#include "digest.h"

#include <stdbool.h>

#define RUN_DIGEST_EVERY_TICKS 100U

static inline uint32_t run_digest_frame(uint32_t hash, uint32_t tick, const can_frame_t *frame)
{
    uint32_t result = hash;

    if (frame->id != BUS_CODEC_IDENTITY_FRAME_ID) {
        result = digest_step(result, tick);
        result = digest_step(result, frame->id);
        result = digest_step(result, frame->length);
        result = digest_words(result, frame->data, sizeof(frame->data));
    }
    return result;
}

static inline bool run_digest_wants_state(uint64_t tick)
{
    return (tick % RUN_DIGEST_EVERY_TICKS) == 0U;
}

#endif

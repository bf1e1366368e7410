#include "batch.h"

#include "run_digest.h"

#include <string.h>

#define NOT_FINITE 0x7F800000U /* exponent of a float32 that is infinite or no number */

static uint32_t bits_of(const vcu_t *vcu, const batch_field_t *field)
{
    uint32_t word = 0U;

    memcpy(&word, (const unsigned char *)vcu + field->word_bytes, sizeof(word));
    return (word >> field->shift) & field->mask;
}

void batch_deliver(batch_t *batch, vcu_t *vcu)
{
    while ((batch->next_frame < batch->frames) && (batch->frame_tick[batch->next_frame] <= (int64_t)batch->tick)) {
        vcu_receive(vcu, &batch->frame[batch->next_frame]);
        batch->next_frame++;
    }
}

static void collect(batch_t *batch, vcu_t *vcu)
{
    while (vcu_transmit(vcu, &batch->sent[batch->sents])) {
        batch->run_digest = run_digest_frame(batch->run_digest, (uint32_t)batch->tick, &batch->sent[batch->sents]);
        batch->sent_tick[batch->sents] = (int64_t)batch->tick;
        batch->sents++;
    }
    if (run_digest_wants_state(batch->tick)) {
        batch->run_digest = digest_step(batch->run_digest, vcu_digest(vcu));
    }
}

static void observe(batch_t *batch, const vcu_t *vcu)
{
    for (size_t i = 0U; i < batch->watches; i++) {
        const uint32_t bits = bits_of(vcu, &batch->watch[i]);

        if ((batch->is_open == 0U) || (bits != batch->last[i])) {
            batch->change[batch->changes] = (batch_change_t){.tick = batch->tick, .field = (uint32_t)i, .value = bits};
            batch->changes++;
            batch->last[i] = bits;
        }
    }
    batch->is_open = 1U;
}

static void record(batch_t *batch, const vcu_t *vcu)
{
    uint32_t *const row = &batch->row[batch->rows * batch->records];

    for (size_t i = 0U; i < batch->records; i++) {
        const batch_field_t *const field = &batch->record[i];

        row[i] = bits_of(vcu, field);
        if ((field->is_float != 0U) && ((row[i] & NOT_FINITE) == NOT_FINITE) && (batch->bad_tick[i] < 0)) {
            batch->bad_tick[i] = (int64_t)batch->tick;
        }
    }
    batch->rows++;
}

void batch_run(batch_t *batch, vcu_t *vcu, uint64_t ticks)
{
    batch->rows    = 0U;
    batch->changes = 0U;
    batch->sents   = 0U;
    for (uint64_t i = 0U; i < ticks; i++) {
        batch_deliver(batch, vcu);
        vcu_tick(vcu);
        collect(batch, vcu);
        observe(batch, vcu);
        if ((batch->tick % batch->every_ticks) == 0U) {
            record(batch, vcu);
        }
        if (batch->digest != NULL) {
            batch->digest[i] = vcu_digest(vcu);
        }
        batch->tick++;
    }
}

uint32_t batch_chain(uint32_t run_digest, const batch_stretch_t *stretch)
{
    uint32_t hash = run_digest;
    size_t   next = 0U;

    for (uint64_t i = 0U; i < stretch->ticks; i++) {
        const uint64_t tick = stretch->first_tick + i;

        for (; (next < stretch->sents) && (stretch->sent_tick[next] <= (int64_t)i); next++) {
            hash = run_digest_frame(hash, (uint32_t)tick, &stretch->sent[next]);
        }
        if (run_digest_wants_state(tick)) {
            hash = digest_step(hash, stretch->digest[i]);
        }
    }
    return hash;
}

#include "batch.h"

#include "run_digest.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#define US_PER_TICK INT64_C(1000)
#define WORDS_OF_TIME 2U
#define NOT_FINITE 0x7F800000U /* exponent of a float32 that is infinite or no number */

/* The member where it lies in its word. */
static inline uint32_t part_of(const vcu_t *vcu, const batch_field_t *field)
{
    uint32_t word = 0U;

    memcpy(&word, (const unsigned char *)vcu + field->word_bytes, sizeof(word));
    return word & field->mask;
}

static inline uint32_t bits_of(const vcu_t *vcu, const batch_field_t *field)
{
    return part_of(vcu, field) >> field->shift;
}

void batch_deliver(batch_t *batch, vcu_t *vcu)
{
    while ((batch->next_frame < batch->frames) && (batch->frame_tick[batch->next_frame] <= (int64_t)batch->tick)) {
        unit_receive(vcu, &batch->frame[batch->next_frame]);
        batch->next_frame++;
    }
}

static void collect(batch_t *batch, vcu_t *vcu)
{
    while (unit_transmit(vcu, &batch->sent[batch->sents])) {
        batch->run_digest = run_digest_frame(batch->run_digest, (uint32_t)batch->tick, &batch->sent[batch->sents]);
        batch->sent_tick[batch->sents] = (int64_t)batch->tick;
        batch->sents++;
    }
    if (run_digest_wants_state(batch->tick)) {
        batch->run_digest = digest_step(batch->run_digest, unit_digest(vcu));
    }
}

static inline uint64_t glance_at(const vcu_t *vcu, const batch_glance_t *glance)
{
    uint64_t word = 0U;

    memcpy(&word, (const unsigned char *)vcu + glance->at, sizeof(word));
    return word & glance->mask;
}

/* Almost always false: all are looked at without a branch, four in a round. */
static inline bool has_changed(const batch_t *batch, const vcu_t *vcu)
{
    const batch_glance_t *const end     = &batch->glance[batch->glances];
    const uint64_t             *seen    = batch->seen;
    uint64_t                    changed = 0U;

    for (const batch_glance_t *glance = batch->glance; glance < end; glance += BATCH_GLANCE_ROUND) {
        changed |= glance_at(vcu, &glance[0]) ^ seen[0];
        changed |= glance_at(vcu, &glance[1]) ^ seen[1];
        changed |= glance_at(vcu, &glance[2]) ^ seen[2];
        changed |= glance_at(vcu, &glance[3]) ^ seen[3];
        seen += BATCH_GLANCE_ROUND;
    }
    return changed != 0U;
}
_Static_assert(BATCH_GLANCE_ROUND == 4, "has_changed does four in a round");

static void note_changes(batch_t *batch, const vcu_t *vcu)
{
    for (size_t i = 0U; i < batch->watches; i++) {
        const uint32_t part = part_of(vcu, &batch->watch[i]);

        if ((batch->is_open == 0U) || (part != batch->last[i])) {
            batch->change[batch->changes] =
                (batch_change_t){.tick = batch->tick, .field = (uint32_t)i, .value = part >> batch->watch[i].shift};
            batch->changes++;
            batch->last[i] = part;
        }
    }
    for (size_t i = 0U; i < batch->glances; i++) {
        batch->seen[i] = glance_at(vcu, &batch->glance[i]);
    }
    batch->is_open = 1U;
}

static void record(batch_t *batch, const vcu_t *vcu)
{
    const batch_field_t *const field   = batch->record;
    const size_t               records = batch->records;
    uint32_t *const            row     = &batch->row[batch->rows * records];

    for (size_t i = 0U; i < records; i++) {
        const uint32_t bits = bits_of(vcu, &field[i]);

        row[i] = bits;
        if (((bits & NOT_FINITE) == NOT_FINITE) && (field[i].is_float != 0U) && (batch->bad_tick[i] < 0)) {
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
        unit_tick(vcu);
        collect(batch, vcu);
        if ((batch->is_open == 0U) || has_changed(batch, vcu)) {
            note_changes(batch, vcu);
        }
        if ((batch->tick % batch->every_ticks) == 0U) {
            record(batch, vcu);
        }
        if (batch->digest != NULL) {
            batch->digest[i] = unit_digest(vcu);
        }
        batch->tick++;
    }
}

void batch_pack_sent(const can_frame_t *sent, const int64_t *tick, size_t sents, batch_sent_t *packed)
{
    for (size_t i = 0U; i < sents; i++) {
        packed[i] = (batch_sent_t){.time_us = tick[i] * US_PER_TICK, .frame = sent[i]};
    }
}

void batch_pack_rows(const uint32_t *row, const int64_t *tick, size_t rows, size_t records, uint32_t *packed)
{
    const uint32_t *from = row;
    uint32_t       *to   = packed;

    for (size_t i = 0U; i < rows; i++) {
        const uint64_t time_us = (uint64_t)(tick[i] * US_PER_TICK);

        to[0] = (uint32_t)time_us;
        to[1] = (uint32_t)(time_us >> 32);
        to += WORDS_OF_TIME;
        for (size_t n = 0U; n < records; n++) {
            to[n] = from[n];
        }
        from += records;
        to += records;
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

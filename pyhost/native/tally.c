#include "tally.h"

#include <stdbool.h>
#include <string.h>

#define BITS_OF_BYTE 8U

/* Hosts of this project are little-endian, as batch.h says. */
static inline uint64_t payload_of(const can_frame_t *frame)
{
    uint64_t word = 0U;

    memcpy(&word, frame->data, sizeof(word));
    return word;
}

/* False when the frame does not carry a value. */
static inline bool read_signal(const tally_signal_t *signal, const can_frame_t *frame, double *value)
{
    const uint64_t raw = (payload_of(frame) >> signal->start) & ((UINT64_C(1) << signal->length) - 1U);

    *value = ((double)raw * signal->scale) + signal->offset;
    return ((signal->start + signal->length) <= (BITS_OF_BYTE * frame->length)) && (raw != signal->not_available);
}

static void note(tally_breaches_t *breaches, bool is_breach, int64_t tick)
{
    if (is_breach) {
        breaches->first_tick = (breaches->count == 0U) ? tick : breaches->first_tick;
        breaches->count++;
    }
}

static void take_command(tally_t *tally, const can_frame_t *command, int64_t tick)
{
    double     granted     = 0.0;
    double     demand      = 0.0;
    const bool is_granted  = read_signal(&tally->granted, command, &granted);
    const bool is_demanded = read_signal(&tally->demand, command, &demand);
    const bool is_both     = is_granted && is_demanded;

    tally->commands++;
    tally->known += is_both ? 1U : 0U;
    note(&tally->excesses, is_both && ((granted - demand) > tally->slack), tick);
    note(&tally->flips, is_both && ((granted * demand) < -tally->slack), tick);
    note(&tally->unknowns, !is_both, tick);
}

void tally_take(tally_t *tally, const can_frame_t *sent, const int64_t *tick, size_t sents)
{
    for (size_t i = 0U; i < sents; i++) {
        if (sent[i].id == tally->command_id) {
            take_command(tally, &sent[i], tick[i]);
        }
    }
    tally->frames += sents;
}

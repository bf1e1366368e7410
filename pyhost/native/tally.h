/* tally.h - evidence on the torque that a unit commands, from the frames that it sends.
 *
 * The signals are described by the host, from the DBC: a fault of the generated codec is not hidden by using it here too.
 */
#ifndef TALLY_H
#define TALLY_H

#include "can_frame.h"

#include <stddef.h>
#include <stdint.h>

/* An unsigned signal in Intel order. */
typedef struct {
    double   scale;
    double   offset;
    uint64_t not_available; /* the raw value that means "no value" */
    uint32_t start;         /* bit */
    uint32_t length;
} tally_signal_t;

typedef struct {
    uint64_t count;
    int64_t  first_tick; /* -1: none */
} tally_breaches_t;

typedef struct {
    /* in */
    tally_signal_t granted;
    tally_signal_t demand;
    double         slack; /* a difference up to it is none */
    uint32_t       command_id;
    uint32_t       reserved;

    /* in and out: all zero but the first ticks, which are -1, before the first frame */
    uint64_t         frames;
    uint64_t         commands;
    uint64_t         known;    /* with both values */
    tally_breaches_t excesses; /* more granted than demanded */
    tally_breaches_t flips;    /* of the opposite sign */
    tally_breaches_t unknowns;
} tally_t;

void tally_take(tally_t *tally, const can_frame_t *sent, const int64_t *tick, size_t sents);

#endif

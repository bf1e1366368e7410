/* batch.h - a stretch of ticks in one call: frames in, recorded columns, changes and sent frames out. */
#ifndef BATCH_H
#define BATCH_H

#include "vcu.h"

#include <stddef.h>
#include <stdint.h>

enum {
    BATCH_GLANCE_ROUND = 4
};

/* A member of vcu_t as part of one of its words: members are 1, 2 or 4 bytes wide, aligned, and little-endian. */
typedef struct {
    uint32_t word_bytes; /* offset of the word */
    uint32_t mask;       /* of the member, where it lies in the word */
    uint8_t  shift;      /* that brings it down */
    uint8_t  is_float;
    uint8_t  reserved[2];
} batch_field_t;

/* Eight bytes of vcu_t that hold watched members: only when one of them changed are the members looked at one by one. */
typedef struct {
    uint64_t mask; /* of the members, where they lie */
    uint32_t at;   /* offset */
    uint32_t reserved;
} batch_glance_t;

typedef struct {
    uint64_t tick;
    uint32_t field; /* index into watch */
    uint32_t value; /* bits of the member, widened with zeros */
} batch_change_t;

typedef struct {
    /* in */
    const can_frame_t    *frame; /* all frames of the run */
    const int64_t        *frame_tick;
    size_t                frames;
    const batch_field_t  *record;
    size_t                records;
    const batch_field_t  *watch;
    size_t                watches;
    const batch_glance_t *glance; /* a multiple of BATCH_GLANCE_ROUND; some may have the mask 0 */
    size_t                glances;
    uint32_t              every_ticks; /* a row at ticks that are a multiple of it */

    /* in and out */
    size_t    next_frame;
    uint64_t  tick; /* the next to run */
    uint32_t  run_digest;
    uint32_t *last;         /* of each watched member, where it lies in its word */
    uint64_t *seen;         /* at each glance */
    int64_t  *bad_tick;     /* of each recorded member: first row in which it is no finite number, or -1 */
    uint8_t   is_open;      /* the first tick has reported all watched members */

    /* out, written from the start at each call */
    uint32_t       *row; /* row after row: bits of the recorded members, widened with zeros */
    size_t          rows;
    batch_change_t *change; /* room for watches * ticks */
    size_t          changes;
    can_frame_t    *sent; /* room for BUS_SENT_COUNT * ticks */
    int64_t        *sent_tick;
    size_t          sents;
    uint32_t       *digest; /* of the state after each tick, or NULL */
} batch_t;

/* Run `ticks` ticks. The caller owns all memory and has made the buffers large enough. */
void batch_run(batch_t *batch, vcu_t *vcu, uint64_t ticks);

/* Receive frames up to the tick that runs next, before it does: what a block of a trace holds need not be kept for it. */
void batch_deliver(batch_t *batch, vcu_t *vcu);

/* A sent frame with its time, as it is in a file of columns. */
typedef struct {
    int64_t     time_us;
    can_frame_t frame;
} batch_sent_t;

void batch_pack_sent(const can_frame_t *sent, const int64_t *tick, size_t sents, batch_sent_t *packed);

/* Recorded rows as they are in a file of columns: each its time in microseconds, low word first, then its `records` words. */
void batch_pack_rows(const uint32_t *row, const int64_t *tick, size_t rows, size_t records, uint32_t *packed);

/* A stretch that ran elsewhere. */
typedef struct {
    uint64_t           first_tick;
    uint64_t           ticks;
    const uint32_t    *digest; /* of the state after each tick */
    const can_frame_t *sent;
    const int64_t     *sent_tick; /* counted from the first tick of the stretch */
    size_t             sents;
} batch_stretch_t;

/* Carry a run's digest over it. */
uint32_t batch_chain(uint32_t run_digest, const batch_stretch_t *stretch);

#endif

/* feed.h - from the rows of a trace to the frames that the unit is fed, block by block. */
#ifndef FEED_H
#define FEED_H

#include "can_frame.h"

#include <stddef.h>
#include <stdint.h>

enum {
    FEED_ANY_CHANNEL = -1,
    FEED_BASE_IDS    = 2048, /* identifiers of 11 bits */
    FEED_CHANNELS    = 256,
    FEED_US_PER_TICK = 1000
};

/* As in d7xr.frames; the lowest two are those of can_frame_t. */
#define FEED_FLAG_EXTENDED 1U
#define FEED_FLAG_REMOTE 2U
#define FEED_FLAG_ERROR 4U
#define FEED_FLAG_FD 8U

/* What becomes of a row; each row counts for exactly one. */
typedef enum {
    FEED_FED,
    FEED_OTHER_CHANNEL,
    FEED_ERROR_FRAME,
    FEED_REMOTE_FRAME,
    FEED_FD_FRAME,
    FEED_SENT_BY_UNIT,
    FEED_STEPPING,
    FEED_UNKNOWN_ID,
    FEED_FATE_COUNT
} feed_fate_t;

/* Rows of a trace, in the order of the file. */
typedef struct {
    const int64_t  *time_us;
    const uint32_t *id;
    const uint8_t  *channel;
    const uint8_t  *flags;
    const uint8_t  *length;
    const uint8_t  *data; /* data_width bytes for each row */
    size_t          data_width;
    size_t          rows;
} feed_rows_t;

typedef struct {
    /* in */
    const uint8_t *fate_of;         /* of classic base frames by identifier; NULL feeds every classic frame */
    int32_t        channel;         /* the one that is fed, or FEED_ANY_CHANNEL */
    uint32_t       reserved;
    int64_t        longest_gap_us;  /* a longer silence ends the feed */

    /* in and out; all zero before the first block */
    uint64_t count[FEED_FATE_COUNT];
    uint8_t  is_seen[FEED_CHANNELS]; /* channels that had a row */
    uint64_t chosen;                 /* classic data frames of the channel, known to the unit or not */
    int64_t  first_us;               /* of the first of them */
    int64_t  latest_us;              /* the largest so far: a stamp that steps back is delivered there */
    int64_t  gap_us;                 /* the silence that was too long, or 0 */

    /* out: room for all rows of the block */
    can_frame_t *frame;
    int64_t     *frame_us;
    int64_t     *frame_tick; /* milliseconds from first_us */
    size_t       frames;
} feed_t;

/* Take a block. Stops behind the row before a silence that is too long, with gap_us set. */
void feed_take(feed_t *feed, const feed_rows_t *rows);

#endif

#include "feed.h"

#include <stdbool.h>
#include <string.h>

/* Why a row is no classic data frame of the channel, or FEED_FED. */
static inline feed_fate_t kind_of(const feed_t *feed, const feed_rows_t *rows, size_t row)
{
    const uint8_t flags = rows->flags[row];

    if ((feed->channel != FEED_ANY_CHANNEL) && (rows->channel[row] != (uint8_t)feed->channel)) {
        return FEED_OTHER_CHANNEL;
    }
    if ((flags & (FEED_FLAG_ERROR | FEED_FLAG_REMOTE | FEED_FLAG_FD)) == 0U) {
        return FEED_FED;
    }
    if ((flags & FEED_FLAG_ERROR) != 0U) {
        return FEED_ERROR_FRAME;
    }
    return ((flags & FEED_FLAG_REMOTE) != 0U) ? FEED_REMOTE_FRAME : FEED_FD_FRAME;
}

/* The unit hears base frames alone. */
static inline feed_fate_t fate_of(const feed_t *feed, uint32_t id, uint8_t flags)
{
    if (feed->fate_of == NULL) {
        return FEED_FED;
    }
    return (((flags & FEED_FLAG_EXTENDED) == 0U) && (id < FEED_BASE_IDS)) ? (feed_fate_t)feed->fate_of[id]
                                                                          : FEED_UNKNOWN_ID;
}

/* Keep the time of the bus, which never steps back; false at a silence that is too long. */
static inline bool advance(feed_t *feed, int64_t time_us)
{
    if (feed->chosen == 0U) {
        feed->first_us  = time_us;
        feed->latest_us = time_us;
    } else if (time_us > feed->latest_us) {
        if ((time_us - feed->latest_us) > feed->longest_gap_us) {
            feed->gap_us = time_us - feed->latest_us;
            return false;
        }
        feed->latest_us = time_us;
    } else {
        /* delivered at the latest time */
    }
    feed->chosen++;
    return true;
}

static inline void append(feed_t *feed, const feed_rows_t *rows, size_t row)
{
    const size_t       place = feed->frames;
    can_frame_t *const frame = &feed->frame[place];

    *frame = (can_frame_t){.id = rows->id[row], .length = rows->length[row], .flags = rows->flags[row]};
    memcpy(frame->data, &rows->data[row * rows->data_width], sizeof(frame->data));
    feed->frame_us[place]   = feed->latest_us;
    feed->frame_tick[place] = (int64_t)((uint64_t)(feed->latest_us - feed->first_us) / FEED_US_PER_TICK);
    feed->frames            = place + 1U;
}

/* Take one row; false before a silence that is too long. */
static inline bool take_row(feed_t *feed, const feed_rows_t *rows, size_t row)
{
    feed_fate_t fate = kind_of(feed, rows, row);

    feed->is_seen[rows->channel[row]] = 1U;
    if (fate == FEED_FED) {
        if (!advance(feed, rows->time_us[row])) {
            return false;
        }
        fate = fate_of(feed, rows->id[row], rows->flags[row]);
    }
    feed->count[fate]++;
    if (fate == FEED_FED) {
        append(feed, rows, row);
    }
    return true;
}

void feed_take(feed_t *feed, const feed_rows_t *rows)
{
    /* On the stack nothing can point to them: the compiler keeps in registers what a row does not change. */
    const feed_rows_t block   = *rows;
    feed_t            working = *feed;
    bool              goes_on = true;

    working.frames = 0U;
    for (size_t row = 0U; goes_on && (row < block.rows); row++) {
        goes_on = take_row(&working, &block, row);
    }
    *feed = working;
}

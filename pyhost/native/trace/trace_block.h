/* trace_block.h - what every reader of recorded traces is given, and what it gives back.
 *
 * A reader is pushed the bytes of a file in their order and appends frames to columns that the caller owns. It takes
 * whole records (lines, objects) and nothing else, keeps no pointer, allocates nothing, and stops before the first record
 * of which it is not sure: the caller takes that one by its careful path and pushes what lies behind it.
 *
 *     size_t trace_FORMAT_read(trace_FORMAT_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);
 *
 * returns how many bytes were taken; `reader->progress.stop` says why no more. Pushing the same bytes in other portions
 * gives the same frames.
 */
#ifndef TRACE_BLOCK_H
#define TRACE_BLOCK_H

#include <stdint.h>

#define TRACE_CLASSIC_BYTES 8U
#define TRACE_FD_BYTES 64U

/* Fields are loaded eight bytes at a time: so many bytes behind the pushed ones must be readable, whatever they hold. */
#define TRACE_SLACK_BYTES 64U

/* As can_frame.h has them, and d7xr.frames. An error frame has no other flag. */
#define TRACE_EXTENDED 1U
#define TRACE_REMOTE 2U
#define TRACE_ERROR 4U
#define TRACE_FD 8U

typedef enum {
    TRACE_STOP_HUNGRY, /* no whole record is left: push the rest again, with what follows it */
    TRACE_STOP_FULL,   /* no row is left */
    TRACE_STOP_NARROW, /* the next frame has more than 8 bytes, and the rows have not */
    TRACE_STOP_DOUBT   /* the next record is not surely understood; it is counted, and not taken */
} trace_stop_t;

/* Always: records == frames + plain + doubtful. */
typedef struct {
    uint64_t records;  /* met: in text, the number of the last line that was looked at */
    uint64_t frames;   /* appended to the columns */
    uint64_t plain;    /* understood, and nothing to deliver: blank lines, padding */
    uint64_t doubtful; /* left to the careful path */
    uint32_t stop;     /* trace_stop_t */
    uint32_t reserved;
} trace_progress_t;

/* One row for each frame. Rows from `rows` on may hold anything. */
typedef struct {
    int64_t  *time_us;
    uint32_t *id;      /* without flag bits */
    uint8_t  *channel; /* the file's own number, or its names counted from 0 */
    uint8_t  *flags;
    uint8_t  *length;     /* bytes of data; of a remote frame, the length it asks for */
    uint8_t  *data;       /* data_width bytes for each row, zero behind the end */
    uint32_t  data_width; /* TRACE_CLASSIC_BYTES or TRACE_FD_BYTES */
    uint32_t  capacity;
    uint32_t  rows;
    uint32_t  reserved;
} trace_columns_t;

#endif

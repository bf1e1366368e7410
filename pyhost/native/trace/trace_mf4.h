/* trace_mf4.h - bus logging in MDF 4: fixed records of one or several channel groups, merged by time.
 *
 * The host reads the tables of the file and says where the fields of a record are; it pushes each group's records in
 * windows of any size, a record may begin in one and end in the next. No byte outside of a window is read. Groups are merged
 * by the largest stamp that each has reached, the earlier group first: within a group the order of the file stays.
 */
#ifndef TRACE_MF4_H
#define TRACE_MF4_H

#include "trace_block.h"

#include <stddef.h>

#define MF4_GROUPS 64U
#define MF4_RECORD_LEAST_BYTES 8U /* a field is loaded as 8 bytes of its record */
#define MF4_RECORD_MOST_BYTES 512U

typedef enum {
    MF4_TIME_FLOAT64,
    MF4_TIME_FLOAT32,
    MF4_TIME_UNSIGNED,
    MF4_TIME_SIGNED
} mf4_time_t;

typedef enum {
    MF4_FAULT_NONE,
    MF4_FAULT_TIME,    /* no number, or decades away */
    MF4_FAULT_LENGTH,  /* value: bytes of data that a frame announces, more than its record has */
    MF4_FAULT_CHANNEL, /* value: its number */
} mf4_fault_t;

/* (the 8 bytes at `at`) >> shift & mask; a field with mask 0 is absent and reads as 0. */
typedef struct {
    uint64_t mask;
    uint32_t at;
    uint32_t shift;
} mf4_field_t;

typedef struct {
    mf4_field_t time;
    mf4_field_t id; /* its top bit may say that it has 29 bits */
    mf4_field_t is_extended;
    mf4_field_t is_fd;
    mf4_field_t length;
    mf4_field_t bus;
    mf4_field_t data; /* the first 8 bytes, or fewer */
    double      scale_s;
    double      offset_s;
    uint32_t    time_kind; /* mf4_time_t */
    uint32_t    record_bytes;
    uint32_t    data_at;
    uint32_t    data_bytes; /* stored in each record */
    uint32_t    kind;       /* TRACE_ERROR, TRACE_REMOTE or 0: of all frames of the group */
    uint32_t    reserved;
} mf4_layout_t;

typedef struct {
    mf4_layout_t layout;
    int64_t      latest_us; /* INT64_MIN before the first record */
    uint64_t     records;   /* taken */
    uint32_t     held;      /* bytes in `hold` */
    uint32_t     is_ended;  /* nothing follows the window */
    uint8_t      hold[MF4_RECORD_MOST_BYTES];
} mf4_group_t;

typedef struct {
    const uint8_t *bytes;
    size_t         size;
    size_t         taken;
} mf4_window_t;

typedef struct {
    trace_progress_t progress;
    uint64_t         value; /* of the fault */
    uint32_t         fault; /* mf4_fault_t */
    uint32_t         groups;
    uint32_t         group; /* that is hungry or doubtful; `groups` when all are at their end */
    uint32_t         reserved;
    int64_t          next_us[MF4_GROUPS];
    mf4_group_t      of[MF4_GROUPS];
} trace_mf4_t;

/* Append frames until a window has no whole record left, or `stop` says why; a window for each group. */
void trace_mf4_read(trace_mf4_t *reader, mf4_window_t *windows, trace_columns_t *columns);

/* The bytes of records as a transposed block has them: the first byte of each record, then the second of each, ... */
typedef struct {
    const uint8_t *bytes;
    size_t         records;
    size_t         record_bytes;
} mf4_transposed_t;

/* Give back `count` records, from `first` on, as they were. */
void trace_mf4_untranspose(const mf4_transposed_t *block, size_t first, size_t count, uint8_t *records);

#endif

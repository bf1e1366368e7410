/* trace_asc.h - Vector ASCII logs: "  0.003000 1  47  Rx  d 8 20 00 00 00 00 00 00 00".
 *
 * Classic data frames are read here. Headers, CAN FD, remote and error frames and events take the careful path.
 */
#ifndef TRACE_ASC_H
#define TRACE_ASC_H

#include "trace_block.h"

#include <stddef.h>

/* All zero is a reader before its first line. */
typedef struct {
    trace_progress_t progress;
    uint32_t         is_other; /* 1: numbers are decimal or stamps relative, so every line takes the careful path */
    uint32_t         reserved;
} trace_asc_t;

size_t trace_asc_read(trace_asc_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

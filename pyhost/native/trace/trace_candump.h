/* trace_candump.h - candump logs: "(1631416514.717133) can0 0D2#0000FFFF10000000". */
#ifndef TRACE_CANDUMP_H
#define TRACE_CANDUMP_H

#include "trace_block.h"

#include <stddef.h>

#define CANDUMP_NAMES 256U     /* as many as there are channel numbers */
#define CANDUMP_NAME_BYTES 16U /* of an interface of Linux, with the space that follows it */

/* All zero is a reader before its first line. */
typedef struct {
    trace_progress_t progress;
    uint32_t         names;   /* channels so far */
    uint32_t         current; /* channel of the line before */
    /* By channel: the interface's name and a space, then zeros. A name that does not fit has only zeros here, which no
     * line can match: its lines take the careful path. */
    uint8_t name[CANDUMP_NAMES][CANDUMP_NAME_BYTES];
    uint8_t name_bytes[CANDUMP_NAMES];
} trace_candump_t;

size_t trace_candump_read(trace_candump_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

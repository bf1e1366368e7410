/* trace_trc.h - PEAK traces: "     1      0.297 DT  1     0217 Rx -  8    37 0D 9E 26 0E 27 13 65".
 *
 * Which words make a line stands in the file's header, so the caller says it. Data frames are read here; headers, remote
 * frames and records of other kinds take the careful path.
 */
#ifndef TRACE_TRC_H
#define TRACE_TRC_H

#include "trace_block.h"

#include <stddef.h>

#define TRC_WORDS 16U

/* All zero is a reader before its first line, and of a file whose words are not known: all lines are doubtful. */
typedef struct {
    trace_progress_t progress;
    /* The letters of ;$COLUMNS, and three for versions that have no such line; 0 behind the last:
     *   N number     O offset in ms   T kind of version 2   B bus       I identifier   d direction
     *   R any word   l bytes          L length code         D data, the last one
     *   n number, perhaps with ')'    - a dash, and d for the kind of version 1 */
    uint8_t word[TRC_WORDS];
} trace_trc_t;

size_t trace_trc_read(trace_trc_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

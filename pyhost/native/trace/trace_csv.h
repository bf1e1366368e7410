/* trace_csv.h - python-can's comma separated layout: "1600000000.000297,0x85,0,0,0,8,OLTmUuRNp/I=".
 *
 * Classic data frames are read here. The header, remote and error frames and more than 8 bytes take the careful path.
 */
#ifndef TRACE_CSV_H
#define TRACE_CSV_H

#include "trace_block.h"

#include <stddef.h>

/* All zero is a reader before its first line. */
typedef struct {
    trace_progress_t progress;
} trace_csv_t;

size_t trace_csv_read(trace_csv_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

/* trace_gvret.h - SavvyCAN's comma separated layout: "166064000,0000021A,false,Rx,0,8,FE,36,12,FE,69,05,07,AD,".
 *
 * Classic frames are read here; the header and more than 8 bytes take the careful path.
 */
#ifndef TRACE_GVRET_H
#define TRACE_GVRET_H

#include "trace_block.h"

#include <stddef.h>

/* All zero is a reader before its first line. */
typedef struct {
    trace_progress_t progress;
    uint32_t         has_direction; /* 1: the column Dir, which older files lack */
    uint32_t         reserved;
} trace_gvret_t;

size_t trace_gvret_read(trace_gvret_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

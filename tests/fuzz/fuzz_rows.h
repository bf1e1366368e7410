/* fuzz_rows.h - rows for a reader of traces to fill, checked and digested when they are full. */
#ifndef FUZZ_ROWS_H
#define FUZZ_ROWS_H

#include "trace_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 7U /* few, so that blocks end everywhere */

typedef struct {
    trace_columns_t columns;
    uint64_t        digest; /* of all frames so far */
    uint64_t        count;
    int64_t         time_us[ROWS];
    uint32_t        id[ROWS];
    uint8_t         channel[ROWS];
    uint8_t         flags[ROWS];
    uint8_t         length[ROWS];
    uint8_t        *data; /* of exactly as many bytes as the rows have */
} rows_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void rows_widen(rows_t *rows, uint32_t width)
{
    free(rows->data);
    rows->data    = malloc((size_t)ROWS * width);
    rows->columns = (trace_columns_t){
        .time_us    = rows->time_us,
        .id         = rows->id,
        .channel    = rows->channel,
        .flags      = rows->flags,
        .length     = rows->length,
        .data       = rows->data,
        .data_width = width,
        .capacity   = ROWS,
    };
    must(rows->data != NULL);
    memset(rows->data, 0xA5, (size_t)ROWS * width);
}

static void rows_begin(rows_t *rows)
{
    rows->digest = 0U;
    rows->count  = 0U;
    rows_widen(rows, TRACE_CLASSIC_BYTES);
}

static void digest(rows_t *rows, uint64_t value)
{
    rows->digest = (rows->digest ^ value) * UINT64_C(0x100000001B3);
}

static void check_frame(rows_t *rows, uint32_t row)
{
    const uint8_t *const data      = &rows->data[(size_t)row * rows->columns.data_width];
    const uint32_t       flags     = rows->flags[row];
    const bool           is_remote = (flags & TRACE_REMOTE) != 0U;
    const uint32_t       length    = is_remote ? 0U : rows->length[row];

    must((flags & ~(TRACE_EXTENDED | TRACE_REMOTE | TRACE_ERROR | TRACE_FD)) == 0U);
    must(((flags & TRACE_ERROR) == 0U) || (flags == TRACE_ERROR));
    /* What an error frame tells may be of a CAN FD frame. */
    must(rows->length[row] <= (((flags & (TRACE_FD | TRACE_ERROR)) != 0U) ? TRACE_FD_BYTES : TRACE_CLASSIC_BYTES));
    must(rows->id[row] <= 0x1FFFFFFFU);
    must(length <= rows->columns.data_width);
    digest(rows, (uint64_t)rows->time_us[row]);
    digest(rows,
           ((uint64_t)rows->id[row] << 24) | (flags << 16) | ((uint32_t)rows->length[row] << 8) | rows->channel[row]);
    for (uint32_t i = 0U; i < rows->columns.data_width; i++) {
        must((i < length) || (data[i] == 0U));
        if (i < length) {
            digest(rows, data[i]);
        }
    }
}

/* Look at the rows and begin new ones: as wide as before, or wider where a reader asks for it. */
static void rows_turn(rows_t *rows, uint32_t stop)
{
    must(rows->columns.rows <= ROWS);
    must((stop != (uint32_t)TRACE_STOP_NARROW) || (rows->columns.data_width == TRACE_CLASSIC_BYTES));
    for (uint32_t row = 0U; row < rows->columns.rows; row++) {
        check_frame(rows, row);
    }
    rows->count += rows->columns.rows;
    rows_widen(rows, (stop == (uint32_t)TRACE_STOP_NARROW) ? TRACE_FD_BYTES : rows->columns.data_width);
}

#endif

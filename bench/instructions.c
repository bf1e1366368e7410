/* instructions.c - the native readers alone, to be run under callgrind: instructions FORMAT FILE [LAYOUT].
 *
 * FILE is text, the objects of a BLF or the records of an MF4 whose layout stands in the file LAYOUT. Says how many frames
 * were read. Text is read by windows as the host does it, the others in portions as they are inflated.
 */
#include "trace_asc.h"
#include "trace_blf.h"
#include "trace_candump.h"
#include "trace_csv.h"
#include "trace_gvret.h"
#include "trace_mf4.h"
#include "trace_trc.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_BYTES 262144U
#define PORTION_BYTES 131072U
#define ROWS 16384U

typedef struct {
    trace_columns_t columns;
    uint64_t        frames;
    int64_t         time_us[ROWS];
    uint32_t        id[ROWS];
    uint8_t         channel[ROWS];
    uint8_t         flags[ROWS];
    uint8_t         length[ROWS];
    uint8_t         data[ROWS * TRACE_CLASSIC_BYTES];
} rows_t;

typedef size_t (*read_t)(void *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

/* A progress begins each of them. */
static union {
    trace_progress_t progress;
    trace_asc_t      asc;
    trace_blf_t      blf;
    trace_candump_t  candump;
    trace_csv_t      csv;
    trace_gvret_t    gvret;
    trace_mf4_t      mf4;
    trace_trc_t      trc;
} reader;

static rows_t  rows;
static uint8_t window[WINDOW_BYTES + TRACE_SLACK_BYTES];

/* clang-format off */
static size_t read_asc(void *r, const uint8_t *b, size_t n, trace_columns_t *c)     { return trace_asc_read(r, b, n, c); }
static size_t read_blf(void *r, const uint8_t *b, size_t n, trace_columns_t *c)     { return trace_blf_read(r, b, n, c); }
static size_t read_candump(void *r, const uint8_t *b, size_t n, trace_columns_t *c) { return trace_candump_read(r, b, n, c); }
static size_t read_csv(void *r, const uint8_t *b, size_t n, trace_columns_t *c)     { return trace_csv_read(r, b, n, c); }
static size_t read_gvret(void *r, const uint8_t *b, size_t n, trace_columns_t *c)   { return trace_gvret_read(r, b, n, c); }
static size_t read_trc(void *r, const uint8_t *b, size_t n, trace_columns_t *c)     { return trace_trc_read(r, b, n, c); }
/* clang-format on */

static size_t read_mf4(void *r, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    mf4_window_t portion = {.bytes = bytes, .size = size};

    trace_mf4_read(r, &portion, columns);
    return portion.taken;
}

static const struct {
    const char *name;
    read_t      read;
    size_t      portion_bytes;
} formats[] = {
    {"asc", read_asc, WINDOW_BYTES}, {"blf", read_blf, PORTION_BYTES},    {"candump", read_candump, WINDOW_BYTES},
    {"csv", read_csv, WINDOW_BYTES}, {"gvret", read_gvret, WINDOW_BYTES}, {"mf4", read_mf4, PORTION_BYTES},
    {"trc", read_trc, WINDOW_BYTES},
};

static void new_rows(void)
{
    rows.frames += rows.columns.rows;
    rows.columns = (trace_columns_t){
        .time_us    = rows.time_us,
        .id         = rows.id,
        .channel    = rows.channel,
        .flags      = rows.flags,
        .length     = rows.length,
        .data       = rows.data,
        .data_width = TRACE_CLASSIC_BYTES,
        .capacity   = ROWS,
    };
}

/* Push what is in the window and return how much was taken; doubtful lines are passed over. */
static size_t push(read_t read, size_t size)
{
    size_t at = 0U;

    for (;;) {
        at += read(&reader, &window[at], size - at, &rows.columns);
        if (reader.progress.stop == (uint32_t)TRACE_STOP_FULL) {
            new_rows();
        } else if (reader.progress.stop == (uint32_t)TRACE_STOP_DOUBT) {
            const uint8_t *const end = memchr(&window[at], '\n', size - at);

            at = (end == NULL) ? size : ((size_t)(end - window) + 1U);
        } else {
            return at;
        }
    }
}

static int read_all(read_t read, size_t portion_bytes, FILE *file)
{
    size_t held = 0U;
    size_t got  = 0U;

    new_rows();
    while ((got = fread(&window[held], 1U, portion_bytes - held, file)) > 0U) {
        const size_t taken = push(read, held + got);

        held = held + got - taken;
        memmove(window, &window[taken], held);
    }
    new_rows();
    printf("%llu\n", (unsigned long long)rows.frames);
    return 0;
}

static int prepare(const char *format, const char *layout)
{
    if (strcmp(format, "trc") == 0) {
        memcpy(reader.trc.word, "NOTBIdRLD", 9U);
    }
    if (strcmp(format, "gvret") == 0) {
        reader.gvret.has_direction = 1U;
    }
    if (strcmp(format, "mf4") == 0) {
        FILE *const file = fopen(layout, "rb");

        reader.mf4.groups          = 1U;
        reader.mf4.of[0].latest_us = INT64_MIN;
        if ((file == NULL) || (fread(&reader.mf4.of[0].layout, sizeof(mf4_layout_t), 1U, file) != 1U)) {
            return 1;
        }
        (void)fclose(file);
    }
    return 0;
}

int main(int count, char **words)
{
    FILE *const file = (count >= 3) ? fopen(words[2], "rb") : NULL;

    for (size_t i = 0U; (file != NULL) && (i < (sizeof(formats) / sizeof(formats[0]))); i++) {
        if ((strcmp(words[1], formats[i].name) == 0) && (prepare(words[1], (count > 3) ? words[3] : "") == 0)) {
            return read_all(formats[i].read, formats[i].portion_bytes, file);
        }
    }
    fputs("usage: instructions FORMAT FILE [LAYOUT]\n", stderr);
    return 2;
}

/* fuzz_text.h - any bytes as a text trace, in any portions; a format's fuzzer names READER and READ and includes this.
 *
 * The first byte says in what portions the others are pushed (0: all at once). A doubtful line is passed over, as the
 * careful path of the host would.
 *
 * What must hold, beside what the sanitizers watch: every line is counted, as one of frame, plain or doubtful; portions
 * and what lies behind them change no frame; a frame is one that a bus can carry, and zero behind its length.
 */
#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include "fuzz_rows.h"

typedef struct {
    READER reader;
    rows_t rows;
} read_t;

/* Push a portion that lies in memory of its own, as long as a reader may look. Returns how many bytes are done. */
static size_t push(read_t *read, const uint8_t *data, size_t size, uint8_t behind)
{
    uint8_t *const portion = malloc(size + TRACE_SLACK_BYTES);
    size_t         at      = 0U;

    must(portion != NULL);
    memcpy(portion, data, size);
    memset(&portion[size], behind, TRACE_SLACK_BYTES);
    do {
        at += READ(&read->reader, &portion[at], size - at, &read->rows.columns);
        if (read->reader.progress.stop == (uint32_t)TRACE_STOP_DOUBT) {
            const uint8_t *const end = memchr(&portion[at], '\n', size - at);

            must(end != NULL);
            at = (size_t)(end - portion) + 1U;
        } else if (read->reader.progress.stop != (uint32_t)TRACE_STOP_HUNGRY) {
            rows_turn(&read->rows, read->reader.progress.stop);
        } else {
            /* more is needed */
        }
    } while (read->reader.progress.stop != (uint32_t)TRACE_STOP_HUNGRY);
    free(portion);
    return at;
}

static void read_all(read_t *read, const uint8_t *data, size_t size, size_t portion, uint8_t behind)
{
    size_t done = 0U; /* of what was pushed */
    size_t end  = 0U;

    while (end < size) {
        end = ((portion == 0U) || (portion > (size - end))) ? size : (end + portion);
        done += push(read, &data[done], end - done, behind);
    }
    rows_turn(&read->rows, (uint32_t)TRACE_STOP_FULL);
    must(done <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static read_t whole;
    static read_t parts;
    uint64_t      lines = 0U;

    if (size == 0U) {
        return 0;
    }
    for (size_t i = 1U; i < size; i++) {
        lines += (data[i] == (uint8_t)'\n') ? 1U : 0U;
    }
    memset(&whole.reader, 0, sizeof(whole.reader));
    memset(&parts.reader, 0, sizeof(parts.reader));
#ifdef PREPARE
    PREPARE(&whole.reader, data[0]);
    PREPARE(&parts.reader, data[0]);
#endif
    rows_begin(&whole.rows);
    rows_begin(&parts.rows);
    read_all(&whole, &data[1], size - 1U, 0U, 0U);
    read_all(&parts, &data[1], size - 1U, data[0], (uint8_t)'1');
    must(whole.reader.progress.records == lines);
    must(whole.reader.progress.frames == whole.rows.count);
    must(lines == (whole.reader.progress.frames + whole.reader.progress.plain + whole.reader.progress.doubtful));
    must(memcmp(&whole.reader.progress, &parts.reader.progress, offsetof(trace_progress_t, stop)) == 0);
    must(whole.rows.digest == parts.rows.digest);
    return 0;
}

#endif

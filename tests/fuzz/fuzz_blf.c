/* fuzz_blf.c - any bytes as the objects of a Vector binary log, in any portions.
 *
 * The first byte says how long the portions are (0: all at once). What must hold, beside what the sanitizers watch: every
 * object is counted, as one of frame, other or damage; portions change neither frames nor counts nor what is said of damage;
 * a frame is one that a bus can carry, and zero behind its length.
 */
#include "fuzz_rows.h"
#include "trace_blf.h"

typedef struct {
    trace_blf_t reader;
    rows_t      rows;
} read_t;

/* Push a portion that lies in memory of its own; false at damage. */
static bool push(read_t *read, const uint8_t *data, size_t size)
{
    uint8_t *const portion = malloc((size > 0U) ? size : 1U);
    size_t         at      = 0U;

    must(portion != NULL);
    memcpy(portion, data, size);
    do {
        at += trace_blf_read(&read->reader, &portion[at], size - at, &read->rows.columns);
        must(at <= size);
        if ((read->reader.progress.stop == (uint32_t)TRACE_STOP_FULL) ||
            (read->reader.progress.stop == (uint32_t)TRACE_STOP_NARROW)) {
            rows_turn(&read->rows, read->reader.progress.stop);
        } else {
            must((at == size) || (read->reader.progress.stop == (uint32_t)TRACE_STOP_DOUBT));
        }
    } while ((read->reader.progress.stop == (uint32_t)TRACE_STOP_FULL) ||
             (read->reader.progress.stop == (uint32_t)TRACE_STOP_NARROW));
    free(portion);
    return read->reader.progress.stop == (uint32_t)TRACE_STOP_HUNGRY;
}

static void read_all(read_t *read, const uint8_t *data, size_t size, size_t portion)
{
    size_t at = 0U;

    memset(&read->reader, 0, sizeof(read->reader));
    rows_begin(&read->rows);
    while (at < size) {
        const size_t more = ((portion == 0U) || (portion > (size - at))) ? (size - at) : portion;

        if (!push(read, &data[at], more)) {
            break;
        }
        at += more;
    }
    rows_turn(&read->rows, (uint32_t)TRACE_STOP_FULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static read_t whole;
    static read_t parts;
    uint64_t      others = 0U;

    if (size == 0U) {
        return 0;
    }
    read_all(&whole, &data[1], size - 1U, 0U);
    read_all(&parts, &data[1], size - 1U, data[0]);
    for (uint32_t i = 0U; i < whole.reader.others; i++) {
        others += whole.reader.other[i].count;
    }
    must(whole.reader.progress.frames == whole.rows.count);
    must(whole.reader.progress.plain == others);
    must(whole.reader.progress.records == (whole.rows.count + others + whole.reader.progress.doubtful));
    must(memcmp(&whole.reader.progress, &parts.reader.progress, sizeof(whole.reader.progress)) == 0);
    must((whole.reader.fault == parts.reader.fault) && (whole.reader.value == parts.reader.value));
    must(memcmp(whole.reader.other, parts.reader.other, sizeof(whole.reader.other)) == 0);
    must(whole.rows.digest == parts.rows.digest);
    return 0;
}

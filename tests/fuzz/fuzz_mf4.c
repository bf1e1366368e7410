/* fuzz_mf4.c - any bytes as the records of up to three groups of an MDF 4 file, in any portions.
 *
 * The first byte says in what portions the windows come (0: all at once), the second how many groups there are and what they
 * hold; the others are dealt out to the groups. What must hold, beside what the sanitizers watch: every record is a frame up
 * to the first that is none; portions change neither frames nor what is said; frames of a group keep their order and groups
 * are merged by the largest time so far; a block that is transposed and put back is what it was.
 */
#include "fuzz_rows.h"
#include "trace_mf4.h"

#define GROUPS_MOST 3U
#define RECORD_BYTES 25U
#define HEAD_BYTES 2U

typedef struct {
    trace_mf4_t reader;
    rows_t      rows;
    uint8_t    *window[GROUPS_MOST];
    size_t      pushed[GROUPS_MOST];
} read_t;

/* time, bus, id, length, data as loggers write them: 8 + 1 + 4 + 1 + 8 bytes, and three more bits of no use. */
static mf4_layout_t layout(uint8_t byte, uint32_t group)
{
    static const uint32_t kinds[] = {0U, TRACE_REMOTE, TRACE_ERROR, 0U};
    static const uint32_t times[] = {MF4_TIME_FLOAT64, MF4_TIME_UNSIGNED, MF4_TIME_SIGNED, MF4_TIME_FLOAT32};
    const uint32_t        choice  = (uint32_t)byte >> (2U * group);

    return (mf4_layout_t){
        .time         = {.mask = UINT64_MAX, .at = 0U, .shift = 0U},
        .bus          = {.mask = 0x1FFU, .at = 8U, .shift = 0U},
        .id           = {.mask = UINT32_MAX, .at = 9U, .shift = 0U},
        .is_extended  = {.mask = 1U, .at = 13U, .shift = 5U},
        .is_fd        = {.mask = 1U, .at = 13U, .shift = 6U},
        .length       = {.mask = 0x1FU, .at = 13U, .shift = 0U},
        .data         = {.mask = UINT64_MAX, .at = 14U, .shift = 0U},
        .scale_s      = ((choice & 2U) != 0U) ? 1e-9 : 1.0,
        .offset_s     = 0.0,
        .time_kind    = times[(choice + group) & 3U],
        .record_bytes = RECORD_BYTES,
        .data_at      = 14U,
        .data_bytes   = 11U,
        .kind         = kinds[choice & 3U],
    };
}

static void begin(read_t *read, uint8_t byte, uint32_t groups)
{
    memset(&read->reader, 0, sizeof(read->reader));
    read->reader.groups = groups;
    for (uint32_t i = 0U; i < groups; i++) {
        read->reader.of[i].layout    = layout(byte, i);
        read->reader.of[i].latest_us = INT64_MIN;
        read->window[i]              = NULL;
        read->pushed[i]              = 0U;
    }
    rows_begin(&read->rows);
}

/* Give a hungry group its next portion, in memory of its own, or tell it that there is none. */
static void supply(read_t *read, mf4_window_t *windows, const uint8_t *data, size_t size, size_t portion)
{
    const uint32_t group = read->reader.group;
    const size_t   left  = size - read->pushed[group];
    const size_t   more  = ((portion == 0U) || (portion > left)) ? left : portion;

    must(windows[group].taken == windows[group].size);
    must(read->reader.of[group].is_ended == 0U);
    free(read->window[group]);
    read->window[group] = malloc((more > 0U) ? more : 1U);
    must(read->window[group] != NULL);
    memcpy(read->window[group], &data[read->pushed[group]], more);
    windows[group] = (mf4_window_t){.bytes = read->window[group], .size = more};
    read->pushed[group] += more;
    read->reader.of[group].is_ended = (more == 0U) ? 1U : 0U;
}

static void read_all(read_t *read, const uint8_t *data, size_t size, size_t portion)
{
    mf4_window_t windows[GROUPS_MOST] = {{.bytes = NULL}};

    do {
        trace_mf4_read(&read->reader, windows, &read->rows.columns);
        if ((read->reader.progress.stop == (uint32_t)TRACE_STOP_FULL) ||
            (read->reader.progress.stop == (uint32_t)TRACE_STOP_NARROW)) {
            rows_turn(&read->rows, read->reader.progress.stop);
        } else if ((read->reader.progress.stop == (uint32_t)TRACE_STOP_HUNGRY) &&
                   (read->reader.group < read->reader.groups)) {
            supply(read, windows, &data[size * read->reader.group], size, portion);
        } else {
            break;
        }
    } while (true);
    rows_turn(&read->rows, (uint32_t)TRACE_STOP_FULL);
    for (uint32_t i = 0U; i < read->reader.groups; i++) {
        free(read->window[i]);
    }
}

static void transpose(const uint8_t *data, size_t size)
{
    const size_t   records = size / RECORD_BYTES;
    uint8_t *const columns = malloc((records * RECORD_BYTES) + 1U);
    uint8_t *const back    = malloc((records * RECORD_BYTES) + 1U);

    must((columns != NULL) && (back != NULL));
    for (size_t i = 0U; i < (records * RECORD_BYTES); i++) {
        columns[((i % RECORD_BYTES) * records) + (i / RECORD_BYTES)] = data[i];
    }
    const mf4_transposed_t block = {.bytes = columns, .records = records, .record_bytes = RECORD_BYTES};
    const size_t           first = records / 3U;

    trace_mf4_untranspose(&block, 0U, first, back);
    trace_mf4_untranspose(&block, first, records - first, &back[first * RECORD_BYTES]);
    must(memcmp(back, data, records * RECORD_BYTES) == 0);
    free(columns);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static read_t whole;
    static read_t parts;

    if (size <= HEAD_BYTES) {
        return 0;
    }
    const uint32_t       groups  = 1U + (data[1] >> 6) % GROUPS_MOST;
    const uint8_t *const records = &data[HEAD_BYTES];
    const size_t         share   = (size - HEAD_BYTES) / groups;

    begin(&whole, data[1], groups);
    begin(&parts, data[1], groups);
    read_all(&whole, records, share, 0U);
    read_all(&parts, records, share, data[0]);
    must(whole.reader.progress.frames == whole.rows.count);
    must(whole.reader.progress.records == (whole.rows.count + whole.reader.progress.doubtful));
    if (whole.reader.progress.doubtful == 0U) {
        must(whole.rows.count == (groups * (share / RECORD_BYTES)));
    }
    must(memcmp(&whole.reader.progress, &parts.reader.progress, sizeof(whole.reader.progress)) == 0);
    must((whole.reader.fault == parts.reader.fault) && (whole.reader.value == parts.reader.value));
    must(whole.rows.digest == parts.rows.digest);
    transpose(records, share);
    return 0;
}

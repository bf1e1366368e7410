#include "trace_mf4.h"

#include "trace_bytes.h"

#include <stdbool.h>
#include <string.h>

#define ID_MASK 0x1FFFFFFFU
#define ID_EXTENDED 0x80000000U
#define CHANNEL_MOST 255U

/* Below this a double has room for a half microsecond; it is 71 years. */
#define US_MOST 0x1.0p51
/* Added to a smaller number, it leaves no bit for a fraction: the sum is rounded to the nearest, a half to the even. */
#define ROUNDING 0x1.8p52
#define ROUNDING_BITS INT64_C(0x4338000000000000)
#define US_PER_S 1e6

static inline uint64_t value_of(const mf4_field_t *field, const uint8_t *record)
{
    return (bytes_u64(&record[field->at]) >> field->shift) & field->mask;
}

static inline double float64_of(uint64_t bits)
{
    double value = 0.0;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double float32_of(uint64_t bits)
{
    const uint32_t low   = (uint32_t)bits;
    float          value = 0.0f;

    memcpy(&value, &low, sizeof(value));
    return (double)value;
}

static inline double signed_of(uint64_t bits, uint64_t mask)
{
    const uint64_t sign = (mask >> 1) + 1U;

    return (double)(int64_t)((bits ^ sign) - sign);
}

static inline double raw_time(const mf4_layout_t *layout, const uint8_t *record)
{
    const uint64_t bits = value_of(&layout->time, record);

    if (layout->time_kind == (uint32_t)MF4_TIME_FLOAT64) {
        return float64_of(bits);
    }
    if (layout->time_kind == (uint32_t)MF4_TIME_UNSIGNED) {
        return (double)bits;
    }
    if (layout->time_kind == (uint32_t)MF4_TIME_SIGNED) {
        return signed_of(bits, layout->time.mask);
    }
    return float32_of(bits);
}

/* False when that is no time; a NaN is none. */
static inline bool stamp_us(const mf4_layout_t *layout, const uint8_t *record, int64_t *time_us)
{
    const double us   = ((raw_time(layout, record) * layout->scale_s) + layout->offset_s) * US_PER_S;
    const double sum  = us + ROUNDING;
    int64_t      bits = 0;

    if (!((us > -US_MOST) && (us < US_MOST))) {
        return false;
    }
    memcpy(&bits, &sum, sizeof(bits));
    *time_us = bits - ROUNDING_BITS;
    return true;
}

static bool doubt(trace_mf4_t *reader, uint32_t group, mf4_fault_t fault, uint64_t value)
{
    reader->fault         = (uint32_t)fault;
    reader->value         = value;
    reader->group         = group;
    reader->progress.stop = (uint32_t)TRACE_STOP_DOUBT;
    reader->progress.records++;
    reader->progress.doubtful++;
    return false;
}

static inline void put_data(const mf4_layout_t *layout, const uint8_t *record, uint32_t length,
                            trace_columns_t *columns)
{
    uint8_t *const row = &columns->data[(size_t)columns->rows * columns->data_width];

    if (columns->data_width == TRACE_CLASSIC_BYTES) {
        bytes_put_u64(row, bytes_keep(value_of(&layout->data, record), length));
    } else {
        memset(row, 0, TRACE_FD_BYTES);
        memcpy(row, &record[layout->data_at], length);
    }
}

static inline uint8_t flags_of(const mf4_layout_t *layout, const uint8_t *record, uint64_t id, uint64_t length)
{
    uint32_t flags = layout->kind;

    if (layout->kind != TRACE_ERROR) {
        const bool is_extended = ((id & ID_EXTENDED) != 0U) || (value_of(&layout->is_extended, record) != 0U);
        const bool is_fd       = (length > TRACE_CLASSIC_BYTES) || (value_of(&layout->is_fd, record) != 0U);

        flags |= (is_extended ? TRACE_EXTENDED : 0U) | (is_fd ? TRACE_FD : 0U);
    }
    return (uint8_t)flags;
}

/* Append one frame but for its time. */
static inline bool put_frame(trace_mf4_t *reader, uint32_t group, const mf4_layout_t *layout, const uint8_t *record,
                             trace_columns_t *columns)
{
    const uint32_t row    = columns->rows;
    const uint64_t id     = value_of(&layout->id, record);
    const uint64_t bus    = value_of(&layout->bus, record);
    uint64_t       length = value_of(&layout->length, record);
    uint32_t       stored = (uint32_t)length;

    if (layout->kind == TRACE_REMOTE) { /* asks for a length, and carries no byte */
        length = (length < TRACE_CLASSIC_BYTES) ? length : TRACE_CLASSIC_BYTES;
        stored = 0U;
    } else if (length > layout->data_bytes) {
        return doubt(reader, group, MF4_FAULT_LENGTH, length);
    } else if (length > columns->data_width) {
        reader->progress.stop = (uint32_t)TRACE_STOP_NARROW;
        return false;
    } else {
        /* all of it is here */
    }
    if (bus > CHANNEL_MOST) {
        return doubt(reader, group, MF4_FAULT_CHANNEL, bus);
    }
    columns->id[row]      = (uint32_t)id & ID_MASK;
    columns->channel[row] = (uint8_t)bus;
    columns->length[row]  = (uint8_t)length;
    columns->flags[row]   = flags_of(layout, record, id, length);
    put_data(layout, record, stored, columns);
    return true;
}

/* Take records from one place, up to a stamp that belongs behind a frame of another group. */
static size_t take(trace_mf4_t *reader, uint32_t group, const mf4_window_t *from, int64_t bound_us,
                   trace_columns_t *columns)
{
    const mf4_layout_t layout = reader->of[group].layout;
    const size_t       bytes  = layout.record_bytes;
    int64_t            latest = reader->of[group].latest_us;
    const uint32_t     rows   = columns->rows;
    size_t             at     = from->taken;

    while ((from->size - at) >= bytes) {
        const uint8_t *const record  = &from->bytes[at];
        int64_t              time_us = 0;

        if (columns->rows == columns->capacity) {
            reader->progress.stop = (uint32_t)TRACE_STOP_FULL;
            break;
        }
        if (!stamp_us(&layout, record, &time_us)) {
            (void)doubt(reader, group, MF4_FAULT_TIME, 0U);
            break;
        }
        const int64_t place_us = (time_us > latest) ? time_us : latest;

        if ((place_us >= bound_us) || !put_frame(reader, group, &layout, record, columns)) {
            break;
        }
        columns->time_us[columns->rows] = time_us;
        columns->rows++;
        latest = place_us;
        at += bytes;
    }
    reader->of[group].latest_us = latest;
    reader->of[group].records += columns->rows - rows;
    reader->progress.frames += columns->rows - rows;
    reader->progress.records += columns->rows - rows;
    return at;
}

/* The next record of a group: in `hold` when it began in an earlier window. NULL: it is not all here. */
static const uint8_t *next_record(mf4_group_t *group, mf4_window_t *window)
{
    const size_t bytes = group->layout.record_bytes;
    const size_t left  = window->size - window->taken;
    const size_t more  = (left < (bytes - group->held)) ? left : (bytes - group->held);

    if ((group->held == 0U) && (left >= bytes)) {
        return &window->bytes[window->taken];
    }
    if (more > 0U) {
        memcpy(&group->hold[group->held], &window->bytes[window->taken], more);
        group->held += (uint32_t)more;
        window->taken += more;
    }
    return (group->held == bytes) ? group->hold : NULL;
}

/* Find out where the next frame of a group belongs; false when that cannot be said yet. */
static bool peek(trace_mf4_t *reader, uint32_t group, mf4_window_t *window)
{
    mf4_group_t *const   of      = &reader->of[group];
    const uint8_t *const record  = next_record(of, window);
    int64_t              time_us = 0;

    if (record == NULL) {
        reader->group          = group;
        reader->next_us[group] = INT64_MAX;
        return of->is_ended != 0U;
    }
    if (!stamp_us(&of->layout, record, &time_us)) {
        return doubt(reader, group, MF4_FAULT_TIME, 0U);
    }
    reader->next_us[group] = (time_us > of->latest_us) ? time_us : of->latest_us;
    return true;
}

/* The group with the next frame; `skip` is left out. The number of groups when there is none. */
static uint32_t first_of(const trace_mf4_t *reader, uint32_t skip)
{
    uint32_t first = reader->groups;
    int64_t  least = INT64_MAX;

    for (uint32_t i = 0U; i < reader->groups; i++) {
        if ((reader->next_us[i] < least) && (i != skip)) {
            least = reader->next_us[i];
            first = i;
        }
    }
    return first;
}

/* Take frames of the group whose turn it is, until it is another's. */
static void take_turn(trace_mf4_t *reader, uint32_t group, mf4_window_t *window, trace_columns_t *columns)
{
    const uint32_t     rival = first_of(reader, group);
    mf4_group_t *const of    = &reader->of[group];
    int64_t            bound = INT64_MAX;

    if (rival < reader->groups) {
        bound = reader->next_us[rival] + ((group < rival) ? 1 : 0);
    }
    if (of->held > 0U) {
        const mf4_window_t held = {.bytes = of->hold, .size = of->held};

        if (take(reader, group, &held, bound, columns) == 0U) {
            return;
        }
        of->held = 0U;
    }
    window->taken = take(reader, group, window, bound, columns);
}

void trace_mf4_read(trace_mf4_t *reader, mf4_window_t *windows, trace_columns_t *columns)
{
    uint32_t group = 0U;

    reader->progress.stop = (uint32_t)TRACE_STOP_HUNGRY;
    for (uint32_t i = 0U; i < reader->groups; i++) {
        if (!peek(reader, i, &windows[i])) {
            return;
        }
    }
    group = first_of(reader, reader->groups);
    while (group < reader->groups) {
        take_turn(reader, group, &windows[group], columns);
        if ((reader->progress.stop != (uint32_t)TRACE_STOP_HUNGRY) || !peek(reader, group, &windows[group])) {
            return;
        }
        group = first_of(reader, reader->groups);
    }
    reader->group = reader->groups;
}

void trace_mf4_untranspose(const mf4_transposed_t *block, size_t first, size_t count, uint8_t *records)
{
    for (size_t i = 0U; i < block->record_bytes; i++) {
        const uint8_t *const from = &block->bytes[(i * block->records) + first];
        uint8_t *const       to   = &records[i];

        for (size_t record = 0U; record < count; record++) {
            to[record * block->record_bytes] = from[record];
        }
    }
}

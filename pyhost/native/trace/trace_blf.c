#include "trace_blf.h"

#include "trace_bytes.h"

#include <stdbool.h>
#include <string.h>

#define SIGNATURE 0x4A424F4CU /* LOBJ */
#define SIGNATURE_BYTES 4U
#define PADDING_MOST 4U /* between two objects; writers leave at most 3 */
#define SEARCHED_BYTES (PADDING_MOST + SIGNATURE_BYTES)

/* Of an object's header: signature, size and version of the header, size of the object, type; then, in both known
 * versions, the unit of the stamp and the stamp. */
#define AT_HEADER_BYTES 4U
#define AT_VERSION 6U
#define AT_SIZE 8U
#define AT_TYPE 12U
#define BASE_BYTES 16U
#define AT_STAMP_UNIT 16U
#define AT_STAMP 24U
#define VERSION_1_BYTES 32U
#define VERSION_2_BYTES 40U
#define STAMP_UNIT_10_US 1U

#define TYPE_CLASSIC 1U
#define TYPE_ERROR 2U
#define TYPE_ERROR_EXT 73U
#define TYPE_CLASSIC_2 86U
#define TYPE_FD 100U
#define TYPE_FD_64 101U

#define OBJECT_MOST_BYTES (UINT32_C(1) << 24) /* far above any object of a CAN log */
#define FRAME_MOST_BYTES (BLF_HELD_BYTES - PADDING_MOST)
#define FD_64_HEAD_BYTES 40U

#define ID_MASK 0x1FFFFFFFU
#define ID_EXTENDED 0x80000000U
#define CHANNEL_MOST 255U
#define STAMP_10_US_MOST (UINT64_MAX / 2U / 10U)
#define NS_PER_US 1000U

#define NOT_FOUND UINT32_MAX

typedef struct {
    const uint8_t *data;
    uint32_t       stored; /* bytes of data that are there; those up to length that are not read as zero */
    uint32_t       length;
    uint32_t       id; /* with the bit of 29-bit identifiers */
    uint32_t       channel;
    uint32_t       flags;
} frame_t;

static size_t doubt(trace_blf_t *reader, blf_fault_t fault, uint64_t value)
{
    reader->fault         = (uint32_t)fault;
    reader->value         = value;
    reader->progress.stop = (uint32_t)TRACE_STOP_DOUBT;
    reader->progress.records++;
    reader->progress.doubtful++;
    return 0U;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return (a < b) ? a : b;
}

/* Where the next object begins. */
static inline uint32_t begin(const uint8_t *at, size_t size)
{
    for (uint32_t i = 0U; (i <= PADDING_MOST) && ((i + SIGNATURE_BYTES) <= size); i++) {
        if (bytes_u32(&at[i]) == SIGNATURE) {
            return i;
        }
    }
    return NOT_FOUND;
}

/* Bytes behind the header that a frame of this type has at least; 0 for an object without one. */
static inline uint32_t body_least_bytes(uint32_t type)
{
    switch (type) {
    case TYPE_CLASSIC:
    case TYPE_CLASSIC_2:
        return 16U;
    case TYPE_ERROR:
        return 4U;
    case TYPE_ERROR_EXT:
        return 32U;
    case TYPE_FD:
        return 84U;
    case TYPE_FD_64:
        return FD_64_HEAD_BYTES;
    default:
        return 0U;
    }
}

static inline uint32_t header_bytes(uint32_t version)
{
    return (version == 1U) ? VERSION_1_BYTES : ((version == 2U) ? VERSION_2_BYTES : 0U);
}

static inline void classic_frame(const uint8_t *body, frame_t *frame)
{
    frame->channel = bytes_u16(&body[0]);
    frame->flags   = ((body[2] & 0x80U) != 0U) ? TRACE_REMOTE : 0U;
    frame->length  = least(body[3], TRACE_CLASSIC_BYTES);
    frame->id      = bytes_u32(&body[4]);
    frame->data    = &body[8];
    frame->stored  = TRACE_CLASSIC_BYTES;
}

static void error_frame(uint32_t type, const uint8_t *body, frame_t *frame)
{
    frame->channel = bytes_u16(&body[0]);
    frame->flags   = TRACE_ERROR;
    if (type == TYPE_ERROR_EXT) {
        frame->length = least(body[10], TRACE_CLASSIC_BYTES);
        frame->id     = bytes_u32(&body[16]);
        frame->data   = &body[24];
        frame->stored = TRACE_CLASSIC_BYTES;
    }
}

/* A frame that asks for a length has no more than the 8 bytes of a classic one. */
static uint32_t fd_flags(bool is_remote, bool is_fd, uint32_t dlc, frame_t *frame)
{
    if (is_remote) {
        frame->length = least(dlc, TRACE_CLASSIC_BYTES);
    }
    return (is_remote ? TRACE_REMOTE : 0U) | ((is_fd || (frame->length > TRACE_CLASSIC_BYTES)) ? TRACE_FD : 0U);
}

static void fd_frame(const uint8_t *body, frame_t *frame)
{
    frame->channel = bytes_u16(&body[0]);
    frame->id      = bytes_u32(&body[4]);
    frame->length  = least(body[14], TRACE_FD_BYTES);
    frame->data    = &body[20];
    frame->stored  = TRACE_FD_BYTES;
    frame->flags   = fd_flags((body[2] & 0x80U) != 0U, (body[13] & 1U) != 0U, body[3], frame);
}

/* The data ends where the extension or the object does. A length beyond that means zeros: they were not stored. */
static void fd_64_frame(const uint8_t *object, const uint8_t *body, frame_t *frame)
{
    const uint32_t size   = bytes_u32(&object[AT_SIZE]);
    const uint32_t head   = (uint32_t)bytes_u16(&object[AT_HEADER_BYTES]) + FD_64_HEAD_BYTES;
    const uint32_t end    = (body[35] != 0U) ? least(body[35], size) : size;
    const uint32_t behind = size - (uint32_t)(body - object) - FD_64_HEAD_BYTES;
    const uint32_t flags  = bytes_u32(&body[12]);

    frame->channel = body[0];
    frame->id      = bytes_u32(&body[4]);
    frame->length  = body[2];
    frame->data    = &body[FD_64_HEAD_BYTES];
    frame->stored  = (end > head) ? least(end - head, behind) : 0U;
    frame->flags   = fd_flags((flags & 0x10U) != 0U, (flags & 0x1000U) != 0U, body[1], frame);
}

/* Round to the nearest microsecond, a half to the even one; false when that is no time. */
static inline bool stamp_us(const uint8_t *object, int64_t *time_us)
{
    const uint64_t stamp = bytes_u64(&object[AT_STAMP]);

    if (bytes_u32(&object[AT_STAMP_UNIT]) == STAMP_UNIT_10_US) {
        *time_us = (int64_t)(stamp * 10U);
        return stamp <= STAMP_10_US_MOST;
    }
    const uint64_t us   = stamp / NS_PER_US;
    const uint64_t rest = stamp % NS_PER_US;

    *time_us = (int64_t)(us + (((rest * 2U) + (us & 1U) > NS_PER_US) ? 1U : 0U));
    return stamp <= (uint64_t)INT64_MAX;
}

/* 8 or 64 bytes, zero behind the end. */
static inline void put_data(const frame_t *frame, uint8_t *row, uint32_t width)
{
    const uint32_t length = ((frame->flags & TRACE_REMOTE) != 0U) ? 0U : least(frame->length, frame->stored);

    if ((width == TRACE_CLASSIC_BYTES) && (frame->stored >= TRACE_CLASSIC_BYTES)) {
        bytes_put_u64(row, bytes_keep(bytes_u64(frame->data), length));
    } else {
        memset(row, 0, width);
        if (length > 0U) {
            memcpy(row, frame->data, length);
        }
    }
}

static bool append(trace_blf_t *reader, const uint8_t *object, const frame_t *frame, trace_columns_t *columns)
{
    const uint32_t row = columns->rows;

    if (frame->length > TRACE_FD_BYTES) {
        (void)doubt(reader, BLF_FAULT_LENGTH, frame->length);
        return false;
    }
    if (frame->channel > CHANNEL_MOST) {
        (void)doubt(reader, BLF_FAULT_CHANNEL, frame->channel);
        return false;
    }
    if (frame->length > columns->data_width) {
        reader->progress.stop = (uint32_t)TRACE_STOP_NARROW;
        return false;
    }
    if (!stamp_us(object, &columns->time_us[row])) {
        (void)doubt(reader, BLF_FAULT_TIME, bytes_u64(&object[AT_STAMP]));
        return false;
    }
    columns->id[row]      = frame->id & ID_MASK;
    columns->channel[row] = (uint8_t)frame->channel;
    columns->length[row]  = (uint8_t)frame->length;
    columns->flags[row]   = (uint8_t)frame->flags;
    if (((frame->id & ID_EXTENDED) != 0U) && (frame->flags != TRACE_ERROR)) {
        columns->flags[row] |= TRACE_EXTENDED;
    }
    put_data(frame, &columns->data[(size_t)row * columns->data_width], columns->data_width);
    columns->rows++;
    reader->progress.frames++;
    reader->progress.records++;
    return true;
}

static bool take_frame(trace_blf_t *reader, const uint8_t *object, trace_columns_t *columns)
{
    const uint32_t       type  = bytes_u32(&object[AT_TYPE]);
    const uint8_t *const body  = object + header_bytes(bytes_u16(&object[AT_VERSION]));
    frame_t              frame = {.data = NULL};

    if (columns->rows == columns->capacity) {
        reader->progress.stop = (uint32_t)TRACE_STOP_FULL;
        return false;
    }
    if ((type == TYPE_CLASSIC) || (type == TYPE_CLASSIC_2)) {
        classic_frame(body, &frame);
    } else if (type == TYPE_FD) {
        fd_frame(body, &frame);
    } else if (type == TYPE_FD_64) {
        fd_64_frame(object, body, &frame);
    } else {
        error_frame(type, body, &frame);
    }
    return append(reader, object, &frame, columns);
}

static void count_other(trace_blf_t *reader, uint64_t word)
{
    uint32_t i = 0U;

    reader->progress.plain++;
    reader->progress.records++;
    while ((i < reader->others) && (reader->other[i].word != word)) {
        i++;
    }
    if (i == BLF_OTHERS) {
        i                     = BLF_OTHERS - 1U;
        reader->other[i].word = BLF_OTHER_VARIOUS;
    } else if (i == reader->others) {
        reader->other[i] = (blf_other_t){.word = word, .first = reader->progress.records};
        reader->others++;
    } else {
        /* met before */
    }
    reader->other[i].count++;
}

/* An object without a frame: counted when its last byte has passed. */
static size_t take_other(trace_blf_t *reader, uint64_t word, size_t whole, size_t size)
{
    if (whole <= size) {
        count_other(reader, word);
        return whole;
    }
    reader->skip    = whole - size;
    reader->skipped = word;
    return size;
}

static inline bool is_size_bad(const uint8_t *object)
{
    const uint32_t size = bytes_u32(&object[AT_SIZE]);

    return (size < BASE_BYTES) || (size < bytes_u16(&object[AT_HEADER_BYTES])) || (size > OBJECT_MOST_BYTES);
}

/* Take a whole object, or an object of no interest; `start` bytes of padding lie before it. */
static inline size_t take_object(trace_blf_t *reader, const uint8_t *at, uint32_t start, size_t size,
                                 trace_columns_t *columns)
{
    const uint8_t *const object  = &at[start];
    const uint32_t       bytes   = bytes_u32(&object[AT_SIZE]);
    const uint32_t       version = bytes_u16(&object[AT_VERSION]);
    const uint32_t       header  = header_bytes(version);
    const uint32_t       body    = body_least_bytes(bytes_u32(&object[AT_TYPE]));
    const size_t         whole   = (size_t)start + bytes;

    if (body == 0U) {
        return take_other(reader, bytes_u32(&object[AT_TYPE]), whole, size);
    }
    if (header == 0U) {
        return take_other(reader, BLF_OTHER_VERSION | version, whole, size);
    }
    if ((bytes < (header + body)) || (bytes > FRAME_MOST_BYTES)) {
        return doubt(reader, BLF_FAULT_FRAME_SIZE, bytes);
    }
    return ((whole <= size) && take_frame(reader, object, columns)) ? whole : 0U;
}

/* Take one object and return how many bytes that were, padding in front included. 0: it is not all here, or `stop` says
 * why it was not taken. */
static inline size_t take(trace_blf_t *reader, const uint8_t *at, size_t size, trace_columns_t *columns)
{
    const uint32_t start = begin(at, size);

    if (start == NOT_FOUND) {
        return (size >= SEARCHED_BYTES) ? doubt(reader, BLF_FAULT_NO_OBJECT, 0U) : 0U;
    }
    if ((size - start) < BASE_BYTES) {
        return 0U;
    }
    if (is_size_bad(&at[start])) {
        return doubt(reader, BLF_FAULT_OBJECT_SIZE, bytes_u32(&at[start + AT_SIZE]));
    }
    return take_object(reader, at, start, size, columns);
}

/* How many bytes must be held before more can be said of the object that they begin. */
static size_t wanted(const uint8_t *hold, size_t held)
{
    const uint32_t start = begin(hold, held);

    if (start == NOT_FOUND) {
        return SEARCHED_BYTES;
    }
    if ((held - start) < BASE_BYTES) {
        return (size_t)start + BASE_BYTES;
    }
    return (size_t)start + bytes_u32(&hold[start + AT_SIZE]);
}

static size_t smaller(uint64_t a, size_t b)
{
    return (a < b) ? (size_t)a : b;
}

/* Go on with an object of which the beginning is held; return how many of the new bytes belong to it. */
static size_t take_held(trace_blf_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    size_t used = 0U;

    while (reader->held > 0U) {
        if (take(reader, reader->hold, reader->held, columns) > 0U) {
            reader->held = 0U;
        } else if ((reader->progress.stop != (uint32_t)TRACE_STOP_HUNGRY) || (used == size)) {
            break;
        } else {
            const size_t more = smaller(wanted(reader->hold, reader->held) - reader->held, size - used);

            memcpy(&reader->hold[reader->held], &bytes[used], more);
            reader->held += (uint32_t)more;
            used += more;
        }
    }
    return used;
}

static size_t take_skipped(trace_blf_t *reader, size_t size)
{
    const size_t passed = smaller(reader->skip, size);

    if (reader->skip > 0U) {
        reader->skip -= passed;
        if (reader->skip == 0U) {
            count_other(reader, reader->skipped);
        }
    }
    return passed;
}

size_t trace_blf_read(trace_blf_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns)
{
    size_t at = take_skipped(reader, size);

    reader->progress.stop = (uint32_t)TRACE_STOP_HUNGRY;
    at += take_held(reader, &bytes[at], size - at, columns);
    /* A held object of no interest may end behind these bytes. */
    at += take_skipped(reader, size - at);
    while ((at < size) && (reader->progress.stop == (uint32_t)TRACE_STOP_HUNGRY)) {
        const size_t taken = take(reader, &bytes[at], size - at, columns);

        at += taken;
        if ((taken == 0U) && (reader->progress.stop == (uint32_t)TRACE_STOP_HUNGRY)) {
            reader->held = (uint32_t)(size - at);
            memcpy(reader->hold, &bytes[at], reader->held);
            at = size;
        }
    }
    return at;
}

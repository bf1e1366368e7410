#include "report.h"

#include "board.h"
#include "bus_identity.h"
#include "memory.h"

#define IDENTITY_COUNT 4U
#define MEMORY_COUNT 5U
#define FIRST_IDENTITY ((uint32_t)BOARD_HEALTH_COUNT)
#define FIRST_MEMORY (FIRST_IDENTITY + IDENTITY_COUNT)
#define FIRST_CRASH (FIRST_MEMORY + MEMORY_COUNT)

typedef enum {
    KIND_HEALTH = 0,
    KIND_IDENTITY,
    KIND_MEMORY,
    KIND_CRASH
} kind_t;

static uint32_t opened_count; /* of the channel when the last report began */
static uint32_t next;
static uint32_t count;
static uint32_t crash[BOARD_CRASH_WORDS];

static uint32_t identity(uint32_t number, const vcu_t *vcu)
{
    const uint32_t values[IDENTITY_COUNT] = {BUS_IDENTITY_BUILD, BUS_IDENTITY_LAYOUT, vcu->calibration_hash, count};

    return values[number];
}

static uint32_t memory(uint32_t number, const vcu_t *vcu)
{
    const fault_memory_t *faults               = &vcu->control.fault_memory;
    const uint32_t        values[MEMORY_COUNT] = {(uint32_t)memory_state(), fault_memory_mask(faults, 0U),
                                                  memory_crash_count(), memory_has_failed() ? 1U : 0U,
                                                  fault_memory_mask(faults, 1U)};

    return values[number];
}

static can_frame_t frame_of(kind_t kind, uint32_t number, uint32_t value)
{
    can_frame_t frame = {.id = REPORT_ID, .length = 8U, .data = {(uint8_t)kind, (uint8_t)(number & 0xFFU)}};

    for (uint32_t i = 0U; i < 4U; i++) {
        frame.data[4U + i] = (uint8_t)((value >> (8U * i)) & 0xFFU);
    }
    return frame;
}

static can_frame_t item(uint32_t index, const vcu_t *vcu)
{
    can_frame_t frame;

    if (index < FIRST_IDENTITY) {
        frame = frame_of(KIND_HEALTH, index, board_health((board_health_t)index));
    } else if (index < FIRST_MEMORY) {
        frame = frame_of(KIND_IDENTITY, index - FIRST_IDENTITY, identity(index - FIRST_IDENTITY, vcu));
    } else if (index < FIRST_CRASH) {
        frame = frame_of(KIND_MEMORY, index - FIRST_MEMORY, memory(index - FIRST_MEMORY, vcu));
    } else {
        frame = frame_of(KIND_CRASH, index - FIRST_CRASH, crash[index - FIRST_CRASH]);
    }
    return frame;
}

static void begin(void)
{
    next  = 0U;
    count = FIRST_CRASH + (board_crash(crash) ? BOARD_CRASH_WORDS : 0U);
}

static void send_next(const link_t *link, const vcu_t *vcu, ring_t *to_host)
{
    const can_frame_t frame = item(next, vcu);
    uint8_t           line[SLCAN_LINE_MAX];

    (void)ring_put(to_host, line, slcan_print(&link->slcan, &frame, vcu->tick_count, line));
    next++;
    if ((next == count) && (count > FIRST_CRASH)) {
        board_forget_crash();
    }
}

void report_serve(const link_t *link, const vcu_t *vcu, ring_t *to_host)
{
    const bool is_open = slcan_is_open(&link->slcan);

    if (!is_open) {
        next = count;
    } else if (opened_count != link->slcan.opened_count) {
        opened_count = link->slcan.opened_count;
        begin();
    } else {
        /* the same host, which hears it once */
    }
    while ((next < count) && (ring_free_bytes(to_host) >= (SLCAN_LINE_MAX + SLCAN_REPLY_MAX))) {
        send_next(link, vcu, to_host);
    }
}

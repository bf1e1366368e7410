/* main.c - the superloop: bytes and frames in, a tick each millisecond, frames and bytes out, then sleep. */
#include "board.h"
#include "bus_codec.h"
#include "link.h"
#include "memory.h"
#include "numeric.h"
#include "report.h"
#include "session.h"

static session_t session;
static link_t    host;
static bool      is_stepped_by_bus;

/* What the unit listens to, what steps it, and what brings it another set. */
static const uint16_t accepted[] = {
    BUS_CODEC_INERTIAL_ACCEL_FRAME_ID, BUS_CODEC_INERTIAL_RATE_FRAME_ID,  BUS_CODEC_DAMPER_TRAVEL_FRAME_ID,
    BUS_CODEC_WHEEL_SPEEDS_FRAME_ID,   BUS_CODEC_ENGINE_STATE_FRAME_ID,   BUS_CODEC_GEARBOX_STATE_FRAME_ID,
    BUS_CODEC_DRIVER_DEMAND_FRAME_ID,  BUS_CODEC_VEHICLE_MOTION_FRAME_ID, BUS_CODEC_AIR_PATH_FRAME_ID,
    BUS_CODEC_THERMAL_STATE_FRAME_ID,  BUS_CODEC_FAN_FEEDBACK_FRAME_ID,   BUS_CODEC_FUEL_SENDERS_FRAME_ID,
    BUS_CODEC_AMBIENT_STATE_FRAME_ID,  BUS_CODEC_SYNC_FRAME_ID,           BUS_CODEC_CALIBRATION_LOAD_FRAME_ID,
};
#define ACCEPTED (sizeof(accepted) / sizeof(accepted[0]))
_Static_assert(ACCEPTED == (BUS_RECEIVED + 2U), "a message that the unit receives is not let in");

/* The bus hears what was queued since `first`; the link fetches the same entries in its own time. */
static void tell_bus(uint32_t first)
{
    for (uint32_t i = first; i != session.put_count; i++) {
        board_send_frame(&session.queue[i % SESSION_QUEUE_FRAMES].frame);
    }
}

static bool has_room(void)
{
    return ((session.put_count - session.fetched_count) + BUS_SENT_COUNT + 1U) <= SESSION_QUEUE_FRAMES;
}

/* The vehicle does not wait for a host that does not read: its oldest frames give way. */
static void make_room(void)
{
    session_entry_t entry;

    while (!has_room() && session_fetch(&session, &entry)) {
        session.dropped_count = numeric_count_u32(session.dropped_count);
    }
}

/* A unit that the host steps by wire lives in the host's time: the bus has no say in it. */
static void receive_from_bus(void)
{
    can_frame_t frame;

    while (board_receive_frame(&frame)) {
        const uint32_t first = session.put_count;

        if ((session.mode == SESSION_MODE_FREE) || is_stepped_by_bus) {
            make_room();
            session_receive(&session, &frame);
            is_stepped_by_bus = session.mode == SESSION_MODE_STEPPED;
            tell_bus(first);
        }
    }
}

/* A set that passed is kept, or it is said why not. */
static void keep_offered(void)
{
    static const upload_result_t told[] = {
        [STORE_WRITTEN] = UPLOAD_RESULT_DONE,
        [STORE_FULL]    = UPLOAD_RESULT_NO_ROOM,
        [STORE_FAILED]  = UPLOAD_RESULT_NOT_HELD,
    };
    const uint32_t *set   = session_offered(&session);
    const uint32_t  first = session.put_count;

    if (set != (const uint32_t *)0) {
        make_room();
        session_settle(&session, told[memory_keep(set)]);
        tell_bus(first);
    }
}

static void tick(void)
{
    const uint32_t first = session.put_count;

    make_room();
    session_timer(&session);
    tell_bus(first);
    if (session.mode == SESSION_MODE_FREE) {
        memory_tick(&session.vcu);
    }
    if (vcu_is_well(&session.vcu)) {
        board_tick_done();
    }
}

int main(void)
{
    board_init();

    const vcu_calibration_t *calibration = memory_load();

    session_init(&session, calibration, memory_learned());
    link_init(&host, board_number());
    (void)board_join_bus(accepted, ACCEPTED); /* a bench has none: the report tells */
    board_guard();
    for (;;) {
        link_pump(&host, &session, board_from_host(), board_to_host());
        receive_from_bus();
        keep_offered();
        if (board_take_tick()) {
            tick();
        }
        report_serve(&host, &session.vcu, board_to_host());
        board_serve();
        board_idle();
    }
}

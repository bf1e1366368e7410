/* bench.c - the link with its rings on a bench of the host: what a machine owes it, as functions for a test. */
#include "calibration.h"
#include "link.h"

#include <stdint.h>

#define RING_BYTES 4096U

typedef struct {
    link_t            link;
    session_t         session;
    vcu_calibration_t calibration;
    ring_t            from_host;
    ring_t            to_host;
    uint8_t           from_host_bytes[RING_BYTES];
    uint8_t           to_host_bytes[RING_BYTES];
} bench_t;

uint32_t bench_size(void);
void     bench_init(bench_t *bench, uint32_t from_host_bytes, uint32_t to_host_bytes);
uint32_t bench_receive(bench_t *bench, const uint8_t *bytes, uint32_t count);
void     bench_pump(bench_t *bench);
void     bench_timer(bench_t *bench, uint32_t count);
uint32_t bench_send(bench_t *bench, uint8_t *bytes, uint32_t most);
void     bench_state(const bench_t *bench, uint32_t out[12]);
void     bench_session_receive(bench_t *bench, const can_frame_t *frame);
uint32_t bench_session_fetch(bench_t *bench, can_frame_t *frame);
uint32_t bench_offered(const bench_t *bench, vcu_calibration_t *set);
void     bench_settle(bench_t *bench, uint32_t result);
uint32_t bench_slcan_print(const can_frame_t *frame, uint32_t time_ms, uint32_t is_stamped, uint8_t *out);
uint32_t bench_slcan_read(const uint8_t *bytes, uint32_t count, can_frame_t *frame);

uint32_t bench_size(void)
{
    return (uint32_t)sizeof(bench_t);
}

/* Lengths of the rings are powers of two. */
void bench_init(bench_t *bench, uint32_t from_host_bytes, uint32_t to_host_bytes)
{
    bench->calibration = calibration_default;
    link_init(&bench->link, 0xD7A2U);
    session_init(&bench->session, &bench->calibration, (const vcu_keep_t *)0);
    ring_init(&bench->from_host, bench->from_host_bytes, from_host_bytes);
    ring_init(&bench->to_host, bench->to_host_bytes, to_host_bytes);
}

/* The receive interrupt: byte by byte. */
uint32_t bench_receive(bench_t *bench, const uint8_t *bytes, uint32_t count)
{
    uint32_t taken = 0U;

    for (uint32_t i = 0U; i < count; i++) {
        taken += ring_put(&bench->from_host, &bytes[i], 1U) ? 1U : 0U;
    }
    return taken;
}

void bench_pump(bench_t *bench)
{
    link_pump(&bench->link, &bench->session, &bench->from_host, &bench->to_host);
}

void bench_timer(bench_t *bench, uint32_t count)
{
    for (uint32_t i = 0U; i < count; i++) {
        session_timer(&bench->session);
        bench_pump(bench);
    }
}

/* The port sends. */
uint32_t bench_send(bench_t *bench, uint8_t *bytes, uint32_t most)
{
    uint32_t count = 0U;

    while ((count < most) && ring_get(&bench->to_host, &bytes[count])) {
        count++;
    }
    return count;
}

/* In the order of the class State of bench.py. */
void bench_state(const bench_t *bench, uint32_t out[12])
{
    out[0]  = vcu_digest(&bench->session.vcu);
    out[1]  = bench->session.vcu.tick_count;
    out[2]  = (uint32_t)bench->session.mode;
    out[3]  = bench->session.dropped_count;
    out[4]  = bench->session.mismatch_count;
    out[5]  = bench->link.slcan.frame_count;
    out[6]  = bench->link.slcan.refused_count;
    out[7]  = bench->link.slcan.mode;
    out[8]  = bench->link.unheard_count;
    out[9]  = ring_dropped_count(&bench->from_host);
    out[10] = ring_dropped_count(&bench->to_host);
    out[11] = ring_used_bytes(&bench->from_host);
}

/* ---- past the bytes */

void bench_session_receive(bench_t *bench, const can_frame_t *frame)
{
    session_receive(&bench->session, frame);
}

uint32_t bench_session_fetch(bench_t *bench, can_frame_t *frame)
{
    session_entry_t entry = {.time_ms = 0U};
    const uint32_t  is    = session_fetch(&bench->session, &entry) ? 1U : 0U;

    *frame = entry.frame;
    return is;
}

uint32_t bench_offered(const bench_t *bench, vcu_calibration_t *set)
{
    const bool is = session_offered(&bench->session) != (const uint32_t *)0;

    if (is) {
        *set = bench->session.upload.set;
    }
    return is ? 1U : 0U;
}

/* The machine's part: what is kept is the set of the session. */
void bench_settle(bench_t *bench, uint32_t result)
{
    if (result == (uint32_t)UPLOAD_RESULT_DONE) {
        bench->calibration = bench->session.upload.set;
    }
    session_settle(&bench->session, (upload_result_t)result);
}

uint32_t bench_slcan_print(const can_frame_t *frame, uint32_t time_ms, uint32_t is_stamped, uint8_t *out)
{
    slcan_t slcan;

    slcan_init(&slcan, 0U);
    slcan.is_stamped = (uint8_t)is_stamped;
    return slcan_print(&slcan, frame, time_ms, out);
}

/* Feed bytes to an open channel: how many frames came, the last of them in `frame`. */
uint32_t bench_slcan_read(const uint8_t *bytes, uint32_t count, can_frame_t *frame)
{
    slcan_t  slcan;
    uint32_t frames = 0U;

    slcan_init(&slcan, 0U);
    slcan.mode = (uint8_t)SLCAN_MODE_OPEN;
    for (uint32_t i = 0U; i < count; i++) {
        frames += (slcan_feed(&slcan, bytes[i], frame) == SLCAN_EVENT_FRAME) ? 1U : 0U;
    }
    return frames;
}

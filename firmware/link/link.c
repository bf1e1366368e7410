#include "link.h"

#include "numeric.h"

/* Frames of the unit become lines as long as a whole one fits. */
static void send(link_t *link, session_t *session, ring_t *to_host)
{
    session_entry_t entry;

    while ((ring_free_bytes(to_host) >= SLCAN_LINE_MAX) && session_fetch(session, &entry)) {
        if (slcan_is_open(&link->slcan)) {
            uint8_t        line[SLCAN_LINE_MAX];
            const uint32_t length = slcan_print(&link->slcan, &entry.frame, entry.time_ms, line);

            (void)ring_put(to_host, line, length);
        } else {
            link->unheard_count = numeric_count_u32(link->unheard_count);
        }
    }
}

static void take(link_t *link, session_t *session, uint8_t byte, ring_t *to_host)
{
    can_frame_t         frame;
    const slcan_event_t event = slcan_feed(&link->slcan, byte, &frame);

    switch (event) {
    case SLCAN_EVENT_NONE:
        break;
    case SLCAN_EVENT_FRAME:
        session_receive(session, &frame);
        break;
    case SLCAN_EVENT_CLOSED:
        session_release(session);
        break;
    }
    (void)ring_put(to_host, link->slcan.reply, link->slcan.reply_length);
}

static void report_losses(link_t *link, const session_t *session, const ring_t *from_host)
{
    const uint32_t dropped_bytes = ring_dropped_count(from_host);

    if (link->seen_dropped != session->dropped_count) {
        slcan_raise(&link->slcan, SLCAN_STATUS_TO_HOST_LOST);
    }
    if (link->seen_dropped_bytes != dropped_bytes) {
        slcan_raise(&link->slcan, SLCAN_STATUS_FROM_HOST_LOST);
    }
    link->seen_dropped       = session->dropped_count;
    link->seen_dropped_bytes = dropped_bytes;
}

/* The answer to a byte leaves before the next byte is taken. */
static bool may_take(const session_t *session, const ring_t *to_host)
{
    return session_is_drained(session) && (ring_free_bytes(to_host) >= SLCAN_REPLY_MAX);
}

void link_init(link_t *link, uint16_t serial_number)
{
    *link = (link_t){.unheard_count = 0U};
    slcan_init(&link->slcan, serial_number);
}

void link_pump(link_t *link, session_t *session, ring_t *from_host, ring_t *to_host)
{
    uint8_t byte = 0U;

    report_losses(link, session, from_host);
    send(link, session, to_host);
    while (may_take(session, to_host) && ring_get(from_host, &byte)) {
        take(link, session, byte, to_host);
        send(link, session, to_host);
    }
}

/* link.h - a serial port and a session: bytes in, bytes out, the same on every machine.
 *
 * The machine owes two rings and a timer: its receive interrupt fills `from_host`, link_pump() empties it and fills
 * `to_host`, and the machine sends that as its port takes it.
 *
 * Back-pressure: a byte is taken only when all that the last one caused is on its way and there is room for an answer.
 * So a stepped host that writes faster than it reads waits and loses nothing, and what it reads is the same bytes
 * however the machine's port paces them. What is left to lose is counted, and F tells the host: bytes that `from_host`
 * had no room for (the port has no flow control), and frames of a unit that runs free and is not read.
 */
#ifndef LINK_H
#define LINK_H

#include "ring.h"
#include "session.h"
#include "slcan.h"

#include <stdint.h>

typedef struct {
    slcan_t  slcan;
    uint32_t unheard_count;     /* frames of the unit while the channel was closed, saturating */
    uint32_t seen_dropped;      /* dropped_count of the session when the host was last told */
    uint32_t seen_dropped_bytes; /* dropped_count of from_host, likewise */
} link_t;

void link_init(link_t *link, uint16_t serial_number);

/* Do all that can be done now. Call it after each byte, frame or tick, or whenever awake. `to_host` has at least
 * SLCAN_LINE_MAX + SLCAN_REPLY_MAX bytes. */
void link_pump(link_t *link, session_t *session, ring_t *from_host, ring_t *to_host);

#endif

/* session.h - what a target does with frames, the same on every machine and over every transport.
 *
 * The unit runs in one of two ways:
 *
 *   free      its own timer owns time: one tick per session_timer(), one per millisecond. So it starts.
 *   stepped   the host owns time: it sends the frames of a tick, then Sync(n); the unit runs tick n and answers with the
 *             frames of that tick and then StateDigest(n, digest).
 *
 * Sync(0xFFFFFFFF), the tick before tick 0, starts a stepped run: the unit begins anew, as after power-on, and answers
 * StateDigest(0xFFFFFFFF, digest of a new unit). It is not Sync(0), since the frames of tick 0 go before that one, and
 * a unit that begins anew there would forget them. A run has at most 2^32 - 1 ticks, 49 days.
 *
 * Every Sync is answered by one StateDigest with the number of the last tick that the unit ran and its digest now. If
 * that is not the number asked for, no tick was run: the unit is elsewhere (it was reset, or it runs free) and the host
 * sees where. A Sync that is repeated because its answer was lost is answered again and runs nothing twice.
 *
 * A stepped run ends when the host takes its leave (session_release(), by closing its channel) or keeps silent for
 * SESSION_SILENCE_MS of the unit's own timer. The unit then begins anew and runs free: what it was told in another time
 * means nothing in this one.
 *
 * CalibrationLoad brings the unit another set (upload.h). One that passes waits in session_offered() until the machine
 * has kept it and says so by session_settle(); the unit then begins anew.
 *
 * A frame of another form goes to the unit: standard identifier, 8 bytes, or it is no Sync and no CalibrationLoad.
 */
#ifndef SESSION_H
#define SESSION_H

#include "bus.h"
#include "can_frame.h"
#include "upload.h"
#include "vcu_keep.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_START 0xFFFFFFFFU  /* SyncTick that starts a stepped run; DigestTick of a unit that has not ticked */
#define SESSION_SILENCE_MS 60000U  /* longer than any pause of a host that lives, a debugger's excepted */
#define SESSION_QUEUE_FRAMES 32U   /* a power of two: what two ticks can send, and more */
_Static_assert((SESSION_QUEUE_FRAMES & (SESSION_QUEUE_FRAMES - 1U)) == 0U, "SESSION_QUEUE_FRAMES: no power of two");
_Static_assert((2U * ((uint32_t)BUS_SENT_COUNT + 1U)) <= SESSION_QUEUE_FRAMES,
               "SESSION_QUEUE_FRAMES: less than two ticks");

typedef enum {
    SESSION_MODE_FREE = 0,
    SESSION_MODE_STEPPED
} session_mode_t;

typedef struct {
    can_frame_t frame;
    uint32_t    time_ms; /* ticks that the unit had run when it sent this */
} session_entry_t;

typedef struct {
    const vcu_calibration_t *calibration;    /* of every unit that begins */
    const vcu_keep_t        *learned; /* of every unit that runs free: one that is stepped starts as it was built */
    vcu_t                    vcu;
    session_entry_t          queue[SESSION_QUEUE_FRAMES];
    uint32_t                 put_count; /* frames ever queued, may wrap */
    uint32_t                 fetched_count; /* frames ever fetched */
    uint32_t                 dropped_count; /* frames that found the queue full, saturating */
    uint32_t                 mismatch_count; /* Sync frames that asked for a tick that is not the next, saturating */
    uint32_t                 silent_ms; /* since the last Sync, while stepped */
    session_mode_t           mode;
    upload_t                 upload;
} session_t;

/* A new unit, running free. The set, and what was learned (null where nothing is kept), stay where they are for as long
 * as the session lives; the machine changes the set only between session_offered() and session_settle(). */
void session_init(session_t *session, const vcu_calibration_t *calibration, const vcu_keep_t *learned);

/* Nothing waits to be fetched. A transport that takes a frame only then loses nothing, and answers leave in order. */
bool session_is_drained(const session_t *session);

/* One frame from the transport. */
void session_receive(session_t *session, const can_frame_t *frame);

/* One millisecond of the machine's own timer. */
void session_timer(session_t *session);

/* The host took its leave. */
void session_release(session_t *session);

/* The UPLOAD_WORDS words of a set that came in, breaks no range and no rule, and waits to be kept; or null. */
const uint32_t *session_offered(const session_t *session);

/* It was kept, and is the set of the session now, or why it was not. */
void session_settle(session_t *session, upload_result_t result);

/* The next frame for the transport, or false when there is none. */
bool session_fetch(session_t *session, session_entry_t *entry);

#endif

#include "session.h"

#include "bus_codec.h"
#include "numeric.h"

#define SYNC_BYTES BUS_CODEC_SYNC_LENGTH

/* ---- the queue */

static uint32_t waiting(const session_t *session)
{
    return session->put_count - session->fetched_count;
}

static void queue(session_t *session, const can_frame_t *frame)
{
    if (waiting(session) < SESSION_QUEUE_FRAMES) {
        session->queue[session->put_count % SESSION_QUEUE_FRAMES] =
            (session_entry_t){.frame = *frame, .time_ms = session->vcu.tick_count};
        session->put_count++;
    } else {
        session->dropped_count = numeric_count_u32(session->dropped_count);
    }
}

/* ---- the unit */

static void begin(session_t *session, session_mode_t mode)
{
    vcu_init(&session->vcu, session->calibration);
    if ((mode == SESSION_MODE_FREE) && (session->learned != (const vcu_keep_t *)0)) {
        (void)vcu_recall(&session->vcu, session->learned);
    }
    session->mode          = mode;
    session->silent_ms     = 0U;
    session->fetched_count = session->put_count; /* the unit that sent what still waits is no more */
}

static void tick(session_t *session)
{
    can_frame_t frame;

    vcu_tick(&session->vcu);
    while (vcu_transmit(&session->vcu, &frame)) {
        queue(session, &frame);
    }
}

static void answer(session_t *session)
{
    const struct bus_codec_state_digest_t digest = {
        .digest_tick = session->vcu.tick_count - 1U, /* SESSION_START before the first */
        .digest      = vcu_digest(&session->vcu),
    };
    can_frame_t frame = {.id = BUS_CODEC_STATE_DIGEST_FRAME_ID, .length = BUS_CODEC_STATE_DIGEST_LENGTH};

    (void)bus_codec_state_digest_pack(frame.data, &digest, sizeof(frame.data));
    queue(session, &frame);
}

/* ---- Sync */

static bool is_sync(const can_frame_t *frame)
{
    return (frame->id == BUS_CODEC_SYNC_FRAME_ID) && (frame->flags == 0U) && (frame->length == SYNC_BYTES);
}

static bool is_next(const session_t *session, uint32_t number)
{
    return (session->mode == SESSION_MODE_STEPPED) && (number == session->vcu.tick_count);
}

static void synchronise(session_t *session, const can_frame_t *frame)
{
    struct bus_codec_sync_t sync;

    (void)bus_codec_sync_unpack(&sync, frame->data, sizeof(frame->data));
    session->silent_ms = 0U;
    if (sync.sync_tick == SESSION_START) {
        begin(session, SESSION_MODE_STEPPED);
    } else if (is_next(session, sync.sync_tick)) {
        tick(session);
    } else {
        session->mismatch_count = numeric_count_u32(session->mismatch_count);
    }
    answer(session);
}

/* ---- CalibrationLoad */

static void load(session_t *session, const can_frame_t *frame)
{
    can_frame_t told;

    if (session->upload.is_offered != 0U) {
        /* the machine judges: who waits for its answer sends nothing */
    } else if (upload_receive(&session->upload, frame, &session->vcu, session->mode == SESSION_MODE_FREE, &told)) {
        queue(session, &told);
    } else {
        /* the machine answers */
    }
}

/* ---- interface */

void session_init(session_t *session, const vcu_calibration_t *calibration, const vcu_keep_t *learned)
{
    session->calibration    = calibration;
    session->learned        = learned;
    session->put_count      = 0U;
    session->dropped_count  = 0U;
    session->mismatch_count = 0U;
    upload_init(&session->upload);
    begin(session, SESSION_MODE_FREE);
}

bool session_is_drained(const session_t *session)
{
    return waiting(session) == 0U;
}

void session_receive(session_t *session, const can_frame_t *frame)
{
    if (is_sync(frame)) {
        synchronise(session, frame);
    } else if (upload_is_load(frame)) {
        load(session, frame);
    } else {
        vcu_receive(&session->vcu, frame);
    }
}

void session_timer(session_t *session)
{
    switch (session->mode) {
    case SESSION_MODE_FREE:
        tick(session);
        break;
    case SESSION_MODE_STEPPED:
        session->silent_ms++;
        if (session->silent_ms >= SESSION_SILENCE_MS) {
            begin(session, SESSION_MODE_FREE);
        }
        break;
    }
}

void session_release(session_t *session)
{
    if (session->mode == SESSION_MODE_STEPPED) {
        begin(session, SESSION_MODE_FREE);
    }
}

const uint32_t *session_offered(const session_t *session)
{
    return (session->upload.is_offered != 0U) ? session->upload.word : (const uint32_t *)0;
}

void session_settle(session_t *session, upload_result_t result)
{
    can_frame_t told;

    if (result == UPLOAD_RESULT_DONE) {
        begin(session, session->mode);
    }
    upload_settle(&session->upload, result, &session->vcu, &told);
    queue(session, &told);
}

bool session_fetch(session_t *session, session_entry_t *entry)
{
    const bool has_frame = waiting(session) > 0U;

    if (has_frame) {
        *entry = session->queue[session->fetched_count % SESSION_QUEUE_FRAMES];
        session->fetched_count++;
    }
    return has_frame;
}

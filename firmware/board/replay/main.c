/* main.c of the replay image - whole traces through the unit on the chip's own arithmetic, as fast as pipes allow.
 *
 * The host opens the pipes "in" and "out" of the working folder, in this order, and so does the image. It writes one
 * word that names a request, then what the request needs; the image answers. All words are little-endian.
 *
 *   'I'  identity     -> build, layout hash, bytes of a calibration, bytes of the state
 *   'C'  calibration  : the set                              -> 1 if it was refused, hash of the set in use
 *   'T'  ticks        : count, frames; frames of 20 bytes    -> a digest for each tick; frames sent; these, 20 bytes each
 *   'S'  snapshot     ->                                        the state
 *   'R'  restore      : the state                            -> 0
 *
 * A frame of 20 bytes is the tick, counted from the first of the request, and can_frame_t. Anything else ends the image.
 */
#include "bus_identity.h"
#include "semihosting.h"
#include "vcu.h"

#include <stdint.h>

#define TICKS_MAX 256U
#define FRAMES_MAX 2048U

typedef struct {
    uint32_t    tick;
    can_frame_t frame;
} timed_frame_t;
_Static_assert(sizeof(timed_frame_t) == 20U, "timed_frame_t: hidden padding");

static vcu_t             vcu;
static vcu_calibration_t calibration;
static timed_frame_t     received[FRAMES_MAX];
static timed_frame_t     sent[TICKS_MAX * BUS_SENT_COUNT];
static uint32_t          digest[TICKS_MAX];
static int32_t           in;
static int32_t           out;

static bool answer(const void *bytes, uint32_t size)
{
    return semihosting_write(out, bytes, size);
}

static bool tell_identity(void)
{
    const uint32_t words[4] = {BUS_IDENTITY_BUILD, BUS_IDENTITY_LAYOUT, (uint32_t)sizeof(calibration),
                               (uint32_t)sizeof(vcu)};

    return answer(words, sizeof(words));
}

static bool start(void)
{
    bool is_whole = semihosting_read(in, &calibration, sizeof(calibration));

    if (is_whole) {
        vcu_init(&vcu, &calibration);

        const uint32_t words[2] = {vcu.control.is_calibration_refused, vcu.calibration_hash};

        is_whole = answer(words, sizeof(words));
    }
    return is_whole;
}

static uint32_t run(uint32_t ticks, uint32_t frames)
{
    uint32_t next  = 0U;
    uint32_t sents = 0U;

    for (uint32_t tick = 0U; tick < ticks; tick++) {
        while ((next < frames) && (received[next].tick <= tick)) {
            vcu_receive(&vcu, &received[next].frame);
            next++;
        }
        vcu_tick(&vcu);
        while (vcu_transmit(&vcu, &sent[sents].frame)) {
            sent[sents].tick = tick;
            sents++;
        }
        digest[tick] = vcu_digest(&vcu);
    }
    return sents;
}

static bool run_request(void)
{
    uint32_t words[2] = {0U, 0U};
    bool     is_whole = semihosting_read(in, words, sizeof(words));

    is_whole = is_whole && (words[0] <= TICKS_MAX) && (words[1] <= FRAMES_MAX);
    is_whole = is_whole &&
               ((words[1] == 0U) || semihosting_read(in, received, words[1] * (uint32_t)sizeof(timed_frame_t)));
    if (is_whole) {
        const uint32_t sents = run(words[0], words[1]);

        is_whole = answer(digest, words[0] * (uint32_t)sizeof(digest[0])) && answer(&sents, sizeof(sents)) &&
                   answer(sent, sents * (uint32_t)sizeof(timed_frame_t));
    }
    return is_whole;
}

static bool restore(void)
{
    const uint32_t done = 0U;

    return semihosting_read(in, &vcu, sizeof(vcu)) && answer(&done, sizeof(done));
}

static bool serve(uint32_t request)
{
    bool goes_on = false;

    switch (request) {
    case (uint32_t)'I':
        goes_on = tell_identity();
        break;
    case (uint32_t)'C':
        goes_on = start();
        break;
    case (uint32_t)'T':
        goes_on = run_request();
        break;
    case (uint32_t)'S':
        goes_on = answer(&vcu, sizeof(vcu));
        break;
    case (uint32_t)'R':
        goes_on = restore();
        break;
    default:
        break;
    }
    return goes_on;
}

int main(void)
{
    uint32_t request = 0U;
    bool     goes_on = true;

    in  = semihosting_open("in", SEMIHOSTING_READ);
    out = semihosting_open("out", SEMIHOSTING_WRITE);
    vcu_init(&vcu, &calibration_default);
    while (goes_on && semihosting_read(in, &request, sizeof(request))) {
        goes_on = serve(request);
    }
    semihosting_exit(goes_on ? 0U : 1U);
    return 0;
}

/* main.c of the measuring image - how many instructions the unit needs for its tick, on the chip's instruction set.
 *
 * Runs under an emulator that counts virtual time by instructions (one instruction is one nanosecond), and reads that
 * time from the 32-bit timer TIM2. Instructions are not cycles: flash wait states and the slow division are not in it.
 *
 * Reads the file "in" of the working folder: a calibration, then for each batch the number of ticks and of frames and
 * the frames, 20 bytes each, as the replay image takes them. Writes to the file "out" what it measured for a thousand
 * instructions, and for each tick three words: the instructions that its frames received took, the tick itself, and the
 * frames sent. All words are little-endian.
 */
#include "semihosting.h"
#include "vcu.h"

#include <stdint.h>

#define TICKS_MAX 256U
#define FRAMES_MAX 2048U

#define TIM2_CR1 (*(volatile uint32_t *)0x40000000UL)
#define TIM2_COUNT (*(volatile uint32_t *)0x40000024UL)
#define TIM2_PRESCALE (*(volatile uint32_t *)0x40000028UL)
#define TIM2_RELOAD (*(volatile uint32_t *)0x4000002CUL)
#define CR1_ENABLED 1U

typedef struct {
    uint32_t    tick;
    can_frame_t frame;
} timed_frame_t;
_Static_assert(sizeof(timed_frame_t) == 20U, "timed_frame_t: hidden padding");

typedef struct {
    uint32_t receive;
    uint32_t tick;
    uint32_t transmit;
} cost_t;

static vcu_t             vcu;
static vcu_calibration_t calibration;
static timed_frame_t     received[FRAMES_MAX];
static cost_t            cost[TICKS_MAX];

/* Reading the timer is itself a few instructions: a distance of two readings with nothing between them is taken off. */
static uint32_t between(uint32_t from, uint32_t to, uint32_t idle)
{
    return (to - from) - idle;
}

static uint32_t idle_cost(void)
{
    const uint32_t from = TIM2_COUNT;
    const uint32_t to   = TIM2_COUNT;

    return to - from;
}

static uint32_t thousand_cost(uint32_t idle)
{
    const uint32_t from = TIM2_COUNT;

    __asm volatile(".rept 1000\n\tnop\n\t.endr" ::: "memory");
    return between(from, TIM2_COUNT, idle);
}

static void run(uint32_t ticks, uint32_t frames, uint32_t idle)
{
    can_frame_t frame;
    uint32_t    next = 0U;

    for (uint32_t tick = 0U; tick < ticks; tick++) {
        const uint32_t start = TIM2_COUNT;

        while ((next < frames) && (received[next].tick <= tick)) {
            vcu_receive(&vcu, &received[next].frame);
            next++;
        }

        const uint32_t has_received = TIM2_COUNT;

        vcu_tick(&vcu);

        const uint32_t has_ticked = TIM2_COUNT;

        while (vcu_transmit(&vcu, &frame)) {
        }

        const uint32_t has_sent = TIM2_COUNT;

        cost[tick].receive  = between(start, has_received, idle);
        cost[tick].tick     = between(has_received, has_ticked, idle);
        cost[tick].transmit = between(has_ticked, has_sent, idle);
    }
}

int main(void)
{
    const int32_t in       = semihosting_open("in", SEMIHOSTING_READ);
    const int32_t out      = semihosting_open("out", SEMIHOSTING_WRITE);
    uint32_t      words[2] = {0U, 0U};
    bool          goes_on  = semihosting_read(in, &calibration, sizeof(calibration));

    TIM2_PRESCALE = 0U;
    TIM2_RELOAD   = UINT32_MAX;
    TIM2_CR1      = CR1_ENABLED;
    vcu_init(&vcu, &calibration);

    const uint32_t idle     = idle_cost();
    const uint32_t thousand = thousand_cost(idle);

    goes_on = goes_on && semihosting_write(out, &thousand, sizeof(thousand));
    while (goes_on && semihosting_read(in, words, sizeof(words))) {
        goes_on = (words[0] <= TICKS_MAX) && (words[1] <= FRAMES_MAX) &&
                  ((words[1] == 0U) || semihosting_read(in, received, words[1] * (uint32_t)sizeof(timed_frame_t)));
        if (goes_on) {
            run(words[0], words[1], idle);
            goes_on = semihosting_write(out, cost, words[0] * (uint32_t)sizeof(cost_t));
        }
    }
    semihosting_exit(goes_on ? 0U : 1U);
    return 0;
}

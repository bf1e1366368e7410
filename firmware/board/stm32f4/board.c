#include "board.h"

#include "can.h"
#include "clock.h"
#include "crash.h"
#include "flash.h"
#include "numeric.h"
#include "pins.h"
#include "registers.h"
#include "systick.h"
#include "usart.h"
#include "watchdog.h"

_Static_assert(BOARD_CRASH_WORDS == CRASH_WORD_COUNT, "words of a crash");

#define FROM_HOST_BYTES 2048U /* 10 ms of 2 Mbaud */
#define TO_HOST_BYTES 2048U
#define TICKS_BEHIND_MAX 20U /* what a stall may cost and still be caught up; more is lost time */
#define STACK_MARK 0x5AC75AC7UL

extern uint32_t _sstack;
extern uint32_t _estack;

static uint8_t  from_host_bytes[FROM_HOST_BYTES];
static uint8_t  to_host_bytes[TO_HOST_BYTES];
static ring_t   from_host;
static ring_t   to_host;
static uint32_t taken_ms;
static uint32_t ticks_lost;
static uint32_t start_flags;

/* ---- stack: marked at start, so that its deepest use can be told */

static void mark_stack(void)
{
    const uint32_t *here = (const uint32_t *)__builtin_frame_address(0);

    for (volatile uint32_t *word = &_sstack; word < (here - 16); word++) {
        *word = STACK_MARK;
    }
}

static uint32_t stack_bytes(void)
{
    const volatile uint32_t *word = &_sstack;

    while ((word < &_estack) && (*word == STACK_MARK)) {
        word++;
    }
    return (uint32_t)((uintptr_t)&_estack - (uintptr_t)word);
}

/* ---- start */

static board_start_t why_started(void)
{
    board_start_t why = BOARD_START_UNKNOWN;

    if ((start_flags & RCC_CSR_IWDGRSTF) != 0U) {
        why = BOARD_START_WATCHDOG;
    } else if ((start_flags & RCC_CSR_SFTRSTF) != 0U) {
        why = BOARD_START_SOFTWARE;
    } else if ((start_flags & RCC_CSR_PORRSTF) != 0U) {
        why = BOARD_START_POWER;
    } else if ((start_flags & RCC_CSR_PINRSTF) != 0U) {
        why = BOARD_START_PIN; /* every other reset pulls the pin too */
    } else {
        /* an emulator does not say */
    }
    return why;
}

void board_init(void)
{
    mark_stack();
    start_flags = registers_read(RCC_CSR);
    registers_write(RCC_CSR, start_flags | RCC_CSR_RMVF);
    clock_init();
    registers_keep(RCC_AHB1ENR, RCC_AHB1ENR_GPIOAEN | RCC_AHB1ENR_GPIOBEN, RCC_AHB1ENR_GPIOAEN | RCC_AHB1ENR_GPIOBEN);
    ring_init(&from_host, from_host_bytes, FROM_HOST_BYTES);
    ring_init(&to_host, to_host_bytes, TO_HOST_BYTES);
    usart_init(&from_host);
    systick_init();
}

bool board_join_bus(const uint16_t *ids, uint32_t count)
{
    return can_init(CAN_RATE_1M, ids, count);
}

void board_guard(void)
{
    taken_ms = systick_ms();
    watchdog_start();
}

/* ---- time */

bool board_take_tick(void)
{
    const uint32_t behind = systick_ms() - taken_ms;

    if (behind > TICKS_BEHIND_MAX) {
        const uint32_t lost = behind - TICKS_BEHIND_MAX;

        ticks_lost = (lost < (UINT32_MAX - ticks_lost)) ? (ticks_lost + lost) : UINT32_MAX;
        taken_ms += lost;
    }
    taken_ms += (behind > 0U) ? 1U : 0U;
    return behind > 0U;
}

void board_tick_done(void)
{
    can_tick();
    registers_verify_next();
    watchdog_feed();
}

/* ---- bytes and frames */

ring_t *board_from_host(void)
{
    return &from_host;
}

ring_t *board_to_host(void)
{
    return &to_host;
}

bool board_receive_frame(can_frame_t *frame)
{
    return can_receive(frame);
}

void board_send_frame(const can_frame_t *frame)
{
    can_send(frame);
}

void board_serve(void)
{
    usart_serve(&to_host);
    can_serve();
}

static bool has_work(void)
{
    return (ring_used_bytes(&from_host) > 0U) || (ring_used_bytes(&to_host) > 0U) || can_has_received() ||
           (systick_ms() != taken_ms);
}

/* With interrupts held back nothing can come between the look and the sleep; one that is pending ends the sleep at
 * once all the same. */
void board_idle(void)
{
    __asm volatile("cpsid i" ::: "memory");
    if (!has_work()) {
        __asm volatile("dsb\n\twfi" ::: "memory");
    }
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}

/* ---- what it says of itself */

static uint32_t saturating_sum(uint32_t a, uint32_t b)
{
    return (b < (UINT32_MAX - a)) ? (a + b) : UINT32_MAX;
}

uint32_t board_health(board_health_t item)
{
    const uint32_t values[BOARD_HEALTH_COUNT] = {
        [BOARD_HEALTH_START]          = (uint32_t)why_started(),
        [BOARD_HEALTH_CHIP]           = registers_chip(),
        [BOARD_HEALTH_CLOCK]          = (uint32_t)clock_source(),
        [BOARD_HEALTH_BUS]            = can_is_running() ? 1U : 0U,
        [BOARD_HEALTH_TICKS_LOST]     = ticks_lost,
        [BOARD_HEALTH_SERIAL_LOST]    = saturating_sum(ring_dropped_count(&from_host), usart_garbled_count()),
        [BOARD_HEALTH_BUS_LOST_IN]    = can_lost_in_count(),
        [BOARD_HEALTH_BUS_LOST_OUT]   = can_lost_out_count(),
        [BOARD_HEALTH_BUS_OFF]        = can_bus_off_count(),
        [BOARD_HEALTH_REGISTERS_LOST] = registers_lost_count(),
        [BOARD_HEALTH_STACK_BYTES]    = stack_bytes(),
    };

    return (item < BOARD_HEALTH_COUNT) ? values[item] : 0U;
}

uint16_t board_number(void)
{
    uint32_t hash = 0U;

    if (registers_chip() != 0U) {
        for (uint32_t word = 0U; word < 3U; word++) {
            hash = (hash ^ registers_read(UNIQUE_ID + (4U * word))) * 0x9E3779B1UL;
        }
    }
    return (uint16_t)(hash >> 16);
}

_Noreturn void board_restart(void)
{
    __asm volatile("dsb" ::: "memory");
    registers_write(SCB_AIRCR, SCB_AIRCR_VECTKEY | SCB_AIRCR_SYSRESETREQ);
    for (;;) {
        __asm volatile("nop");
    }
}

bool board_crash(uint32_t words[BOARD_CRASH_WORDS])
{
    return crash_read(words);
}

void board_forget_crash(void)
{
    crash_forget();
}

/* ---- flash */

const uint32_t *board_slot(uint32_t slot)
{
    return (const uint32_t *)flash_slot(slot);
}

uint32_t board_slot_words(void)
{
    return flash_slot_bytes() / 4U;
}

bool board_slot_erase(uint32_t slot)
{
    return flash_erase(slot);
}

bool board_slot_program(uint32_t slot, uint32_t index, uint32_t word)
{
    return flash_program(slot, index, word);
}

/* board.h - what a machine owes the unit. main.c knows nothing else of it.
 *
 * A board has a timer of 1 kHz, a serial port and, where there is one, a CAN controller. Everything here returns at
 * once, but board_idle(), which sleeps until an interrupt has something to look at.
 */
#ifndef BOARD_H
#define BOARD_H

#include "can_frame.h"
#include "ring.h"

#include <stdbool.h>
#include <stdint.h>

/* Why the machine started. */
typedef enum {
    BOARD_START_UNKNOWN = 0, /* an emulator does not say */
    BOARD_START_POWER,
    BOARD_START_PIN,
    BOARD_START_SOFTWARE, /* board_restart(), or a crash */
    BOARD_START_WATCHDOG
} board_start_t;

/* What the machine can say about itself; all counts saturate. The order is the wire's: new ones go to the end. */
typedef enum {
    BOARD_HEALTH_START = 0,        /* board_start_t */
    BOARD_HEALTH_CHIP,             /* device and revision; 0: emulated */
    BOARD_HEALTH_CLOCK,            /* clock_source_t: crystal, internal, or none that we set */
    BOARD_HEALTH_BUS,              /* 1: CAN controller runs */
    BOARD_HEALTH_TICKS_LOST,       /* milliseconds that the unit was not given */
    BOARD_HEALTH_SERIAL_LOST,      /* bytes from the host that found no room or were garbled on the wire */
    BOARD_HEALTH_BUS_LOST_IN,      /* frames from the bus that found no room */
    BOARD_HEALTH_BUS_LOST_OUT,     /* frames for the bus that were replaced by newer ones or given up */
    BOARD_HEALTH_BUS_OFF,          /* times that the CAN controller left the bus and came back */
    BOARD_HEALTH_REGISTERS_LOST,   /* registers that were found changed, and were set again */
    BOARD_HEALTH_STACK_BYTES,      /* deepest use of the stack so far */
    BOARD_HEALTH_COUNT
} board_health_t;

/* Clocks, pins, timer, serial port. No watchdog yet. */
void board_init(void);

/* Join the bus; only these identifiers are received. False: there is no controller, or it does not answer. */
bool board_join_bus(const uint16_t *ids, uint32_t count);

/* From here on a unit that does not tick for WATCHDOG_MS is restarted. */
void board_guard(void);

/* A millisecond passed that the unit has not been given yet. */
bool board_take_tick(void);

/* The unit has ticked, every step in its order (vcu_is_well): the only reason to leave the watchdog content. Looks after bus and registers too. */
void board_tick_done(void);

/* Bytes from the host: the machine's interrupt fills it. */
ring_t *board_from_host(void);

/* Bytes for the host: board_serve() sends them as the port takes them. */
ring_t *board_to_host(void);

bool board_receive_frame(can_frame_t *frame);
void board_send_frame(const can_frame_t *frame);

/* Move what the hardware takes without waiting. */
void board_serve(void);

/* Sleep until there is something to do, unless there is already. */
void board_idle(void);

uint32_t board_health(board_health_t item);

/* Number of this very machine, from the chip's own; 0 where it has none. */
uint16_t board_number(void);

_Noreturn void board_restart(void);

/* The last crash that the host was not told of: program counter, link register, xPSR, stack pointer, CFSR, HFSR, MMFAR,
 * BFAR, time in ms; or false. */
#define BOARD_CRASH_WORDS 9U

bool board_crash(uint32_t words[BOARD_CRASH_WORDS]);
void board_forget_crash(void);

/* Flash for store.c: two slots, each erased as a whole, programmed by words that were blank. Every call is bounded and says whether the
 * flash now holds what was asked for. */
#define BOARD_SLOTS 2U

const uint32_t *board_slot(uint32_t slot);
uint32_t        board_slot_words(void);
bool            board_slot_erase(uint32_t slot);
bool            board_slot_program(uint32_t slot, uint32_t index, uint32_t word);

#endif

/* clock.h - 168 MHz from the crystal, or from the internal oscillator where the crystal does not start. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

typedef enum {
    CLOCK_SOURCE_CRYSTAL = 0, /* exact */
    CLOCK_SOURCE_INTERNAL,    /* 1 % off: good for a serial port, too bad for CAN */
    CLOCK_SOURCE_RESET,       /* the PLL does not lock: 16 MHz as after reset */
    CLOCK_SOURCE_EMULATED     /* nothing to set, and always full speed */
} clock_source_t;

void clock_init(void);

clock_source_t clock_source(void);

uint32_t clock_core_hz(void);
uint32_t clock_apb1_hz(void); /* USART2, CAN */
uint32_t clock_apb2_hz(void); /* USART1 */

#endif

/* pins.h - what differs between boards with this chip: crystal and pins. Common F407 discovery boards by default.
 *
 *   serial port   USART2: TX on PA2, RX on PA3 (BOARD_USART 1: USART1, TX on PB6, RX on PB7)
 *   CAN           CAN1: RX on PB8, TX on PB9, to a transceiver
 */
#ifndef PINS_H
#define PINS_H

#ifndef BOARD_CRYSTAL_HZ
#define BOARD_CRYSTAL_HZ 8000000UL
#endif

#ifndef BOARD_USART
#define BOARD_USART 2
#endif

#ifndef BOARD_BAUD
#define BOARD_BAUD 2000000UL
#endif

#include <stdint.h>

#define PINS_FUNCTION_USART 7U
#define PINS_FUNCTION_CAN 9U

/* Give a pin to a peripheral. `port` is GPIOA or GPIOB, their clocks run. */
void pins_assign(uint32_t port, uint32_t pin, uint32_t function);

#endif

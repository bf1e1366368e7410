/* usart.h - the serial port to the host: an interrupt takes what comes, the superloop sends. */
#ifndef USART_H
#define USART_H

#include "ring.h"

#include <stdint.h>

/* Bytes that come go into `received` from now on. */
void usart_init(ring_t *received);

/* Send bytes of `waiting` for as long as the port takes them without a wait. On silicon that is one a call at 2 Mbaud;
 * no interrupt is involved, since the emulator raises none for sending. */
void usart_serve(ring_t *waiting);

/* Bytes that the wire garbled or that were overrun before the interrupt came. */
uint32_t usart_garbled_count(void);

#endif

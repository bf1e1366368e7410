#include "usart.h"

#include "clock.h"
#include "numeric.h"
#include "pins.h"
#include "registers.h"
#include "startup.h"

#include <stddef.h>

#define PRIORITY 4U /* first of all: at 2 Mbaud the next byte comes in 5 us */
#define ERRORS (USART_SR_PE | USART_SR_FE | USART_SR_NF | USART_SR_ORE)

#if BOARD_USART == 1
#define PORT USART1
#else
#define PORT USART2
#endif

static ring_t          *target;
static _Atomic uint32_t garbled_count;

static void start_port(uint32_t clock_hz)
{
    registers_keep(PORT + USART_BRR, 0xFFFFUL, (clock_hz + (BOARD_BAUD / 2U)) / BOARD_BAUD);
    registers_keep(PORT + USART_CR1, 0xFFFFUL, USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE);
}

/* SR, then DR: this order takes the byte and forgets its errors. A garbled byte is passed on: the reader of lines
 * refuses what it does to them, and says so to the host. */
static void take(void)
{
    const uint32_t status = registers_read(PORT + USART_SR);

    if ((status & (USART_SR_RXNE | ERRORS)) != 0U) {
        const uint8_t byte = (uint8_t)(registers_read(PORT + USART_DR) & 0xFFU);

        if ((status & ERRORS) != 0U) {
            garbled_count = numeric_count_u32(garbled_count);
        }
        if ((status & USART_SR_RXNE) != 0U) {
            (void)ring_put(target, &byte, 1U);
        }
    }
}

void startup_usart1(void)
{
    take();
}

void startup_usart2(void)
{
    take();
}

void usart_init(ring_t *received)
{
    target = received;
#if BOARD_USART == 1
    registers_keep(RCC_APB2ENR, RCC_APB2ENR_USART1EN, RCC_APB2ENR_USART1EN);
    pins_assign(GPIOB, 6U, PINS_FUNCTION_USART);
    pins_assign(GPIOB, 7U, PINS_FUNCTION_USART);
    start_port(clock_apb2_hz());
    registers_enable_interrupt(IRQ_USART1, PRIORITY);
#else
    registers_keep(RCC_APB1ENR, RCC_APB1ENR_USART2EN, RCC_APB1ENR_USART2EN);
    pins_assign(GPIOA, 2U, PINS_FUNCTION_USART);
    pins_assign(GPIOA, 3U, PINS_FUNCTION_USART);
    start_port(clock_apb1_hz());
    registers_enable_interrupt(IRQ_USART2, PRIORITY);
#endif
}

void usart_serve(ring_t *waiting)
{
    uint8_t byte = 0U;

    while (((registers_read(PORT + USART_SR) & USART_SR_TXE) != 0U) && ring_get(waiting, &byte)) {
        registers_write(PORT + USART_DR, byte);
    }
}

uint32_t usart_garbled_count(void)
{
    return garbled_count;
}

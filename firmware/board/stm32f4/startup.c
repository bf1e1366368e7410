/* startup.c - from reset to main: floating point on, .data copied, .bss cleared. No library is linked. */
#include "startup.h"

#include <stddef.h>
#include <stdint.h>

extern uint32_t _estack;
extern uint32_t _sidata;
extern uint32_t _sdata;
extern uint32_t _edata;
extern uint32_t _sbss;
extern uint32_t _ebss;

int main(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88UL)
#define CPACR_FPU_FULL_ACCESS (0xFUL << 20)

void startup_reset(void)
{
    const uint32_t *source = &_sidata;

    CPACR |= CPACR_FPU_FULL_ACCESS; /* before anything that may touch a float register */
    __asm volatile("dsb\n\tisb" ::: "memory");
    for (uint32_t *target = &_sdata; target < &_edata; target++) {
        *target = *source;
        source++;
    }
    for (uint32_t *target = &_sbss; target < &_ebss; target++) {
        *target = 0U;
    }
    (void)main();
    for (;;) {
        __asm volatile("wfi");
    }
}

/* A handler that nobody wrote: stop here, the watchdog restarts the unit. */
void startup_unexpected(void)
{
    for (;;) {
        __asm volatile("nop");
    }
}

#define WEAK_HANDLER(name) void name(void) __attribute__((weak, alias("startup_unexpected")))
WEAK_HANDLER(startup_nmi);
WEAK_HANDLER(startup_fault);
WEAK_HANDLER(startup_systick);
WEAK_HANDLER(startup_can1_rx0);
WEAK_HANDLER(startup_usart1);
WEAK_HANDLER(startup_usart2);

#define VECTOR_COUNT 98U /* 16 of the core, 82 of the device */

typedef void (*vector_t)(void);

typedef union {
    vector_t  handler;
    uint32_t *stack;
} entry_t;

/* clang-format off */
#define TO(name) {.handler = (name)}
#define NONE     TO(startup_unexpected)
#define NONE_4   NONE, NONE, NONE, NONE
#define NONE_16  NONE_4, NONE_4, NONE_4, NONE_4

__attribute__((section(".isr_vector"), used)) static const entry_t vectors[VECTOR_COUNT] = {
    {.stack = &_estack}, TO(startup_reset), TO(startup_nmi),
    TO(startup_fault), TO(startup_fault), TO(startup_fault), TO(startup_fault), /* hard, memory, bus, usage */
    NONE_4, NONE_4, TO(startup_systick),
    NONE_16, NONE_4, TO(startup_can1_rx0),              /* device 0 to 20 */
    NONE_16, TO(startup_usart1), TO(startup_usart2),    /* 21 to 38 */
    NONE_16, NONE_16, NONE_4, NONE_4, NONE, NONE, NONE, /* 39 to 81 */
};
/* clang-format on */

/* The compiler calls these three for structures and arrays, even without a library. */

void *memcpy(void *restrict target, const void *restrict source, size_t size)
{
    unsigned char       *to   = (unsigned char *)target;
    const unsigned char *from = (const unsigned char *)source;

    for (size_t i = 0U; i < size; i++) {
        to[i] = from[i];
    }
    return target;
}

void *memmove(void *target, const void *source, size_t size)
{
    unsigned char       *to   = (unsigned char *)target;
    const unsigned char *from = (const unsigned char *)source;

    if (to <= from) {
        for (size_t i = 0U; i < size; i++) {
            to[i] = from[i];
        }
    } else {
        for (size_t i = size; i > 0U; i--) {
            to[i - 1U] = from[i - 1U];
        }
    }
    return target;
}

void *memset(void *target, int value, size_t size)
{
    unsigned char *to = (unsigned char *)target;

    for (size_t i = 0U; i < size; i++) {
        to[i] = (unsigned char)value;
    }
    return target;
}

/* startup.h - interrupt handlers by name; a board writes those that it uses. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stddef.h>

void startup_reset(void);
void startup_unexpected(void);
void startup_nmi(void);
void startup_fault(void);
void startup_systick(void);
void startup_can1_rx0(void);
void startup_usart1(void);
void startup_usart2(void);

void *memcpy(void *restrict target, const void *restrict source, size_t size);
void *memmove(void *target, const void *source, size_t size);
void *memset(void *target, int value, size_t size);

#endif

/* systick.h - one interrupt a millisecond. */
#ifndef SYSTICK_H
#define SYSTICK_H

#include <stdint.h>

void systick_init(void);

/* Milliseconds since start; wraps after 49 days. */
uint32_t systick_ms(void);

#endif

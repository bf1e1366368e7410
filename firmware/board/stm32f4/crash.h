/* crash.h - what the processor was doing when it could not go on, kept in RAM over the restart that follows. */
#ifndef CRASH_H
#define CRASH_H

#include <stdbool.h>
#include <stdint.h>

/* Words in the order of the report. */
typedef enum {
    CRASH_WORD_PC = 0,
    CRASH_WORD_LR,
    CRASH_WORD_XPSR,
    CRASH_WORD_SP,
    CRASH_WORD_CFSR,
    CRASH_WORD_HFSR,
    CRASH_WORD_MMFAR,
    CRASH_WORD_BFAR,
    CRASH_WORD_TIME_MS,
    CRASH_WORD_COUNT
} crash_word_t;

/* The record of the last crash, or false: there is none that was not told yet. RAM after power-on holds anything, so
 * the record carries a checksum. */
bool crash_read(uint32_t words[CRASH_WORD_COUNT]);

/* It was told. */
void crash_forget(void);

#endif

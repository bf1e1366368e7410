/* signal.h - a value together with the right to believe it. */
#ifndef VCU_SIGNAL_H
#define VCU_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

/* One input. Its unit stands in the name of the member that holds it; its age is that of its message (inputs.h). */
typedef struct {
    float   value;     /* never read unless is_usable */
    uint8_t is_usable; /* valid and not too old: what all who read it ask */
    uint8_t is_valid;  /* decided at the door; never 1 for a NaN or a value out of range */
    uint8_t is_new;    /* this tick brought it */
    uint8_t reserved;
} signal_t;
_Static_assert(sizeof(signal_t) == 8U, "signal_t: hidden padding");

static inline bool signal_is_usable(const signal_t *signal)
{
    return signal->is_usable != 0U;
}

/* A usable sample arrived since the last tick. */
static inline bool signal_is_new(const signal_t *signal)
{
    return signal_is_usable(signal) && (signal->is_new != 0U);
}

/* A code of a value table, when the signal is usable and shows exactly this code. */
static inline bool signal_shows(const signal_t *signal, uint32_t code)
{
    return signal_is_usable(signal) && ((uint32_t)signal->value == code);
}

#endif

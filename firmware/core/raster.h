/* raster.h - the slow world: heat, air, fuel and their like are decided every 10 ms, not every millisecond.
 *
 * A module of the raster runs once in RASTER_TICKS ticks, each at a phase of its own (control.c), so that no tick
 * carries them all. It counts time in ticks like everybody, by the helpers below: one call is RASTER_TICKS of them.
 */
#ifndef RASTER_H
#define RASTER_H

#include "numeric.h"

#define RASTER_TICKS 10U

/* Saturating count of ticks: one period more. */
static inline uint16_t raster_count_u16(uint16_t ticks)
{
    return (ticks < (UINT16_MAX - RASTER_TICKS)) ? (uint16_t)(ticks + RASTER_TICKS) : UINT16_MAX;
}

static inline uint32_t raster_count_u32(uint32_t ticks)
{
    return (ticks < (UINT32_MAX - RASTER_TICKS)) ? (ticks + RASTER_TICKS) : UINT32_MAX;
}

/* Ticks for which a condition has held without a break, this period included. */
static inline uint16_t raster_held_u16(uint16_t ticks, bool condition)
{
    return condition ? raster_count_u16(ticks) : 0U;
}

/* One period towards `to`; see numeric_slew. */
static inline float raster_slew(float from, float to, float up_per_s, float down_per_s)
{
    return numeric_slew(from, to, up_per_s * (float)RASTER_TICKS, down_per_s * (float)RASTER_TICKS);
}

/* One period of a first-order lag; see numeric_lag. */
static inline float raster_lag(float from, float to, float tau_ms)
{
    return numeric_lag(from, to, (float)RASTER_TICKS, tau_ms);
}

#endif

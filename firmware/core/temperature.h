/* temperature.h - is a temperature sensor to be believed?
 *
 * A sensor is lost when its sample is invalid or stale, or when it moves faster than anything with that mass of metal
 * and fluid can: an open or shorted wire. It is believed again after it has been plausible for heal_ms and is back near
 * the last believed value. The allowance grows with the time it was lost, upwards without end, downwards only as far as
 * a car under way cools: a broken probe that settles at a cold reading is not healed by patience (PAIN-83). Where
 * other sensors contradict it, it is lost however plausible its samples are.
 */
#ifndef TEMPERATURE_H
#define TEMPERATURE_H

#include "calibration.h"
#include "signal.h"

typedef enum {
    TEMPERATURE_COOLANT = 0,
    TEMPERATURE_ENGINE_OIL,
    TEMPERATURE_CHARGE_AIR,
    TEMPERATURE_GEARBOX_OIL,
    TEMPERATURE_COUNT
} temperature_id_t;

typedef enum {
    TEMPERATURE_UNKNOWN = 0, /* just started, no sample yet */
    TEMPERATURE_BELIEVED,
    TEMPERATURE_LOST
} temperature_state_t;

typedef struct {
    float    degC;         /* last believed value */
    float    sample_degC;  /* last sample, believed or not */
    uint32_t lost_ticks;
    uint16_t since_ticks;  /* since the last sample */
    uint16_t good_ticks;   /* plausible for this long while lost */
    uint8_t  state;        /* temperature_state_t */
    uint8_t  is_known;     /* there has been a believed value since start */
    uint8_t  is_contradicted; /* other sensors speak against it (coolant_peers.h) */
    uint8_t  reserved;
} temperature_t;
_Static_assert(sizeof(temperature_t) == 20U, "temperature_t: hidden padding");

/* One period of the raster. `is_recent`: its message came since the last one; `since_start_ticks` saturates. */
void temperature_tick(temperature_t *temperature, const vcu_calibration_t *cal, const signal_t *signal_degC,
                      bool is_recent, uint16_t since_start_ticks);

static inline bool temperature_is_believed(const temperature_t *temperature)
{
    return temperature->state == (uint8_t)TEMPERATURE_BELIEVED;
}

/* This period of the raster brought a sample. */
static inline bool temperature_is_new(const temperature_t *temperature)
{
    return temperature->since_ticks == 0U;
}

static inline bool temperature_is_lost(const temperature_t *temperature)
{
    return temperature->state == (uint8_t)TEMPERATURE_LOST;
}

#endif

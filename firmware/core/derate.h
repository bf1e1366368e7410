/* derate.h - torque bounds of the four temperatures: slopes with hysteresis and rate limits, never a cliff.
 *
 * From start_degC to half_degC the bound falls linearly to half, flat beyond; above limp_degC for limp_delay_ms it goes
 * to limp. A lost sensor leaves lost_ratio, and never more than the temperature last believed would leave, nor than the
 * bound at the moment of the loss.
 */
#ifndef DERATE_H
#define DERATE_H

#include "calibration.h"
#include "temperature.h"

typedef struct {
    float    bound_Nm[TEMPERATURE_COUNT];
    float    target_Nm[TEMPERATURE_COUNT]; /* what the temperature allows; the bound follows at its rates */
    float    held_degC[TEMPERATURE_COUNT]; /* follows a falling temperature hysteresis_K behind */
    uint16_t limp_ticks[TEMPERATURE_COUNT];
    uint8_t  is_limp[TEMPERATURE_COUNT];
    uint8_t  is_fallback[TEMPERATURE_COUNT]; /* the bound stands for a lost sensor */
} derate_t;
_Static_assert(sizeof(derate_t) == 64U, "derate_t: hidden padding");

void derate_init(derate_t *derate, const vcu_calibration_t *cal);

/* One period of the raster. `lost_fans` start the coolant's slope earlier; `hidden_K` is what its probe may be short of
 * (coolant_peers.h). */
void derate_tick(derate_t *derate, const vcu_calibration_t *cal, const temperature_t temperature[TEMPERATURE_COUNT],
                 uint32_t lost_fans, float hidden_K);

#endif

/* radiator.h - how much heat the radiator still gives away, and what that lets the engine do.
 *
 * A hot day and sand in the core both make the coolant hot. They are told apart by the heat that goes: flow of coolant
 * times the difference between inlet and outlet, against what a clean core gives at this air speed, density and
 * temperature difference. Only steady windows count: the core stores heat, and a fan that has just started does not
 * blow yet. While the thermostat is closed nothing can be seen.
 *
 * Not used as evidence, and why: oil temperature (lags by minutes), fan current (says that a fan turns, not what air
 * goes through the core).
 */
#ifndef RADIATOR_H
#define RADIATOR_H

#include "calibration.h"
#include "cooling.h"
#include "inputs.h"
#include "temperature.h"

#define RADIATOR_FOREVER_s 3600.0f

typedef struct {
    float    clean_ratio;     /* heat given away over that of a clean core */
    float    weight_s;        /* of steady windows behind it, up to average_s */
    float    sustained_kW;    /* brake power at which the coolant stays below its derate, in the present air */
    float    slope_Kps;       /* of the coolant, over seconds */
    float    until_half_s; /* until the coolant takes half of the torque, at this slope; RADIATOR_FOREVER_s at most */
    float    window_degC; /* coolant at the beginning of the window */
    float    last_degC; /* coolant at the last sample */
    uint16_t window_ticks; /* steady for this long */
    uint16_t since_ticks; /* since the last sample */
    uint8_t  window_fans; /* mask of the fans that ran at the beginning of the window */
    uint8_t  has_last; /* last_degC is a sample of this drive */
    uint8_t  reserved[2];
} radiator_t;
_Static_assert(sizeof(radiator_t) == 36U, "radiator_t: hidden padding");

void radiator_init(radiator_t *radiator);

/* To go on from the ratio that was known before power-off. It weighs nothing: the crew may have washed the core. */
void radiator_recall(radiator_t *radiator, float clean_ratio);

/* One period of the raster. */
void radiator_tick(radiator_t *radiator, const vcu_calibration_t *cal, const inputs_t *inputs,
                   const temperature_t *coolant, const cooling_t *cooling);

#endif

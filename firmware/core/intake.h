/* intake.h - the air restrictor as choked flow behind the sand filter: what the air allows, and whether the measured
 * flow can be true.
 *
 * m = 0.04042 Cd A p0 / sqrt(T0) in SI (gamma 1.4, R 287): the formula of compressible mass flow. Power is that flow
 * over the mixture ratio, times heating value and efficiency; torque is power over engine speed. An unknown input is
 * replaced by the worst of its last sample, its last filtered value and the calibrated one, so that losing a sensor
 * never raises the cap.
 *
 * The filter's loss counts at the choked flow, not at the present one: at part load the pressure behind it promises air
 * that is gone as soon as the throttle opens. What the index of filter.h foretells and what is measured: the larger.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "calibration.h"
#include "filter.h"
#include "inputs.h"

typedef struct {
    float    pressure_kPa;    /* ambient, as used */
    float    air_degC;        /* before the restrictor, as used */
    float    filter_loss_kPa; /* as used: measured or foretold for the choked flow, the larger */
    float    measured_kPa;    /* loss as measured, smoothed; the worst assumption when unknown */
    float    heard_pressure_kPa; /* last usable samples */
    float    heard_air_degC;
    float    heard_filter_kPa;
    float    speed_rpm;     /* of the engine, as used: the fastest of three samples */
    float    before_rpm[2]; /* the two usable samples before the last */
    float    choked_flow_gps;
    float    power_cap_kW;
    float    torque_cap_Nm; /* at the present engine speed */
    float    filter_cost_kW; /* power that the filter's loss takes from the cap */
    uint16_t leak_ticks;   /* more air than can pass the restrictor for this long */
    uint16_t short_ticks;  /* less air than the restrictor passes, while it alone holds the engine, for this long */
    uint8_t  is_assumed;    /* at least one of the three inputs */
    uint8_t  is_leaking;    /* air comes in behind the restrictor, or the meter reads high */
    uint8_t  is_short;      /* something else holds the air back, or the meter reads low */
    uint8_t  has_pressure;  /* the outside pressure has been heard since start */
} intake_t;
_Static_assert(sizeof(intake_t) == 64U, "intake_t: hidden padding");

void intake_init(intake_t *intake, const vcu_calibration_t *cal);

/* One period of the raster: flow and power that the air allows. `is_air_bound`: the restrictor's cap is what holds the
 * engine, so that all the air that can pass should. */
void intake_tick(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs, const filter_t *filter,
                 bool is_air_bound);

/* One tick: torque at the present engine speed, which runs away within a period. It follows the fastest of three
 * samples: noise gives nothing, and a fall is followed 20 ms later. */
void intake_follow(intake_t *intake, const signal_t *engine_speed_rpm);

#endif

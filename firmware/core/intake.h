/* intake.h - the air restrictor as choked flow behind the sand filter: what the air allows.
 *
 * m = 0.04042 Cd A p0 / sqrt(T0) in SI (gamma 1.4, R 287): the formula of compressible mass flow. Power is that flow
 * over the mixture ratio, times heating value and efficiency; torque is power over engine speed. An unknown input is
 * replaced by the worst of its last sample, its last filtered value and the calibrated one, so that losing a sensor
 * never raises the cap.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "calibration.h"
#include "inputs.h"

typedef struct {
    float   pressure_kPa;    /* ambient, as used */
    float   air_degC;        /* before the restrictor, as used */
    float   filter_loss_kPa; /* as used */
    float   heard_pressure_kPa; /* last usable samples */
    float   heard_air_degC;
    float   heard_filter_kPa;
    float   speed_rpm; /* of the engine, last usable */
    float   choked_flow_gps;
    float   power_cap_kW;
    float   torque_cap_Nm; /* at the present engine speed */
    uint8_t is_assumed;    /* at least one of the three inputs */
    uint8_t reserved[3];
} intake_t;
_Static_assert(sizeof(intake_t) == 44U, "intake_t: hidden padding");

void intake_init(intake_t *intake, const vcu_calibration_t *cal);

/* One period of the raster: flow and power that the air allows. */
void intake_tick(intake_t *intake, const vcu_calibration_t *cal, const inputs_t *inputs);

/* One tick: torque at the present engine speed, which runs away within a period. */
void intake_follow(intake_t *intake, const signal_t *engine_speed_rpm);

#endif

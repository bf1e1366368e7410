/* plant_heat.h - coolant, oils, charge air, radiator, four fan motors and the 12 V supply; a step every 10 ms. */
#ifndef PLANT_HEAT_H
#define PLANT_HEAT_H

#include "plant_parameters.h"

#define PLANT_FANS 4U

typedef struct {
    double degC;
    double kPa;
    double wind_mps; /* along the track, a tail wind is positive */
} plant_ambient_t;

/* What the rest of the car does to heat and supply. */
typedef struct {
    double   brake_W;
    double   engine_rpm;
    double   speed_mps;
    double   gear_loss_W;
    double   fan_duty[PLANT_FANS]; /* 0 to 1 */
    double   pump_duty;
    double   dust_kgpm3;
    uint32_t is_cranking;
    uint32_t is_running;
    uint32_t open_fan_mask;    /* a wire is off */
    uint32_t stalled_fan_mask; /* a fan is blocked */
} plant_heat_load_t;

typedef struct {
    double coolant_degC; /* at the radiator inlet */
    double coolant_out_degC;
    double oil_degC;
    double gearbox_degC;
    double charge_degC;
    double blocked_ratio; /* of the radiator's face */
    double fan_radps[PLANT_FANS];
    double fan_A[PLANT_FANS];
    double battery_V;
    double charge_ratio; /* of the battery */
    double face_mps;     /* air at the radiator */
    double radiator_WpK; /* of the last time that it was worked out */
    double radiator_s;   /* since then */
    double radiator_W;
    double fan_energy_J;
    double supply_A;
} plant_heat_t;

/* Effectiveness-NTU of the radiator: heat per kelvin between coolant inlet and air, in cross flow, both unmixed. */
double plant_radiator_WpK(const plant_parameters_t *p, double face_mps, double blocked_ratio, double coolant_kgps,
                          double air_kgpm3);

/* Density of air. */
double plant_air_kgpm3(const plant_ambient_t *ambient);

void plant_heat_init(plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     double coolant_degC, double blocked_ratio);

void plant_heat_step(plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     const plant_heat_load_t *load, double dt_s);

#endif

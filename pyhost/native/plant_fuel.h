/* plant_fuel.h - tank with slosh, collector, lift pump and rail; sand filter and restrictor; a step every 10 ms. */
#ifndef PLANT_FUEL_H
#define PLANT_FUEL_H

#include "plant_heat.h"
#include "plant_parameters.h"

typedef struct {
    double   engine_Nm;
    double   engine_radps;
    double   force_mps2[3]; /* specific force in the body */
    double   dust_kgpm3;
    double   duct_kPa; /* further loss: a duct blocked by sand */
    uint32_t is_running;
    uint32_t is_lift_pump_dead;
    uint32_t is_filter_bypassed;
    uint32_t reserved;
} plant_fuel_load_t;

typedef struct {
    double main_L;
    double collector_L;
    double tilt[2]; /* tangent of the surface's angle along and across: forward and left positive is deeper there */
    double tilt_rate[2];
    double cover; /* share of the time in which the pick-ups are covered, filtered */
    double rail_ratio; /* of its set pressure */
    double used_L;
    double fuel_mlps;
    double air_kgps;
    double filter_kPa;
    double dust_kg; /* in the filter */
    double choked_kgps;
    double power_W; /* that the restrictor allows */
    double sender_L[2]; /* left, right: depth there as volume of the whole tank */
} plant_fuel_t;

void plant_fuel_init(plant_fuel_t *fuel, const plant_parameters_t *p, double fuel_L, double dust_kg);

void plant_fuel_step(plant_fuel_t *fuel, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     const plant_fuel_load_t *load, double dt_s);

/* Fuel on board in kg. */
double plant_fuel_kg(const plant_fuel_t *fuel, const plant_parameters_t *p);

#endif

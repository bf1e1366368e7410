/* plant_vehicle.h - the whole simulated car, a millisecond at a time. The equations stand in docs/simulator.md.
 *
 * No clock, no heap, no library mathematics: the same start gives the same bytes. One struct is all there is; the
 * ground belongs to the caller.
 */
#ifndef PLANT_VEHICLE_H
#define PLANT_VEHICLE_H

#include "plant_body.h"
#include "plant_driveline.h"
#include "plant_fuel.h"
#include "plant_heat.h"
#include "plant_parameters.h"
#include "plant_terrain.h"

/* Where energy goes, for the balance that proves the plant; kept only when asked for. */
typedef struct {
    double engine_J; /* done by the engine; all others are lost */
    double clutch_J; /* converter and clutches */
    double gear_J;
    double shaft_J;
    double differential_J;
    double brake_J;
    double slip_J;
    double damper_J; /* suspension and tyres */
    double resist_J; /* rolling and air */
    double lever_J;  /* what the simple suspension geometry makes up: traction at the hub, weight at the body */
} plant_ledger_t;

/* Faults of the car itself; those of its sensors are elsewhere. */
typedef struct {
    double   duct_kPa; /* loss of a blocked duct at 0.25 kg/s */
    uint32_t open_fan_mask;
    uint32_t stalled_fan_mask;
    uint32_t is_lift_pump_dead;
    uint32_t is_coolant_pump_dead;
    uint32_t is_filter_bypassed;
    uint32_t reserved;
} plant_faults_t;

/* How the car begins. */
typedef struct {
    plant_ambient_t ambient;
    double          x_m;
    double          speed_mps;
    double          fuel_L;
    double          filter_dust_kg;
    double          coolant_degC;
    double          blocked_ratio;
    double          dust_factor; /* times the dust of the surface: behind another car */
    uint32_t        gear;        /* 0: the lowest that keeps the engine below 4500 rpm */
    uint32_t        is_running;
} plant_start_t;

typedef struct {
    plant_parameters_t p;
    terrain_t          terrain;
    plant_ambient_t    ambient; /* at the start's height */
    plant_body_t       body;
    plant_driveline_t  line;
    plant_heat_t       heat;
    plant_fuel_t       fuel;
    plant_command_t    command;
    plant_faults_t     faults;
    plant_ledger_t     ledger;
    plant_rates_t      rates;
    double             air_kgpm3; /* of the ambient air */
    double             dust_factor;
    double             fan_duty[PLANT_FANS];
    double             pump_duty;
    double             traction_N; /* of the last step, all wheels */
    uint32_t           tick;
    uint32_t           piece; /* of the ground under the front axle */
    uint32_t           steps_per_ms;
    uint32_t           has_ledger;
    uint32_t           is_airborne;
    uint32_t           is_over; /* on its side or nose: the model ends here */
} plant_vehicle_t;

void plant_vehicle_init(plant_vehicle_t *vehicle, const plant_parameters_t *p, const terrain_t *terrain,
                        const plant_start_t *start);

/* A millisecond passes under the present command. */
void plant_vehicle_tick(plant_vehicle_t *vehicle);

/* Energy in motion, height and springs. */
double plant_vehicle_energy_J(const plant_vehicle_t *vehicle);

/* The piece of ground that the car is on. */
static inline const terrain_piece_t *plant_vehicle_here(const plant_vehicle_t *vehicle)
{
    return &vehicle->terrain.piece[vehicle->piece];
}

#endif

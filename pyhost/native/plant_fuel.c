#include "plant_fuel.h"

#include "plant_maths.h"

#include <stdbool.h>

#define REFERENCE_KGPS 0.25      /* flow at which the clean filter's loss is given */
#define BYPASS_RATIO 0.4         /* of the loss that is left when the filter leaks */
#define CHOKED_CONSTANT 0.040415 /* SI, air: gamma 1.4, 287 J/kg/K */
#define FLOAT_FORCE_RATIO 0.2    /* of 1 g: below, fuel floats and the surface keeps its angle */
#define SENDER_RATIO 0.35        /* of the width, from the middle */
#define PICK_UP_RATIO 0.25
#define COVER_S 0.1
#define PUMPED_KGPR 2.0e-4       /* air through a closed throttle, kg/s per rad/s of the crank */
#define ML_PER_L 1000.0

void plant_fuel_init(plant_fuel_t *fuel, const plant_parameters_t *p, double fuel_L, double dust_kg)
{
    const double in_collector_L = plant_min(p->collector_L, fuel_L);

    *fuel = (plant_fuel_t){
        .main_L      = fuel_L - in_collector_L,
        .collector_L = in_collector_L,
        .cover       = 1.0,
        .rail_ratio  = 1.0,
        .dust_kg     = dust_kg,
        .power_W     = 290e3,
    };
    fuel->sender_L[0] = fuel->main_L;
    fuel->sender_L[1] = fuel->main_L;
}

double plant_fuel_kg(const plant_fuel_t *fuel, const plant_parameters_t *p)
{
    return (fuel->main_L + fuel->collector_L) * p->fuel_kgpL;
}

static double depth_m(const plant_fuel_t *fuel, const plant_parameters_t *p, double forward_m, double left_m)
{
    const double mean_m = fuel->main_L / 1000.0 / (p->tank_length_m * p->tank_width_m);
    const double full_m = p->tank_L / 1000.0 / (p->tank_length_m * p->tank_width_m);

    return plant_clamp(mean_m + (fuel->tilt[0] * forward_m) + (fuel->tilt[1] * left_m), 0.0, full_m);
}

/* The surface swings towards the specific force, at the first natural frequency of a rectangular tank. */
static void slosh(plant_fuel_t *fuel, const plant_parameters_t *p, const plant_fuel_load_t *load, double dt_s)
{
    const double length[2] = {p->tank_length_m, p->tank_width_m};
    const double up_mps2   = load->force_mps2[2];
    const double mean_m    = plant_max(fuel->main_L / 1000.0 / (length[0] * length[1]), 0.005);

    if (up_mps2 > (FLOAT_FORCE_RATIO * PLANT_GRAVITY_MPS2)) {
        for (uint32_t i = 0U; i < 2U; i++) {
            const double wave  = PLANT_PI / length[i];
            const double w2    = up_mps2 * wave * plant_tanh(wave * mean_m);
            const double w     = plant_sqrt(w2);
            const double goal  = plant_clamp(-load->force_mps2[i] / up_mps2, -1.5, 1.5);
            const double accel = (w2 * (goal - fuel->tilt[i])) - (2.0 * p->slosh_ratio * w * fuel->tilt_rate[i]);

            fuel->tilt_rate[i] += accel * dt_s;
            fuel->tilt[i] += fuel->tilt_rate[i] * dt_s;
        }
    } else {
        fuel->tilt_rate[0] = 0.0;
        fuel->tilt_rate[1] = 0.0;
    }
}

/* Lift pump with two pick-ups at the rear corners, collector, rail. */
static void supply(plant_fuel_t *fuel, const plant_parameters_t *p, const plant_fuel_load_t *load, double dt_s)
{
    const bool   floats   = load->force_mps2[2] <= (FLOAT_FORCE_RATIO * PLANT_GRAVITY_MPS2);
    const double back_m   = -PICK_UP_RATIO * p->tank_length_m;
    const double aside_m  = PICK_UP_RATIO * p->tank_width_m;
    const double lowest_m = plant_min(depth_m(fuel, p, back_m, aside_m), depth_m(fuel, p, back_m, -aside_m));
    const bool   covered  = !floats && (lowest_m > p->pick_up_m) && (fuel->main_L > p->unusable_L);

    fuel->cover = plant_lag(fuel->cover, covered ? 1.0 : 0.0, dt_s, COVER_S);

    const double pump_L = (load->is_lift_pump_dead != 0U) ? 0.0 : (p->lift_pump_mlps * fuel->cover * dt_s / ML_PER_L);
    const double room_L = p->collector_L - fuel->collector_L;
    const double in_L   = plant_clamp(pump_L, 0.0, plant_min(room_L, fuel->main_L));
    const double out_L  = plant_min(fuel->fuel_mlps * dt_s / ML_PER_L, fuel->collector_L + in_L);

    fuel->main_L -= in_L;
    fuel->collector_L += in_L - out_L;
    fuel->used_L += out_L;
    fuel->rail_ratio = plant_lag(fuel->rail_ratio, (fuel->collector_L > 0.0) ? 1.0 : 0.0, dt_s, p->rail_s);
}

/* Filter loss and choked flow hang on each other; the last step's loss is close enough to this one's. */
static void breathe(plant_fuel_t *fuel, const plant_parameters_t *p, const plant_ambient_t *ambient,
                    const plant_fuel_load_t *load, double dt_s)
{
    const double radius_m  = p->restrictor_mm / 2000.0;
    const double area_m2   = PLANT_PI * radius_m * radius_m;
    const double p0_Pa     = plant_max(ambient->kPa - fuel->filter_kPa, 1.0) * 1000.0;
    const double t0_K      = ambient->degC + PLANT_KELVIN_AT_0_DEGC;
    const double power_W   = plant_max(load->engine_Nm * load->engine_radps, 0.0);
    const double idle      = p->idle_fuel_kgps * load->engine_radps / (p->idle_rpm * PLANT_RADPS_PER_RPM);
    const double fuel_kgps = ((load->is_running != 0U) && (load->engine_Nm > 0.0))
                                 ? plant_max(power_W / (p->brake_efficiency_ratio * p->fuel_Jpkg), idle)
                                 : 0.0;
    const double loss      = p->filter_kPa * (1.0 + (fuel->dust_kg / p->filter_kg));

    fuel->choked_kgps = CHOKED_CONSTANT * p->discharge_ratio * area_m2 * p0_Pa / plant_sqrt(t0_K);
    fuel->power_W     = fuel->choked_kgps / p->air_fuel_ratio * p->fuel_Jpkg * p->brake_efficiency_ratio;
    fuel->fuel_mlps   = fuel_kgps / p->fuel_kgpL * ML_PER_L;
    fuel->air_kgps    = plant_lag(
        fuel->air_kgps,
        plant_min(plant_max(fuel_kgps * p->air_fuel_ratio, PUMPED_KGPR * load->engine_radps), fuel->choked_kgps), dt_s,
        p->air_rise_s);
    fuel->filter_kPa = (loss * plant_pow(fuel->air_kgps / REFERENCE_KGPS, p->filter_power) *
                        ((load->is_filter_bypassed != 0U) ? BYPASS_RATIO : 1.0)) +
                       (load->duct_kPa * fuel->air_kgps / REFERENCE_KGPS);
    fuel->dust_kg += p->filter_caught_ratio * load->dust_kgpm3 * fuel->air_kgps / plant_air_kgpm3(ambient) * dt_s;
}

void plant_fuel_step(plant_fuel_t *fuel, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     const plant_fuel_load_t *load, double dt_s)
{
    const double area_Lpm = p->tank_length_m * p->tank_width_m * 1000.0;

    slosh(fuel, p, load, dt_s);
    breathe(fuel, p, ambient, load, dt_s);
    supply(fuel, p, load, dt_s);
    fuel->sender_L[0] = depth_m(fuel, p, 0.0, SENDER_RATIO * p->tank_width_m) * area_Lpm;
    fuel->sender_L[1] = depth_m(fuel, p, 0.0, -SENDER_RATIO * p->tank_width_m) * area_Lpm;
}

#include "driver.h"

#include "plant_maths.h"

#include <stdbool.h>
#include <string.h>

#define TICK_S 0.001
#define THINK_TICKS 10U
#define THINK_S 0.010
#define FOOT_S 0.10           /* lag of the foot */
#define HILL_S 0.8            /* a driver answers a hill, not a whoop */
#define WISH_S 0.7            /* an error of speed is to be gone after this long */
#define HARDEST_MPS2 5.5      /* braking */
#define LIFT_TICKS 180U       /* air time after which a foot comes up */
#define BRAKE_MPS2_PPCT 0.085 /* deceleration that a per cent of brake pedal gives */
#define OVERRUN_MPS2 0.5      /* that the engine brakes by itself */
#define INTEGRAL_PPS 2.5      /* per cent of pedal per second and m/s */
#define INTEGRAL_MOST_PCT 30.0
#define WAITING_BRAKE_PCT 35.0

void driver_init(driver_t *driver, const driver_leg_t *leg, const driver_key_t *key, double speed_mps)
{
    memset(driver, 0, sizeof(*driver));
    driver->leg       = leg;
    driver->key       = *key;
    driver->entry_mps = speed_mps;
    driver->said      = (sensors_driver_t){.ignition = 1U};
}

static double leg_progress(const driver_t *driver, const plant_vehicle_t *vehicle)
{
    const double end_m    = vehicle->terrain.end_m[driver->leg_now];
    const double length_m = vehicle->terrain.piece[driver->leg_now].length_m;
    const double front_m  = vehicle->body.x_m + vehicle->body.corner_m[0];

    return plant_clamp(1.0 - ((end_m - front_m) / length_m), 0.0, 1.0);
}

/* Acceleration that the plan and the present error ask for. */
static double wish_mps2(driver_t *driver, const plant_vehicle_t *vehicle)
{
    const driver_leg_t *leg      = &driver->leg[driver->leg_now];
    const double        length_m = vehicle->terrain.piece[driver->leg_now].length_m;
    const double        entry2   = driver->entry_mps * driver->entry_mps;
    const double        exit2    = leg->exit_mps * leg->exit_mps;
    const double        goal2    = entry2 + ((exit2 - entry2) * leg_progress(driver, vehicle));

    driver->goal_mps = plant_sqrt(plant_max(goal2, 1.0));
    return plant_clamp(((exit2 - entry2) / 2.0 / length_m) + ((driver->goal_mps - vehicle->body.speed_mps) / WISH_S),
                       -HARDEST_MPS2, 4.0);
}

/* Pedal that gives a force at the wheels, by what the driver knows of his car. */
static double pedal_for(const plant_vehicle_t *vehicle, double force_N)
{
    const plant_parameters_t *p       = &vehicle->p;
    const double              radps   = plant_max(vehicle->line.engine_radps, 90.0);
    const double              full_Nm = plant_min(plant_full_load_Nm(p, radps), vehicle->command.power_W / radps);
    const double              ratio   = plant_max(vehicle->line.ratio, 2.0);
    const double              share   = force_N * p->radius_m / (full_Nm * ratio * p->efficiency_ratio);

    /* The pedal is progressive: 25, 50, 75 % give 18, 42, 70 % of torque. */
    return 100.0 * plant_clamp(share * (1.42 - (0.42 * plant_min(share, 1.0))), 0.0, 1.0);
}

static void follow_plan(driver_t *driver, const plant_vehicle_t *vehicle)
{
    const plant_body_t    *body     = &vehicle->body;
    const terrain_piece_t *here     = plant_vehicle_here(vehicle);
    const double           wish     = wish_mps2(driver, vehicle);
    const double           total_kg = body->sprung_kg + (PLANT_CORNERS * vehicle->p.unsprung_kg);
    const double           drag_N   = 0.6 * vehicle->p.drag_m2 * body->speed_mps * body->speed_mps;
    const double           hold_N   = total_kg * PLANT_GRAVITY_MPS2 * (here->surface.rolling_ratio + driver->slope);
    const double           force_N  = (total_kg * wish) + hold_N + drag_N;
    const double           lack_mps = driver->goal_mps - body->speed_mps;

    driver->over_mps = plant_clamp(driver->over_mps + (INTEGRAL_PPS * lack_mps * THINK_S), -INTEGRAL_MOST_PCT,
                                   INTEGRAL_MOST_PCT);
    if (force_N >= 0.0) {
        driver->pedal_pct = plant_clamp(pedal_for(vehicle, force_N) + driver->over_mps, 0.0, 100.0);
        driver->brake_pct = 0.0;
    } else {
        driver->pedal_pct = 0.0;
        driver->over_mps  = 0.0;
        driver->brake_pct = plant_clamp(((-force_N / total_kg) - OVERRUN_MPS2) / BRAKE_MPS2_PPCT, 0.0, 100.0);
    }
}

static void think(driver_t *driver, const plant_vehicle_t *vehicle)
{
    const plant_body_t *body = &vehicle->body;

    if (driver->leg_now != vehicle->piece) {
        driver->entry_mps = driver->leg[vehicle->piece - 1U].exit_mps;
        if (driver->leg[vehicle->piece - 1U].style == DRIVER_FLAT) {
            driver->entry_mps = body->speed_mps; /* flat out has no plan: go on from here */
        }
        driver->leg_now = vehicle->piece;
    }
    driver->slope = plant_lag(driver->slope, 0.25 * (body->slope[0] + body->slope[1] + body->slope[2] + body->slope[3]),
                              THINK_S, HILL_S);
    switch (driver->leg[driver->leg_now].style) {
    case DRIVER_FLAT:
        driver->pedal_pct = 100.0;
        driver->brake_pct = 0.0;
        break;
    case DRIVER_LIFT:
        if (driver->air_ticks > LIFT_TICKS) {
            driver->pedal_pct = 0.0;
        } else if (driver->air_ticks == 0U) {
            follow_plan(driver, vehicle);
        } else {
            /* not noticed yet */
        }
        break;
    default:
        if (driver->air_ticks == 0U) {
            follow_plan(driver, vehicle);
        }
        break;
    }
}

/* Key, starter, lever: what stands before the drive. True while the car waits. */
static bool wait_for_start(const driver_t *driver, plant_vehicle_t *vehicle)
{
    const driver_key_t *key    = &driver->key;
    const double        time_s = (double)vehicle->tick * TICK_S;
    plant_command_t    *told   = &vehicle->command;
    const bool          stops  = (key->stop_s > 0.0) && (time_s >= key->stop_s);

    if (key->running_s > 0.0) {
        told->engine = (time_s >= key->running_s)
                           ? PLANT_ENGINE_RUNNING
                           : ((time_s >= key->crank_s) ? PLANT_ENGINE_CRANKING : PLANT_ENGINE_STOPPED);
    }
    if (stops) {
        told->engine = PLANT_ENGINE_STOPPED;
    }
    return (time_s < key->pull_away_s) || stops;
}

void driver_tick(driver_t *driver, plant_vehicle_t *vehicle)
{
    plant_command_t *told          = &vehicle->command;
    const bool       is_early      = wait_for_start(driver, vehicle);
    const bool       waits_in_park = is_early && (((double)vehicle->tick * TICK_S) < (driver->key.pull_away_s - 0.6));

    driver->air_ticks = (vehicle->is_airborne != 0U) ? (driver->air_ticks + 1U) : 0U;
    if (is_early) {
        driver->pedal_pct = 0.0;
        driver->brake_pct = WAITING_BRAKE_PCT;
    } else if ((vehicle->tick % THINK_TICKS) == 1U) {
        think(driver, vehicle);
    } else {
        /* the feet go where they were going */
    }
    driver->said.pedal_pct = plant_lag(driver->said.pedal_pct, driver->pedal_pct, TICK_S, FOOT_S);
    driver->said.brake_pct = plant_lag(driver->said.brake_pct, driver->brake_pct, TICK_S, FOOT_S);
    told->pedal_ratio      = driver->said.pedal_pct * 0.01;
    told->brake_ratio      = driver->said.brake_pct * 0.01;
    told->wanted_gear      = driver->leg[driver->leg_now].gear;
    if (waits_in_park && (driver->key.pull_away_s > 0.0)) {
        told->wanted_gear = PLANT_GEAR_PARK;
    } else if ((vehicle->line.gear == PLANT_GEAR_PARK) && (told->wanted_gear == 0U)) {
        told->wanted_gear = 1U;
    } else {
        /* as the plan says */
    }
}

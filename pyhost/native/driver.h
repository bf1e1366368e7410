/* driver.h - who drives: key, pedals and gears after a plan, one leg for each piece of ground. */
#ifndef DRIVER_H
#define DRIVER_H

#include "plant_vehicle.h"
#include "sensors.h"

#include <stdint.h>

typedef enum {
    DRIVER_PLAN = 0, /* follows the speed plan; keeps the pedal where it is in the air */
    DRIVER_FLAT,     /* pedal down, in the air too */
    DRIVER_LIFT      /* follows the plan, and lifts when he feels the car fly */
} driver_style_t;

typedef struct {
    double   exit_mps; /* at the end of the leg; between the legs speed squared changes evenly with distance */
    uint32_t style;    /* driver_style_t */
    uint32_t gear;     /* 0: the gearbox chooses */
} driver_leg_t;

/* Seconds from key-on; all 0 for a start with the engine running. */
typedef struct {
    double crank_s;
    double running_s;
    double pull_away_s;
    double stop_s; /* the engine is switched off; 0: never */
} driver_key_t;

typedef struct {
    const driver_leg_t *leg;
    driver_key_t        key;
    sensors_driver_t    said;
    double              pedal_pct; /* where the foot is going */
    double              brake_pct;
    double              entry_mps;
    double              over_mps;  /* integral of the speed error, in pedal per cent */
    double              slope;
    double              goal_mps;
    uint32_t            leg_now;
    uint32_t            air_ticks;
} driver_t;

void driver_init(driver_t *driver, const driver_leg_t *leg, const driver_key_t *key, double speed_mps);

/* A millisecond: moves the feet, and writes pedal, gear and engine into the car's command. */
void driver_tick(driver_t *driver, plant_vehicle_t *vehicle);

#endif

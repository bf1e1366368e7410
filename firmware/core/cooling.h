/* cooling.h - one radiator, four fans, one pump.
 *
 * Order of authority, written once in cooling.c: cranking, engine stopped (run-on), lost coolant sensor, driver's
 * switch, temperature stages with ram air and supply voltage. Inhibits come before hysteresis (PAIN-70). Each rule acts
 * on the number of fans wanted; how a fan is started, spared or replaced is fan.c's matter.
 */
#ifndef COOLING_H
#define COOLING_H

#include "calibration.h"
#include "fan.h"
#include "inputs.h"
#include "temperature.h"

/* Codes of CoolingState on the bus: which rule decides. */
typedef enum {
    COOLING_OFF = 0,
    COOLING_NORMAL,
    COOLING_SENSOR_LOST, /* no believed coolant: all fans, a blind fan wastes watts, a blind stop boils */
    COOLING_MANUAL,
    COOLING_CRANKING,
    COOLING_RUN_ON
} cooling_state_t;

#define COOLING_LADDERS 4U /* coolant, engine oil, charge air, gearbox oil: as temperature_id_t */

typedef struct {
    fan_bank_t fans;
    float      pump_pct;
    float      hidden_K; /* the coolant counts as hotter by this than its probe says (coolant_peers.h) */
    uint32_t   stopped_ticks; /* engine stopped for this long */
    uint16_t   low_one_ticks; /* supply below the first bound for this long */
    uint16_t   low_two_ticks;
    uint16_t   after_crank_ticks;
    uint16_t   after_flight_ticks;
    uint8_t    ladder_stage[COOLING_LADDERS]; /* fans that each temperature asks for */
    uint8_t    state;                         /* cooling_state_t */
    uint8_t    stage;                         /* fans wanted, 0 to 4 */
    uint8_t    is_full;                       /* beyond full_degC: no rule may take a fan away */
    uint8_t    is_ram_air;                    /* fast enough to need one fan only */
    uint8_t    shed;                          /* fans given up for the supply */
    uint8_t    is_manual;                     /* the driver wants all fans */
    uint8_t    is_fouled; /* the radiator gives less than a clean one: coolant stages start lower */
    uint8_t    is_denied; /* a hot stop gets no run-on, for the supply is too low */
} cooling_t;
_Static_assert(sizeof(cooling_t) == (sizeof(fan_bank_t) + 32U), "cooling_t: hidden padding");

void cooling_init(cooling_t *cooling, const vcu_calibration_t *cal);

/* The engine turns as only a running one does: a status or a key that says otherwise is wrong. */
bool cooling_is_turning(const vcu_calibration_t *cal, const inputs_t *inputs);

/* One period of the raster. `is_flying`: hold every fan as it is; `speed` is usable or counts as standing. */
void cooling_tick(cooling_t *cooling, const vcu_calibration_t *cal, const inputs_t *inputs,
                  const temperature_t temperature[TEMPERATURE_COUNT], bool is_flying);

#endif

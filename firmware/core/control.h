/* control.h - from inputs to decisions: all control modules and the order in which they work.
 *
 * The memory of the whole car is in control_t: no pointer, no padding, the same bytes on every target.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "calibration.h"
#include "coolant_peers.h"
#include "cooling.h"
#include "demand.h"
#include "derate.h"
#include "fault.h"
#include "fault_memory.h"
#include "filter.h"
#include "flight_mode.h"
#include "fuel.h"
#include "impact.h"
#include "inputs.h"
#include "intake.h"
#include "monitor.h"
#include "radiator.h"
#include "temperature.h"
#include "torque.h"

/* When each module of the slow raster runs, in this order; a phase that nobody uses passes. */
typedef enum {
    CONTROL_PHASE_TEMPERATURE = 0,
    CONTROL_PHASE_INTAKE,
    CONTROL_PHASE_COOLING,
    CONTROL_PHASE_DERATE,
    CONTROL_PHASE_FILTER,
    CONTROL_PHASE_RADIATOR,
    CONTROL_PHASE_COOLANT_PEERS,
    CONTROL_PHASE_FUEL,
    CONTROL_PHASE_MONITOR,
    CONTROL_PHASE_FAULT_MEMORY
} control_phase_t;

typedef struct {
    inputs_t        inputs;
    temperature_t   temperature[TEMPERATURE_COUNT];
    demand_t        demand;
    flight_mode_t   flight_mode;
    intake_t        intake;
    filter_t        filter;
    derate_t        derate;
    fuel_t          fuel;
    impact_t        impact;
    torque_t        torque;
    cooling_t       cooling;
    radiator_t      radiator;
    coolant_peers_t coolant_peers;
    monitor_t       monitor;
    fault_t         fault;
    fault_memory_t  fault_memory;
    uint16_t        since_start_ticks;      /* saturates */
    uint8_t         is_calibration_refused; /* the set at start broke a range or a rule: the built-in one is in use */
    uint8_t         has_bus_error;          /* set by the bus since the last tick */
    uint8_t         phase;                  /* control_phase_t, and on to RASTER_TICKS */
    uint8_t         reserved[3];
} control_t;

void control_init(control_t *control, const vcu_calibration_t *cal, bool is_calibration_refused);

/* One millisecond. Reads as the specification. */
void control_tick(control_t *control, const vcu_calibration_t *cal);

#endif

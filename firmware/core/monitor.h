/* monitor.h - level 2: what torque the pedal permits, reckoned a second time, and what happens when more is granted.
 *
 * After the E-Gas monitoring concept: level 1 decides (demand.h, torque.h), level 2 reckons from raw inputs what may be
 * granted at the most, shares no result with level 1, and can only take torque away. The permissible torque follows the
 * pedal, not the cuts of Flight Mode: a torque that is given back must never look like one that nobody asked for. It is
 * generous where level 1 is careful (larger pedal track, full load at any speed, a margin), so that no working car ever
 * meets it.
 *
 * Reaction in steps: at once nothing above the permissible torque goes on the wire; after confirm_ms of excess it is
 * confirmed, and level 2 hands in a bound of zero until the key has been off; when more is granted all the same for
 * cut_ms, combustion off. An excess that ends before it is confirmed is forgotten.
 *
 * An engine that reports more torque than is permissible is a fault. Whether it counts as excess is calibration
 * (actual_counts): a drive that is replayed was driven by an engine that never heard this unit.
 *
 * Key-on: while the engine still stands, the cut is commanded once and must be seen on the wire with no torque beside
 * it. That proves the path through this unit, not the engine's obedience; of that the reported torque tells later.
 *
 * Program flow: every step of control_tick signs in. A tick whose signature is wrong has skipped or repeated a step: it
 * counts as excess, and the board does not feed its watchdog for it.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "calibration.h"
#include "inputs.h"

/* Codes of MonitorState on the bus. */
typedef enum {
    MONITOR_WATCHING = 0,
    MONITOR_ASSUMED,   /* excess seen: the wire is held to the permissible torque */
    MONITOR_CONFIRMED, /* no torque until the key has been off */
    MONITOR_CUT        /* and combustion off */
} monitor_state_t;

/* Codes of MonitorCause on the bus. */
typedef enum {
    MONITOR_CAUSE_NONE = 0,
    MONITOR_CAUSE_GRANTED,  /* level 1 granted more than is permissible */
    MONITOR_CAUSE_ACTUAL,   /* the engine reports more than is permissible */
    MONITOR_CAUSE_WIRE,     /* what was sent is not what was decided */
    MONITOR_CAUSE_FLOW      /* a step of the tick was skipped or repeated */
} monitor_cause_t;

/* Codes of ShutOffTest on the bus. */
typedef enum {
    MONITOR_TEST_OPEN = 0, /* the engine has not stood still since key-on */
    MONITOR_TEST_RUNNING,
    MONITOR_TEST_PASSED,
    MONITOR_TEST_FAILED
} monitor_test_t;

/* Steps of a tick, in their order; each signs once. */
typedef enum {
    MONITOR_STEP_RASTER = 0,
    MONITOR_STEP_DEMAND,
    MONITOR_STEP_FLIGHT,
    MONITOR_STEP_TORQUE,
    MONITOR_STEP_FAULT,
    MONITOR_STEP_COUNT
} monitor_step_t;

typedef struct {
    float    permissible_Nm; /* by the pedal, margin included */
    float    bound_Nm;       /* that level 2 hands in; TORQUE_UNLIMITED_Nm while it merely watches */
    float    pedal_Nm;       /* by the pedal alone, falling no faster than a demand may */
    uint32_t signature;      /* of the steps of this tick */
    uint16_t excess_ticks;   /* granted, wire or flow wrong for this long */
    uint16_t actual_ticks;   /* the engine reports too much for this long */
    uint16_t confirmed_ticks;
    uint16_t lost_ticks;     /* not both tracks usable for this long */
    uint16_t test_ticks;
    uint8_t  state;          /* monitor_state_t */
    uint8_t  cause;          /* monitor_cause_t, of the first excess */
    uint8_t  test;           /* monitor_test_t */
    uint8_t  is_flow_right;  /* of the last tick */
    uint8_t  is_wire_wrong;  /* the last command was not what was decided */
    uint8_t  has_seen_cut;   /* on the wire, since the test began */
} monitor_t;
_Static_assert(sizeof(monitor_t) == 32U, "monitor_t: hidden padding");

/* At once as permissive as with a pedal at rest: the first period of the raster is still to come. */
void monitor_init(monitor_t *monitor, const vcu_calibration_t *cal);

/* A tick begins: no step has signed. */
void monitor_begin(monitor_t *monitor);

/* A step of the tick is done. */
void monitor_sign(monitor_t *monitor, monitor_step_t step);

/* One period of the raster: what the pedal permits, and the test at key-on. */
void monitor_tick(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs);

/* The tick ends: was the flow right, is what was granted permissible? */
void monitor_judge(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs, float granted_Nm);

/* A torque command went on the wire: with what, and what had been decided. */
void monitor_hear_sent(monitor_t *monitor, float sent_Nm, bool is_sent_cut, bool is_decided_cut);

/* The most that may go on the wire, whatever was granted. */
float monitor_ceiling_Nm(const monitor_t *monitor);

/* The engine has reported too much torque for too long. */
bool monitor_is_disobeyed(const monitor_t *monitor, const vcu_calibration_t *cal);

/* Combustion off, for a fault or for the test. */
bool monitor_wants_cut(const monitor_t *monitor);

#endif

/* torque.h - every limiter hands in an upper bound and a reason; the smallest wins, says so, and names its runner-up.
 *
 * Laws, each a property test: granted torque never exceeds demand nor any bound; a bound is 0 or more, so it shrinks
 * drive torque, keeps its sign, and never takes the overrun that the driver asks for; granted torque rises at most at
 * the stated rate. The reason is None exactly when the driver gets what he asks for. On equal bounds the higher number
 * wins. The bound of a fault does not vanish with the fault: it is withdrawn at heal_Nmps, under the fault's name, so
 * that whatever else binds meanwhile cannot speed it up. Granted torque is written in torque.c and nowhere else.
 */
#ifndef TORQUE_H
#define TORQUE_H

#include "calibration.h"
#include "inputs.h"

/* No bound at all. Zero means zero torque, never "off". */
#define TORQUE_UNLIMITED_Nm 2000.0f

#define TORQUE_STOP_KILL_SWITCH 1U
#define TORQUE_STOP_IGNITION 2U

/* The codes are those of LimitReason on the bus. */
typedef enum {
    TORQUE_REASON_NONE = 0,
    TORQUE_REASON_DRIVER,
    TORQUE_REASON_GEARBOX,
    TORQUE_REASON_RESTRICTOR,
    TORQUE_REASON_REV_SOFT,
    TORQUE_REASON_REV_HARD,
    TORQUE_REASON_COOLANT,
    TORQUE_REASON_ENGINE_OIL,
    TORQUE_REASON_CHARGE_AIR,
    TORQUE_REASON_GEARBOX_OIL,
    TORQUE_REASON_TRACTION,
    TORQUE_REASON_FUEL_LOW,
    TORQUE_REASON_FLIGHT_SUSPECT,
    TORQUE_REASON_FLIGHT_AIR,
    TORQUE_REASON_FLIGHT_LANDING,
    TORQUE_REASON_FLIGHT_RAMP,
    TORQUE_REASON_SENSOR_LIMP,
    TORQUE_REASON_LEVEL2,
    TORQUE_REASON_LINK,
    TORQUE_REASON_STOP,
    TORQUE_REASON_SLEW, /* no bound: the rate limit alone holds torque below demand */
    TORQUE_REASON_COUNT
} torque_reason_t;

typedef struct {
    float    bound_Nm[TORQUE_REASON_COUNT]; /* of this tick; TORQUE_UNLIMITED_Nm where nobody handed one in */
    float    demand_Nm;
    float    granted_Nm;  /* after all bounds and the rate limit: what spark and air together deliver */
    float    air_path_Nm; /* the same without the fast bounds: what the slow path keeps ready */
    float    margin_Nm;   /* of the runner-up above the winner, or above demand */
    float    link_Nm;     /* bound of a silent engine */
    float    healing_Nm;  /* smallest bound of all faults, or what is left of it while it is withdrawn */
    uint32_t offered_mask; /* reasons that have handed in a bound in this tick: bit by torque_reason_t */
    uint16_t link_ticks;
    uint16_t speed_differ_ticks; /* engine and turbine behind a locked clutch, for this long */
    uint8_t  reason;      /* torque_reason_t */
    uint8_t  runner_up;   /* torque_reason_t */
    uint8_t  recovering;  /* torque_reason_t after whose release torque is still rising */
    uint8_t  healing;     /* torque_reason_t that healing_Nm stands for */
    uint8_t  is_rev_cut;
    uint8_t  is_cut;      /* combustion off */
    uint8_t  stop_mask;   /* TORQUE_STOP_...: why there is no torque at all */
    uint8_t  reserved;
} torque_t;
_Static_assert(sizeof(torque_t) == ((TORQUE_REASON_COUNT * 4U) + 40U), "torque_t: hidden padding");

void torque_init(torque_t *torque);

/* A new round: nobody has handed in a bound yet. */
void torque_begin(torque_t *torque, float demand_Nm);

/* An upper bound for a reason; the smaller of two for the same reason counts. Below 0 counts as 0, a NaN as 0. */
void torque_offer(torque_t *torque, torque_reason_t reason, float bound_Nm);

/* The bounds that torque keeps itself: gearbox, engine speed, silent engine, stop. */
void torque_offer_own(torque_t *torque, const vcu_calibration_t *cal, const inputs_t *inputs);

/* Engine and turbine differ behind a locked clutch: one of the two speeds is wrong. */
bool torque_is_speed_doubted(const torque_t *torque, const vcu_calibration_t *cal);

/* The round ends: winner, runner-up, rate limit. `wants_cut`: combustion off, whatever the torque. */
void torque_decide(torque_t *torque, const vcu_calibration_t *cal, bool wants_cut);

#endif

#include "torque.h"

#include "codes.h"
#include "numeric.h"

#define BIT(reason) ((uint32_t)1U << (uint32_t)(reason))

/* They act by spark: the air path stays up behind them. */
#define FAST_MASK                                                                                         \
    (BIT(TORQUE_REASON_REV_SOFT) | BIT(TORQUE_REASON_REV_HARD) | BIT(TORQUE_REASON_FLIGHT_SUSPECT) |      \
     BIT(TORQUE_REASON_FLIGHT_AIR) | BIT(TORQUE_REASON_FLIGHT_LANDING) | BIT(TORQUE_REASON_FLIGHT_RAMP) | \
     BIT(TORQUE_REASON_LEVEL2) | BIT(TORQUE_REASON_STOP))

/* Their bound is withdrawn at heal_Nmps. */
#define FAULT_MASK                                                                            \
    (BIT(TORQUE_REASON_DRIVER) | BIT(TORQUE_REASON_SENSOR_LIMP) | BIT(TORQUE_REASON_LEVEL2) | \
     BIT(TORQUE_REASON_LINK) | BIT(TORQUE_REASON_STOP))

void torque_init(torque_t *torque)
{
    *torque = (torque_t){.link_Nm = TORQUE_UNLIMITED_Nm, .healing_Nm = TORQUE_UNLIMITED_Nm};
    for (uint32_t i = 0U; i < (uint32_t)TORQUE_REASON_COUNT; i++) {
        torque->bound_Nm[i] = TORQUE_UNLIMITED_Nm;
    }
}

void torque_begin(torque_t *torque, float demand_Nm)
{
    torque->demand_Nm = demand_Nm;
    for (uint32_t left = torque->offered_mask; left != 0U; left = numeric_without_lowest_bit(left)) {
        torque->bound_Nm[numeric_lowest_bit(left) % (uint32_t)TORQUE_REASON_COUNT] = TORQUE_UNLIMITED_Nm;
    }
    torque->offered_mask = 0U;
}

void torque_offer(torque_t *torque, torque_reason_t reason, float bound_Nm)
{
    const float clean_Nm = numeric_clamp(bound_Nm, 0.0f, TORQUE_UNLIMITED_Nm);

    if (clean_Nm < TORQUE_UNLIMITED_Nm) {
        const bool  is_offered = (torque->offered_mask & BIT(reason)) != 0U;
        const float before_Nm  = is_offered ? torque->bound_Nm[reason] : TORQUE_UNLIMITED_Nm;

        torque->bound_Nm[reason] = numeric_min(before_Nm, clean_Nm);
        torque->offered_mask |= BIT(reason);
    }
}

static void offer_engine_speed(torque_t *torque, const vcu_calibration_t *cal, float speed_rpm)
{
    const float taken = numeric_fraction(speed_rpm, cal->torque_rev_soft_rpm, cal->torque_rev_soft_end_rpm);

    if (taken > 0.0f) {
        torque_offer(torque, TORQUE_REASON_REV_SOFT, cal->torque_gearbox_max_Nm * (1.0f - taken));
    }
    if (speed_rpm >= cal->torque_rev_hard_rpm) {
        torque->is_rev_cut = 1U;
    } else if (speed_rpm < (cal->torque_rev_hard_rpm - cal->torque_rev_hysteresis_rpm)) {
        torque->is_rev_cut = 0U;
    } else {
        /* as it was */
    }
    if (torque->is_rev_cut != 0U) {
        torque_offer(torque, TORQUE_REASON_REV_HARD, 0.0f);
    }
}

/* Engine silent: the granted torque holds for link_hold_ms, then goes to 0 over link_ramp_ms. */
static void offer_link(torque_t *torque, const vcu_calibration_t *cal, bool is_engine_heard)
{
    torque->link_ticks = numeric_held_u16(torque->link_ticks, !is_engine_heard);
    if (is_engine_heard) {
        torque->link_Nm = TORQUE_UNLIMITED_Nm;
    } else {
        const float fall_Nmps = (cal->torque_gearbox_max_Nm * NUMERIC_TICKS_PER_S) / (float)cal->demand_link_ramp_ms;

        torque->link_Nm = numeric_min(torque->link_Nm, numeric_max(torque->granted_Nm, 0.0f));
        if (torque->link_ticks > cal->demand_link_hold_ms) {
            torque->link_Nm = numeric_slew(torque->link_Nm, 0.0f, 0.0f, fall_Nmps);
        }
        torque_offer(torque, TORQUE_REASON_LINK, torque->link_Nm);
    }
}

static void note_stop(torque_t *torque, uint32_t bit, bool is_stop, bool is_go)
{
    if (is_stop) {
        torque->stop_mask = (uint8_t)(torque->stop_mask | bit);
    } else if (is_go) {
        torque->stop_mask = (uint8_t)(torque->stop_mask & ~bit);
    } else {
        /* a switch that cannot be read is where it was: a cut wire does not start a stopped car */
    }
}

static void offer_stop(torque_t *torque, const inputs_t *inputs)
{
    note_stop(torque, TORQUE_STOP_KILL_SWITCH, signal_shows(&inputs->kill_switch, KILL_SWITCH_STOP),
              signal_shows(&inputs->kill_switch, KILL_SWITCH_RUN));
    note_stop(torque, TORQUE_STOP_IGNITION, signal_shows(&inputs->ignition, IGNITION_OFF),
              signal_shows(&inputs->ignition, IGNITION_ON));
    if (torque->stop_mask != 0U) {
        torque_offer(torque, TORQUE_REASON_STOP, 0.0f);
    }
}

/* Behind a locked clutch the turbine turns as the engine does. Where they differ, nobody knows which lies: the faster
 * one counts for the speed limits, and torque goes no higher than any speed allows. */
static float doubted_speed_rpm(torque_t *torque, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const float engine_rpm = inputs->engine_speed_rpm.value;
    const bool  is_locked  = signal_shows(&inputs->lock_up, LOCK_UP_LOCKED) &&
                             signal_is_usable(&inputs->turbine_speed_rpm);
    const float apart_rpm  = is_locked ? numeric_abs(engine_rpm - inputs->turbine_speed_rpm.value) : 0.0f;

    torque->speed_differ_ticks = numeric_held_u16(torque->speed_differ_ticks,
                                                  apart_rpm > cal->torque_speed_difference_rpm);
    if (!torque_is_speed_doubted(torque, cal)) {
        return engine_rpm;
    }
    torque_offer(torque, TORQUE_REASON_SENSOR_LIMP, cal->torque_speed_doubt_Nm);
    return numeric_max(engine_rpm, inputs->turbine_speed_rpm.value);
}

bool torque_is_speed_doubted(const torque_t *torque, const vcu_calibration_t *cal)
{
    return torque->speed_differ_ticks >= cal->torque_speed_difference_ms;
}

void torque_offer_own(torque_t *torque, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_gearbox_heard = signal_is_usable(&inputs->gear);
    const bool is_engine_heard  = signal_is_usable(&inputs->engine_speed_rpm);

    torque_offer(torque, is_gearbox_heard ? TORQUE_REASON_GEARBOX : TORQUE_REASON_SENSOR_LIMP,
                 is_gearbox_heard ? cal->torque_gearbox_max_Nm : cal->torque_gearbox_lost_Nm);
    if (is_engine_heard) {
        offer_engine_speed(torque, cal, doubted_speed_rpm(torque, cal, inputs));
    }
    offer_link(torque, cal, is_engine_heard);
    offer_stop(torque, inputs);
}

/* The reason of the smallest bound among `mask`, None if that is not below `below_Nm`; on a tie the higher number. */
static torque_reason_t smallest(const torque_t *torque, uint32_t mask, float below_Nm)
{
    torque_reason_t winner    = TORQUE_REASON_NONE;
    float           lowest_Nm = below_Nm;

    for (uint32_t left = torque->offered_mask & mask; left != 0U; left = numeric_without_lowest_bit(left)) {
        const uint32_t i        = numeric_lowest_bit(left) % (uint32_t)TORQUE_REASON_COUNT;
        const float    bound_Nm = torque->bound_Nm[i];

        if ((bound_Nm < lowest_Nm) || ((bound_Nm <= lowest_Nm) && (winner != TORQUE_REASON_NONE))) {
            winner    = (torque_reason_t)i;
            lowest_Nm = bound_Nm;
        }
    }
    return winner;
}

static float bound_of(const torque_t *torque, torque_reason_t reason)
{
    return (reason != TORQUE_REASON_NONE) ? torque->bound_Nm[reason] : TORQUE_UNLIMITED_Nm;
}

/* What the faults leave is handed back at heal_Nmps (EGAS rule 10: no step on recovery). */
static void withdraw_faults(torque_t *torque, const vcu_calibration_t *cal)
{
    const float           step_Nm   = cal->torque_heal_Nmps / NUMERIC_TICKS_PER_S;
    const float           risen_Nm  = numeric_clamp(torque->healing_Nm + step_Nm, 0.0f, TORQUE_UNLIMITED_Nm);
    const torque_reason_t lowest    = smallest(torque, FAULT_MASK, TORQUE_UNLIMITED_Nm);
    const float           lowest_Nm = bound_of(torque, lowest);

    if (lowest_Nm <= risen_Nm) {
        torque->healing    = (uint8_t)lowest;
        torque->healing_Nm = lowest_Nm;
    } else {
        torque->healing_Nm = risen_Nm;
        torque_offer(torque, (torque_reason_t)(torque->healing % (uint32_t)TORQUE_REASON_COUNT), risen_Nm);
    }
}

/* Downwards at once, upwards at the given rate: no step on any hand-back (PAIN-80). No demand lies below the full
 * overrun: what does is a broken memory, and starts there. */
static float risen_Nm(const vcu_calibration_t *cal, float from_Nm, float target_Nm)
{
    const float clean_Nm = numeric_clamp(from_Nm, cal->demand_drag_Nm, TORQUE_UNLIMITED_Nm);

    return numeric_min(target_Nm, clean_Nm + (cal->torque_rise_Nmps / NUMERIC_TICKS_PER_S));
}

static torque_reason_t reason_of(const torque_t *torque, torque_reason_t winner, bool is_slewing)
{
    torque_reason_t reason = winner;

    if ((winner == TORQUE_REASON_NONE) && is_slewing) {
        reason = (torque->recovering != (uint8_t)TORQUE_REASON_NONE) ? (torque_reason_t)torque->recovering
                                                                     : TORQUE_REASON_SLEW;
    }
    return reason;
}

void torque_decide(torque_t *torque, const vcu_calibration_t *cal, bool wants_cut)
{
    withdraw_faults(torque, cal);

    const torque_reason_t winner    = smallest(torque, UINT32_MAX, torque->demand_Nm);
    const torque_reason_t runner_up = smallest(torque, ~BIT(winner), TORQUE_UNLIMITED_Nm);
    const torque_reason_t slowest   = smallest(torque, ~FAST_MASK, TORQUE_UNLIMITED_Nm);
    const bool            is_bound  = winner != TORQUE_REASON_NONE;
    const float           target_Nm = numeric_min(torque->demand_Nm, bound_of(torque, winner));
    const float           air_Nm    = numeric_min(torque->demand_Nm, bound_of(torque, slowest));

    torque->granted_Nm  = risen_Nm(cal, torque->granted_Nm, target_Nm);
    torque->air_path_Nm = risen_Nm(cal, torque->air_path_Nm, air_Nm);

    const bool is_slewing = torque->granted_Nm < target_Nm;

    torque->reason = (uint8_t)reason_of(torque, winner, is_slewing);
    if (is_bound || !is_slewing) {
        torque->recovering = (uint8_t)winner;
    }
    torque->runner_up = (uint8_t)runner_up;
    torque->margin_Nm = bound_of(torque, runner_up) - target_Nm;
    torque->is_cut    = numeric_flag(wants_cut || (torque->is_rev_cut != 0U) || (torque->stop_mask != 0U));
}

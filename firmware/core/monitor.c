#include "monitor.h"

#include "codes.h"
#include "raster.h"
#include "torque.h"

#define RPM_OF_NO_ENGINE 50.0f
#define WIRE_STEP_Nm 1.0f /* twice the resolution of the wire */
#define SIGNATURE_FACTOR 31U

/* What MONITOR_STEP_COUNT steps in their order leave, each by sign(). */
#define SIGN(before, step) (((before) * SIGNATURE_FACTOR) + (uint32_t)(step) + 1U)
#define SIGNATURE                                                                                  \
    SIGN(SIGN(SIGN(SIGN(SIGN(0U, MONITOR_STEP_RASTER), MONITOR_STEP_DEMAND), MONITOR_STEP_FLIGHT), \
              MONITOR_STEP_TORQUE),                                                                \
         MONITOR_STEP_FAULT)
_Static_assert((int)MONITOR_STEP_COUNT == 5, "SIGNATURE: one SIGN a step");

void monitor_init(monitor_t *monitor, const vcu_calibration_t *cal)
{
    *monitor =
        (monitor_t){.permissible_Nm = cal->monitor_margin_Nm, .bound_Nm = TORQUE_UNLIMITED_Nm, .is_flow_right = 1U};
}

void monitor_begin(monitor_t *monitor)
{
    monitor->signature = 0U;
}

void monitor_sign(monitor_t *monitor, monitor_step_t step)
{
    monitor->signature = SIGN(monitor->signature, step);
}

/* ---- what the pedal permits: arithmetic of its own */

static float pedal_share(const vcu_calibration_t *cal, float pedal_pct)
{
    const float    place = numeric_clamp(pedal_pct, 0.0f, 100.0f) * 0.04f; /* four stretches of 25 % */
    const uint32_t below = (place < 3.0f) ? (uint32_t)place : 3U;
    const float    low   = cal->demand_pedal_map[below];

    return low + ((cal->demand_pedal_map[below + 1U] - low) * (place - (float)below));
}

static float most_torque_Nm(const vcu_calibration_t *cal)
{
    float most_Nm = 0.0f;

    for (uint32_t i = 0U; i < 5U; i++) {
        most_Nm = numeric_max(most_Nm, cal->demand_curve_torque_Nm[i]);
    }
    return numeric_min(most_Nm, cal->torque_gearbox_max_Nm);
}

static float larger_track_pct(const inputs_t *inputs)
{
    const signal_t *first      = &inputs->accelerator_1_pct;
    const signal_t *second     = &inputs->accelerator_2_pct;
    const float     first_pct  = signal_is_usable(first) ? first->value : 0.0f;
    const float     second_pct = signal_is_usable(second) ? second->value : 0.0f;

    return numeric_max(first_pct, second_pct);
}

/* Zero where the car must not drive at all. */
static bool is_forbidden(const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *speed_rpm   = &inputs->engine_speed_rpm;
    const float     highest_rpm = cal->torque_rev_hard_rpm + cal->monitor_rev_margin_rpm;

    return signal_shows(&inputs->kill_switch, KILL_SWITCH_STOP) || signal_shows(&inputs->ignition, IGNITION_OFF) ||
           (signal_is_usable(speed_rpm) && (speed_rpm->value > highest_rpm));
}

/* A pedal that is read in full may be followed as fast as a demand falls; one that is not, as slowly as a lost one. */
static void follow_pedal(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool  is_whole = signal_is_usable(&inputs->accelerator_1_pct) && signal_is_usable(&inputs->accelerator_2_pct);
    const float full_Nm  = most_torque_Nm(cal);
    const float asked_Nm = pedal_share(cal, larger_track_pct(inputs)) * full_Nm;
    /* link_ramp_ms is 10 or more by its range */
    const float ramp_Nmps = (full_Nm * NUMERIC_TICKS_PER_S) / (float)cal->demand_link_ramp_ms;
    const float fall_Nmps = (is_whole ? cal->demand_fall_Nmps : numeric_min(ramp_Nmps, cal->demand_fall_Nmps)) *
                            cal->monitor_fall_ratio;

    monitor->lost_ticks = raster_held_u16(monitor->lost_ticks, !is_whole);

    const bool  is_held   = !is_whole && (monitor->lost_ticks <= (cal->demand_link_hold_ms + (2U * RASTER_TICKS)));
    const float last_Nm   = numeric_clamp(monitor->pedal_Nm, 0.0f, full_Nm);
    const float fallen_Nm = is_held ? last_Nm : (last_Nm - ((fall_Nmps * (float)RASTER_TICKS) / NUMERIC_TICKS_PER_S));

    monitor->pedal_Nm       = numeric_max(asked_Nm, fallen_Nm);
    monitor->permissible_Nm = monitor->pedal_Nm + cal->monitor_margin_Nm;
    if (is_forbidden(cal, inputs)) {
        monitor->pedal_Nm       = 0.0f;
        monitor->permissible_Nm = cal->monitor_margin_Nm;
    }
}

/* ---- the test of the shut-off path */

static void run_test(monitor_t *monitor, const vcu_calibration_t *cal, bool is_still)
{
    monitor->test_ticks = raster_count_u16(monitor->test_ticks);
    if (monitor->has_seen_cut != 0U) {
        monitor->test = (uint8_t)MONITOR_TEST_PASSED;
    } else if (!is_still) {
        monitor->test = (uint8_t)MONITOR_TEST_OPEN; /* the driver was quicker: no verdict, and nothing in his way */
    } else if (monitor->test_ticks >= cal->monitor_test_ms) {
        monitor->test = (uint8_t)MONITOR_TEST_FAILED;
    } else {
        /* wait for the next command */
    }
}

static void test_shut_off(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *speed_rpm = &inputs->engine_speed_rpm;
    const bool      is_still  = signal_shows(&inputs->engine_status, ENGINE_STOPPED) && signal_is_usable(speed_rpm) &&
                                (speed_rpm->value < RPM_OF_NO_ENGINE);

    if (signal_shows(&inputs->ignition, IGNITION_OFF)) {
        monitor->test         = (uint8_t)MONITOR_TEST_OPEN; /* once a driving cycle */
        monitor->test_ticks   = 0U;
        monitor->has_seen_cut = 0U;
    } else if (monitor->test == (uint8_t)MONITOR_TEST_RUNNING) {
        run_test(monitor, cal, is_still);
    } else if ((monitor->test == (uint8_t)MONITOR_TEST_OPEN) && signal_shows(&inputs->ignition, IGNITION_ON) &&
               is_still) {
        monitor->test = (uint8_t)MONITOR_TEST_RUNNING;
    } else {
        /* done, or the engine runs */
    }
}

/* ---- reaction */

/* A key that has been off begins a new driving cycle: what was confirmed is forgiven then, and only then. */
static void heal(monitor_t *monitor, const inputs_t *inputs)
{
    if (signal_shows(&inputs->ignition, IGNITION_OFF)) {
        monitor->state           = (uint8_t)MONITOR_WATCHING;
        monitor->cause           = (uint8_t)MONITOR_CAUSE_NONE;
        monitor->excess_ticks    = 0U;
        monitor->actual_ticks    = 0U;
        monitor->confirmed_ticks = 0U;
    }
}

void monitor_tick(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    follow_pedal(monitor, cal, inputs);
    test_shut_off(monitor, cal, inputs);
    heal(monitor, inputs);
}

static monitor_cause_t excess_of(const monitor_t *monitor, float granted_Nm)
{
    monitor_cause_t cause = MONITOR_CAUSE_NONE;

    if (monitor->is_flow_right == 0U) {
        cause = MONITOR_CAUSE_FLOW;
    } else if (monitor->is_wire_wrong != 0U) {
        cause = MONITOR_CAUSE_WIRE;
    } else if (granted_Nm > monitor->permissible_Nm) {
        cause = MONITOR_CAUSE_GRANTED;
    } else {
        cause = MONITOR_CAUSE_NONE;
    }
    return cause;
}

static void react(monitor_t *monitor, const vcu_calibration_t *cal, monitor_cause_t cause)
{
    const bool is_excess = cause != MONITOR_CAUSE_NONE;

    monitor->excess_ticks = numeric_held_u16(monitor->excess_ticks, is_excess);
    if (monitor->state >= (uint8_t)MONITOR_CONFIRMED) {
        monitor->confirmed_ticks = numeric_count_u16(monitor->confirmed_ticks);
        if (is_excess && (monitor->confirmed_ticks >= cal->monitor_cut_ms)) {
            monitor->state = (uint8_t)MONITOR_CUT;
        }
    } else {
        if (!is_excess || (monitor->state == (uint8_t)MONITOR_WATCHING)) {
            monitor->cause = (uint8_t)cause;
        }
        monitor->state = (uint8_t)(is_excess ? MONITOR_ASSUMED : MONITOR_WATCHING);
        if (monitor->excess_ticks >= cal->monitor_confirm_ms) {
            monitor->state           = (uint8_t)MONITOR_CONFIRMED;
            monitor->confirmed_ticks = 0U;
        }
    }
}

/* Judged with more patience than what this unit decides itself: an engine's model of its torque is no measurement. */
static void watch_engine(monitor_t *monitor, const vcu_calibration_t *cal, const signal_t *actual_Nm)
{
    const float most_Nm = monitor->permissible_Nm + cal->monitor_actual_margin_Nm;

    monitor->actual_ticks = numeric_held_u16(monitor->actual_ticks,
                                             signal_is_usable(actual_Nm) && (actual_Nm->value > most_Nm));
}

bool monitor_is_disobeyed(const monitor_t *monitor, const vcu_calibration_t *cal)
{
    return monitor->actual_ticks >= cal->monitor_actual_ms;
}

static float bound_of(const monitor_t *monitor, const vcu_calibration_t *cal)
{
    float bound_Nm = TORQUE_UNLIMITED_Nm;

    if ((monitor->state >= (uint8_t)MONITOR_CONFIRMED) || (monitor->test == (uint8_t)MONITOR_TEST_RUNNING)) {
        bound_Nm = 0.0f;
    } else if (monitor->test == (uint8_t)MONITOR_TEST_FAILED) {
        bound_Nm = cal->torque_gearbox_max_Nm * cal->derate_limp_ratio;
    } else {
        /* merely watching */
    }
    return bound_Nm;
}

void monitor_judge(monitor_t *monitor, const vcu_calibration_t *cal, const inputs_t *inputs, float granted_Nm)
{
    monitor->is_flow_right = numeric_flag(monitor->signature == SIGNATURE);
    watch_engine(monitor, cal, &inputs->engine_torque_Nm);

    const bool      counts = (cal->monitor_actual_counts != 0U) && monitor_is_disobeyed(monitor, cal);
    monitor_cause_t cause  = excess_of(monitor, granted_Nm);

    if ((cause == MONITOR_CAUSE_NONE) && counts) {
        cause = MONITOR_CAUSE_ACTUAL;
    }
    react(monitor, cal, cause);
    monitor->bound_Nm = bound_of(monitor, cal);
}

float monitor_ceiling_Nm(const monitor_t *monitor)
{
    return numeric_min(monitor->permissible_Nm, monitor->bound_Nm);
}

void monitor_hear_sent(monitor_t *monitor, float sent_Nm, bool is_sent_cut, bool is_decided_cut)
{
    const bool is_tested   = monitor->test == (uint8_t)MONITOR_TEST_RUNNING; /* which judges the cut itself */
    const bool is_too_much = sent_Nm > (monitor->permissible_Nm + WIRE_STEP_Nm);
    const bool is_lost_cut = is_decided_cut && !is_sent_cut && !is_tested;

    monitor->is_wire_wrong = numeric_flag(is_too_much || is_lost_cut);
    if (is_tested && is_sent_cut && (sent_Nm <= WIRE_STEP_Nm)) {
        monitor->has_seen_cut = 1U;
    }
}

bool monitor_wants_cut(const monitor_t *monitor)
{
    return (monitor->state == (uint8_t)MONITOR_CUT) || (monitor->test == (uint8_t)MONITOR_TEST_RUNNING);
}

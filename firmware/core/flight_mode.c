#include "flight_mode.h"

#include "codes.h"
#include "numeric.h"

#define RATIO_TO_PCT 100.0f

void flight_mode_init(flight_mode_t *flight, const vcu_calibration_t *cal)
{
    *flight = (flight_mode_t){
        .bound_Nm          = TORQUE_UNLIMITED_Nm,
        .suspect_age_ticks = {UINT16_MAX, UINT16_MAX},
        .detector_mode     = (uint8_t)FLIGHT_MODE_DETECTOR_OFF,
    };
    flight_evidence_init(&flight->evidence, cal);
}

/* ---- what may be known at all */

static flight_mode_detector_t detector_of(const flight_evidence_t *evidence)
{
    flight_mode_detector_t mode = FLIGHT_MODE_DETECTOR_OFF;

    if (evidence->is_inertial_usable == 0U) {
        mode = FLIGHT_MODE_DETECTOR_OFF;
    } else if ((evidence->is_damper_usable != 0U) && (evidence->is_wheel_usable != 0U)) {
        mode = FLIGHT_MODE_DETECTOR_FULL;
    } else if (evidence->is_damper_usable != 0U) {
        mode = FLIGHT_MODE_DETECTOR_INERTIAL_AND_DAMPERS;
    } else if (evidence->is_wheel_usable != 0U) {
        mode = FLIGHT_MODE_DETECTOR_INERTIAL_AND_WHEELS;
    } else {
        mode = FLIGHT_MODE_DETECTOR_INERTIAL_ONLY;
    }
    return mode;
}

static uint8_t missing_of(const flight_evidence_t *evidence)
{
    uint32_t missing = 0U;

    missing |= (evidence->is_inertial_usable == 0U) ? FLIGHT_MODE_MISSING_INERTIAL : 0U;
    missing |= (evidence->is_damper_usable == 0U) ? FLIGHT_MODE_MISSING_DAMPERS : 0U;
    missing |= (evidence->is_wheel_usable == 0U) ? FLIGHT_MODE_MISSING_WHEELS : 0U;
    missing |= (evidence->is_speed_usable == 0U) ? FLIGHT_MODE_MISSING_SPEED : 0U;
    return (uint8_t)missing;
}

static bool shows_no_drive(const signal_t *gear)
{
    return signal_shows(gear, GEAR_NEUTRAL) || signal_shows(gear, GEAR_REVERSE) || signal_shows(gear, GEAR_PARK);
}

/* An unknown gear forbids nothing: Flight Mode can only reduce torque. Nor does one that its target gear contradicts.
 * An unknown speed does forbid: the last one may be hours old. A car is as fast as GNSS or its wheels say: a false
 * permission costs nothing, for flight needs low force. */
static bool is_permitted(const flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_driven = !shows_no_drive(&inputs->gear) ||
                           (signal_is_usable(&inputs->target_gear) && !shows_no_drive(&inputs->target_gear));
    const bool is_on = (flight->switch_off_ticks == 0U) || (flight->switch_off_ticks < cal->flight_mode_switch_off_ms);
    const flight_evidence_t *evidence = &flight->evidence;

    const float wheels_mps = evidence->wheel_speed_radps * cal->flight_mode_wheel_radius_m;
    const bool  by_wheels  = (evidence->is_wheel_usable != 0U) && (wheels_mps > cal->flight_mode_min_speed_mps);
    const bool  is_fast    = (evidence->is_speed_usable != 0U) &&
                             (by_wheels || (evidence->speed_mps > cal->flight_mode_min_speed_mps));

    return is_driven && is_on && is_fast && (evidence->is_inertial_usable != 0U);
}

static void judge(flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const flight_evidence_t *evidence = &flight->evidence;
    const bool               is_hit   = (evidence->is_any_compressing != 0U) || (evidence->is_impact != 0U);

    flight->detector_mode     = (uint8_t)detector_of(evidence);
    flight->missing_mask      = missing_of(evidence);
    flight->switch_off_ticks  = numeric_held_u16(flight->switch_off_ticks,
                                                 signal_shows(&inputs->flight_switch, FLIGHT_SWITCH_OFF));
    flight->is_permitted      = numeric_flag(is_permitted(flight, cal, inputs));
    flight->low_suspect_ticks = numeric_held_u16(flight->low_suspect_ticks, evidence->is_low_suspect != 0U);
    flight->low_air_ticks     = numeric_held_u16(flight->low_air_ticks, evidence->is_low_air != 0U);
    flight->force_back_ticks  = numeric_held_u16(flight->force_back_ticks, evidence->is_force_back != 0U);
    flight->touchdown_ticks   = numeric_held_u16(flight->touchdown_ticks, is_hit);
    flight->state_ticks       = numeric_count_u16(flight->state_ticks);

    for (uint32_t i = 0U; i < 2U; i++) {
        flight->suspect_age_ticks[i] = numeric_count_u16(flight->suspect_age_ticks[i]);
    }
    if (flight->rough_ticks > 0U) {
        flight->rough_ticks--;
    }
    flight->is_rough = numeric_flag(flight->rough_ticks > 0U);
    if (flight->force_back_ticks >= cal->flight_mode_clear_dwell_ms) {
        flight->is_locked_out = 0U;
        flight->has_timed_out = 0U;
    }
}

/* ---- predicates of the transitions */

static bool may_fly(const flight_mode_t *flight)
{
    return (flight->is_permitted != 0U) && (flight->is_locked_out == 0U);
}

static bool is_suspicious(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    return (flight->low_suspect_ticks >= cal->flight_mode_suspect_dwell_ms) && may_fly(flight);
}

/* Who confirms the flight in this tick; START when nobody does. */
static flight_mode_cause_t confirmation(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const flight_evidence_t *evidence     = &flight->evidence;
    const uint32_t           extra_ms     = (flight->is_rough != 0U) ? cal->flight_mode_rough_extra_dwell_ms : 0U;
    const uint32_t           low_ms       = flight->low_air_ticks;
    const bool               is_long      = low_ms >= (cal->flight_mode_air_dwell_ms + extra_ms);
    const bool               is_very_long = low_ms >= (cal->flight_mode_inertial_only_dwell_ms + extra_ms);
    flight_mode_cause_t      cause        = FLIGHT_MODE_CAUSE_START;

    if (!may_fly(flight)) {
        cause = FLIGHT_MODE_CAUSE_START;
    } else if (is_long && (evidence->is_damper_flying != 0U)) {
        cause = FLIGHT_MODE_CAUSE_DAMPERS_AGREE;
    } else if (is_long && (evidence->is_wheel_flying != 0U)) {
        cause = FLIGHT_MODE_CAUSE_WHEELS_AGREE;
    } else if (is_very_long && (evidence->is_damper_usable == 0U) && (evidence->is_inertial_alive != 0U)) {
        cause = FLIGHT_MODE_CAUSE_NOBODY_TO_ASK; /* wheels off throttle cannot contradict */
    } else {
        cause = FLIGHT_MODE_CAUSE_START;
    }
    return cause;
}

/* A second witness has the car fly, and the force is low, if not for long enough yet: a car that hung over a lip with
 * its front wheels has been suspected for too long when it leaves it. A stuck force alone has no such witness. */
static bool may_soon_be_confirmed(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const flight_evidence_t *evidence = &flight->evidence;
    const uint32_t           extra_ms = (flight->is_rough != 0U) ? cal->flight_mode_rough_extra_dwell_ms : 0U;
    const bool               is_seen  = (evidence->is_damper_flying != 0U) || (evidence->is_wheel_flying != 0U);

    return is_seen && (evidence->is_low_air != 0U) &&
           (flight->low_air_ticks < (cal->flight_mode_air_dwell_ms + extra_ms));
}

static bool is_landing(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    return flight->touchdown_ticks >= cal->flight_mode_touchdown_dwell_ms;
}

static bool is_too_long(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const uint32_t longest_ms = (flight->is_alone != 0U) ? cal->flight_mode_inertial_only_max_ms
                                                         : cal->flight_mode_air_max_ms;

    return flight->air_ticks >= longest_ms;
}

/* Wheels turn with the ground again, or cannot say, or have had their time. */
static bool may_restore(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const bool agrees = numeric_abs(flight->overspeed_ratio) <= cal->flight_mode_agree_ratio;

    return agrees || (flight->evidence.usable_wheels == 0U) ||
           (flight->disagree_ticks > cal->flight_mode_agree_wait_ms);
}

/* After a landing: low for longer than a suspicion may last, or since before a landing that every damper has felt. */
static bool is_stuck_low(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const flight_evidence_t *evidence   = &flight->evidence;
    const uint32_t           longest_ms = cal->flight_mode_suspect_dwell_ms + cal->flight_mode_suspect_max_ms;
    const uint32_t           since_ms   = (uint32_t)flight->state_ticks + cal->flight_mode_landing_hold_ms +
                                          cal->flight_mode_touchdown_dwell_ms;
    const bool is_too_long = (flight->low_suspect_ticks >= longest_ms) && (flight->state_ticks >= longest_ms);
    const bool is_felt     = (evidence->is_damper_usable != 0U) && (evidence->corners_out == 0U);

    return is_too_long || (is_felt && (flight->low_suspect_ticks > since_ms));
}

/* The car may be leaving the ground again, unless the force has been low for longer than a suspicion may last. */
static bool may_be_leaving(const flight_mode_t *flight)
{
    return (flight->low_suspect_ticks > 0U) && (flight->is_locked_out == 0U);
}

/* ---- entry actions */

static void enter(flight_mode_t *flight, flight_mode_state_t state, flight_mode_cause_t cause)
{
    flight->state       = (uint8_t)state;
    flight->cause       = (uint8_t)cause;
    flight->state_ticks = 0U;
}

static void enter_ground(flight_mode_t *flight, flight_mode_cause_t cause)
{
    flight->is_bounce = 0U;
    flight->wants_cut = 0U;
    enter(flight, FLIGHT_MODE_GROUND, cause);
}

static void enter_suspect(flight_mode_t *flight, const vcu_calibration_t *cal, float granted_Nm)
{
    if (flight->suspect_age_ticks[1] <= cal->flight_mode_rough_window_ms) {
        flight->rough_ticks = (uint16_t)cal->flight_mode_rough_hold_ms;
        flight->is_rough    = 1U;
    } else if (flight->is_rough != 0U) {
        flight->rough_ticks = (uint16_t)cal->flight_mode_rough_hold_ms;
    } else {
        /* smooth */
    }
    flight->suspect_age_ticks[1] = flight->suspect_age_ticks[0];
    flight->suspect_age_ticks[0] = 0U;
    flight->ceiling_Nm           = numeric_max(granted_Nm, 0.0f);
    enter(flight, FLIGHT_MODE_SUSPECT, FLIGHT_MODE_CAUSE_LOW_FORCE);
}

static void enter_air(flight_mode_t *flight, flight_mode_cause_t cause, float granted_Nm)
{
    flight->is_bounce = numeric_flag(flight->state == (uint8_t)FLIGHT_MODE_RAMP);
    if (flight->is_bounce != 0U) {
        flight->ceiling_Nm = numeric_max(granted_Nm, 0.0f); /* the ramp stands where it stood */
    }
    flight->is_alone             = numeric_flag(cause == FLIGHT_MODE_CAUSE_NOBODY_TO_ASK);
    flight->has_timed_out        = 0U;
    flight->air_ticks            = flight->low_air_ticks; /* take-off was when the force went */
    flight->peak_engine_rpm      = 0.0f;
    flight->peak_overspeed_ratio = 0.0f;
    flight->suspect_age_ticks[0] = UINT16_MAX; /* that suspicion was right */
    flight->flight_count++;
    enter(flight, FLIGHT_MODE_AIR, cause);
}

static void complete_record(flight_mode_t *flight, uint16_t ago_ticks, bool is_touched_down, float granted_Nm)
{
    flight_record_t *record = &flight->record;

    record->peak_engine_rpm       = flight->peak_engine_rpm;
    record->peak_overspeed_pct    = flight->peak_overspeed_ratio * RATIO_TO_PCT;
    record->granted_at_landing_Nm = granted_Nm;
    record->peak_force_mps2       = flight->evidence.force_z_mps2;
    record->touchdown_ago_ms      = ago_ticks;
    record->air_time_ms           = (flight->air_ticks > ago_ticks) ? (uint16_t)(flight->air_ticks - ago_ticks) : 0U;
    record->is_touched_down       = numeric_flag(is_touched_down);
    record->number++;
}

static void enter_landing(flight_mode_t *flight, float granted_Nm)
{
    const bool by_damper = flight->evidence.is_any_compressing != 0U;

    complete_record(flight, flight->touchdown_ticks, true, granted_Nm);
    flight->ceiling_Nm = numeric_max(granted_Nm, 0.0f);
    flight->wants_cut  = 0U;
    enter(flight, FLIGHT_MODE_LANDING, by_damper ? FLIGHT_MODE_CAUSE_DAMPER_HIT : FLIGHT_MODE_CAUSE_FORCE_PEAK);
}

static void enter_ramp(flight_mode_t *flight, flight_mode_cause_t cause, float granted_Nm)
{
    flight->ceiling_Nm     = numeric_max(granted_Nm, 0.0f);
    flight->disagree_ticks = 0U;
    flight->wants_cut      = 0U;
    enter(flight, FLIGHT_MODE_RAMP, cause);
}

/* Out of AIR without a landing. */
static void abandon_flight(flight_mode_t *flight, flight_mode_cause_t cause, uint16_t ago_ticks, float granted_Nm)
{
    complete_record(flight, ago_ticks, false, granted_Nm);
    enter_ramp(flight, cause, granted_Nm);
}

/* ---- one state each */

static void tick_suspect(flight_mode_t *flight, const vcu_calibration_t *cal, float granted_Nm)
{
    const flight_mode_cause_t confirmed = confirmation(flight, cal);

    if (confirmed != FLIGHT_MODE_CAUSE_START) {
        enter_air(flight, confirmed, granted_Nm);
    } else if (flight->is_permitted == 0U) {
        enter_ground(flight, FLIGHT_MODE_CAUSE_EVIDENCE_LOST);
    } else if (flight->force_back_ticks >= cal->flight_mode_clear_dwell_ms) {
        enter_ground(flight, FLIGHT_MODE_CAUSE_FORCE_BACK);
    } else if ((flight->state_ticks >= cal->flight_mode_suspect_max_ms) && !may_soon_be_confirmed(flight, cal)) {
        flight->is_locked_out = 1U;
        enter_ground(flight, FLIGHT_MODE_CAUSE_SUSPECT_TIMEOUT);
    } else {
        /* still suspect */
    }
}

static void tick_air(flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs, float granted_Nm)
{
    flight->air_ticks = numeric_count_u16(flight->air_ticks);
    if (signal_is_usable(&inputs->engine_speed_rpm)) {
        flight->peak_engine_rpm = numeric_max(flight->peak_engine_rpm, inputs->engine_speed_rpm.value);
    }
    flight->peak_overspeed_ratio = numeric_max(flight->peak_overspeed_ratio, flight->overspeed_ratio);

    if (is_landing(flight, cal)) {
        enter_landing(flight, granted_Nm);
    } else if (flight->is_permitted == 0U) {
        abandon_flight(flight, FLIGHT_MODE_CAUSE_EVIDENCE_LOST, 0U, granted_Nm);
    } else if (is_too_long(flight, cal)) {
        flight->is_locked_out = 1U;
        flight->has_timed_out = 1U;
        abandon_flight(flight, FLIGHT_MODE_CAUSE_AIR_TIMEOUT, 0U, granted_Nm);
    } else if (flight->force_back_ticks >= cal->flight_mode_air_clear_dwell_ms) {
        abandon_flight(flight, FLIGHT_MODE_CAUSE_FORCE_BACK, flight->force_back_ticks, granted_Nm);
    } else {
        /* still flying */
    }
}

static void tick_ramp(flight_mode_t *flight, const vcu_calibration_t *cal, float demand_Nm, float granted_Nm)
{
    if (is_stuck_low(flight, cal)) {
        flight->is_locked_out = 1U; /* as in SUSPECT: a stuck value must not hold torque */
    }

    const flight_mode_cause_t confirmed = confirmation(flight, cal);
    const bool                is_armed  = flight->state_ticks >= cal->flight_mode_rearm_ms;
    const bool                agrees    = numeric_abs(flight->overspeed_ratio) <= cal->flight_mode_agree_ratio;

    flight->record.peak_force_mps2 = numeric_max(flight->record.peak_force_mps2, flight->evidence.force_z_mps2);
    if (!agrees) {
        flight->disagree_ticks = numeric_count_u16(flight->disagree_ticks);
    }
    if (is_armed && (confirmed != FLIGHT_MODE_CAUSE_START)) {
        enter_air(flight, confirmed, granted_Nm);
    } else if (is_armed && (flight->ceiling_Nm >= numeric_max(demand_Nm, 0.0f))) {
        enter_ground(flight, FLIGHT_MODE_CAUSE_RESTORED);
    } else if (!may_be_leaving(flight) && may_restore(flight, cal)) {
        flight->ceiling_Nm = numeric_min(flight->ceiling_Nm + (cal->flight_mode_restore_Nmps / NUMERIC_TICKS_PER_S),
                                         TORQUE_UNLIMITED_Nm);
    } else {
        /* the ramp stands while the car may be leaving the ground again, or wheels and ground disagree */
    }
}

/* A code that is no state can only come from a broken memory: start anew on the ground. */
static void mend_state(flight_mode_t *flight)
{
    if (flight->state > (uint8_t)FLIGHT_MODE_RAMP) {
        enter_ground(flight, FLIGHT_MODE_CAUSE_START);
    }
}

static void step_state(flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs, float demand_Nm,
                       float granted_Nm)
{
    switch ((flight_mode_state_t)flight->state) {
    case FLIGHT_MODE_GROUND:
        if (is_suspicious(flight, cal)) {
            enter_suspect(flight, cal, granted_Nm);
        }
        break;
    case FLIGHT_MODE_SUSPECT:
        tick_suspect(flight, cal, granted_Nm);
        break;
    case FLIGHT_MODE_AIR:
        tick_air(flight, cal, inputs, granted_Nm);
        break;
    case FLIGHT_MODE_LANDING:
        flight->record.peak_force_mps2 = numeric_max(flight->record.peak_force_mps2, flight->evidence.force_z_mps2);
        if (flight->state_ticks >= cal->flight_mode_landing_hold_ms) {
            enter_ramp(flight, FLIGHT_MODE_CAUSE_HOLD_OVER, granted_Nm);
        }
        break;
    case FLIGHT_MODE_RAMP:
        tick_ramp(flight, cal, demand_Nm, granted_Nm);
        break;
    }
}

/* ---- the bound of each state */

/* Share of demand by spark while merely suspect, and in the air while no wheel can tell its speed. */
static float precut_Nm(const flight_mode_t *flight, const vcu_calibration_t *cal, float demand_Nm)
{
    const float share_Nm = numeric_max(demand_Nm, 0.0f) * cal->flight_mode_precut_ratio;

    return numeric_min(flight->ceiling_Nm, share_Nm);
}

/* A proportional law without integral: an integral winds up on the first overspeed and lands too slow. */
static float match_Nm(flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const flight_evidence_t *evidence   = &flight->evidence;
    const float              lack_radps = evidence->reference_radps - evidence->wheel_speed_radps;
    const float              cut_ratio  = cal->flight_mode_cut_overspeed_ratio;

    if (flight->overspeed_ratio > cut_ratio) {
        flight->wants_cut = 1U;
    } else if (flight->overspeed_ratio < (cut_ratio * 0.5f)) {
        flight->wants_cut = 0U;
    } else {
        /* as it was */
    }
    return numeric_clamp(cal->flight_mode_match_gain_Nms * lack_radps, 0.0f, flight->ceiling_Nm);
}

static void set_bound(flight_mode_t *flight, const vcu_calibration_t *cal, float demand_Nm)
{
    const bool has_wheels = flight->evidence.usable_wheels > 0U;

    switch ((flight_mode_state_t)flight->state) {
    case FLIGHT_MODE_GROUND:
        flight->bound_Nm = TORQUE_UNLIMITED_Nm;
        break;
    case FLIGHT_MODE_SUSPECT:
        flight->bound_Nm = (flight->is_rough != 0U) ? flight->ceiling_Nm : precut_Nm(flight, cal, demand_Nm);
        break;
    case FLIGHT_MODE_AIR:
        if (has_wheels && (flight->is_alone == 0U)) {
            flight->bound_Nm = match_Nm(flight, cal);
        } else {
            /* nothing to match; or alone: never harder than the pre-cut, so that a false verdict costs little */
            flight->wants_cut = 0U;
            flight->bound_Nm  = precut_Nm(flight, cal, demand_Nm);
        }
        break;
    case FLIGHT_MODE_LANDING:
    case FLIGHT_MODE_RAMP:
        flight->bound_Nm = flight->ceiling_Nm;
        break;
    }
}

static uint8_t confidence_pct(const flight_mode_t *flight)
{
    const flight_evidence_t *evidence = &flight->evidence;
    uint32_t                 pct      = 0U;

    if (evidence->is_low_suspect != 0U) {
        pct = 40U; /* one kind alone is never half of the truth */
        pct += (evidence->is_damper_flying != 0U) ? 35U : 0U;
        pct += (evidence->is_wheel_flying != 0U) ? 25U : 0U;
    }
    return (uint8_t)pct;
}

/* The wheels roll on the ground: they tell its speed. */
static bool is_grounded(const flight_mode_t *flight, const vcu_calibration_t *cal)
{
    const bool has_landed = (flight->state == (uint8_t)FLIGHT_MODE_RAMP) &&
                            (flight->state_ticks >= cal->flight_mode_rearm_ms);

    return ((flight->state == (uint8_t)FLIGHT_MODE_GROUND) || has_landed) && (flight->low_suspect_ticks == 0U);
}

void flight_mode_tick(flight_mode_t *flight, const vcu_calibration_t *cal, const inputs_t *inputs, float demand_Nm,
                      float granted_Nm)
{
    flight_evidence_tick(&flight->evidence, cal, inputs, is_grounded(flight, cal));
    flight->overspeed_ratio = (flight->evidence.wheel_speed_radps - flight->evidence.reference_radps) /
                              numeric_max(flight->evidence.reference_radps, 1.0f);
    judge(flight, cal, inputs);
    mend_state(flight);
    step_state(flight, cal, inputs, demand_Nm, granted_Nm);
    set_bound(flight, cal, demand_Nm);
    flight->confidence_pct = confidence_pct(flight);
}

torque_reason_t flight_mode_reason(const flight_mode_t *flight)
{
    torque_reason_t reason = TORQUE_REASON_NONE;

    switch ((flight_mode_state_t)flight->state) {
    case FLIGHT_MODE_GROUND:
        reason = TORQUE_REASON_NONE;
        break;
    case FLIGHT_MODE_SUSPECT:
        reason = TORQUE_REASON_FLIGHT_SUSPECT;
        break;
    case FLIGHT_MODE_AIR:
        reason = TORQUE_REASON_FLIGHT_AIR;
        break;
    case FLIGHT_MODE_LANDING:
        reason = TORQUE_REASON_FLIGHT_LANDING;
        break;
    case FLIGHT_MODE_RAMP:
        reason = TORQUE_REASON_FLIGHT_RAMP;
        break;
    }
    return reason;
}

#include "demand.h"

#include "numeric.h"
#include "torque.h"

#define FALL_AT_ONCE_Nmps 1.0e7f

static const float pedal_axis[5] = {0.0f, 0.25f, 0.5f, 0.75f, 1.0f};

void demand_init(demand_t *demand)
{
    *demand = (demand_t){.bound_Nm = TORQUE_UNLIMITED_Nm, .pedal = (uint8_t)DEMAND_PEDAL_LOST};
}

static float ratio_of(const signal_t *track_pct)
{
    return numeric_clamp(track_pct->value / 100.0f, 0.0f, 1.0f);
}

/* Tracks that have disagreed for track_difference_ms, or of which one was lost, are doubted until they have agreed for
 * track_heal_ms. */
static demand_pedal_t judge_two_tracks(demand_t *demand, const vcu_calibration_t *cal, float first, float second)
{
    const bool     differs    = numeric_abs(first - second) > (cal->demand_track_difference_pct / 100.0f);
    const bool     was_silent = (demand->pedal == (uint8_t)DEMAND_PEDAL_LOST) && (demand->has_differed == 0U);
    const bool     is_doubted = (demand->pedal != (uint8_t)DEMAND_PEDAL_BOTH) && !was_silent;
    demand_pedal_t pedal      = is_doubted ? DEMAND_PEDAL_DISAGREE : DEMAND_PEDAL_BOTH;

    demand->differ_ticks = numeric_held_u16(demand->differ_ticks, differs);
    demand->agree_ticks  = numeric_held_u16(demand->agree_ticks, !differs);
    if (demand->differ_ticks >= cal->demand_track_difference_ms) {
        demand->has_differed = 1U;
        pedal                = DEMAND_PEDAL_DISAGREE;
    } else if (demand->agree_ticks >= cal->demand_track_heal_ms) {
        demand->has_differed = 0U;
        pedal                = DEMAND_PEDAL_BOTH;
    } else {
        /* as it was */
    }
    return pedal;
}

/* What the lost track said last is not known any more: it may have been lower by what is tolerated. */
static demand_pedal_t judge_one_track(demand_t *demand, const vcu_calibration_t *cal, float track)
{
    demand_pedal_t pedal = DEMAND_PEDAL_SINGLE;

    if ((demand->has_differed != 0U) || (demand->differ_ticks > 0U)) {
        demand->has_differed = 1U;
        pedal                = DEMAND_PEDAL_LOST;
    } else {
        demand->pedal_ratio = numeric_max(track - (cal->demand_track_difference_pct / 100.0f), 0.0f);
    }
    demand->agree_ticks = 0U;
    return pedal;
}

static void hold_then_ramp(demand_t *demand, const vcu_calibration_t *cal)
{
    demand->lost_ticks = numeric_count_u16(demand->lost_ticks);
    if (demand->lost_ticks > cal->demand_link_hold_ms) {
        demand->pedal_ratio = numeric_slew(demand->pedal_ratio, 0.0f, 0.0f,
                                           NUMERIC_TICKS_PER_S / (float)cal->demand_link_ramp_ms);
    }
}

static void read_pedal(demand_t *demand, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *first  = &inputs->accelerator_1_pct;
    const signal_t *second = &inputs->accelerator_2_pct;
    demand_pedal_t  pedal  = DEMAND_PEDAL_LOST;

    if (signal_is_usable(first) && signal_is_usable(second)) {
        pedal               = judge_two_tracks(demand, cal, ratio_of(first), ratio_of(second));
        demand->pedal_ratio = numeric_min(ratio_of(first), ratio_of(second));
    } else if (signal_is_usable(first) || signal_is_usable(second)) {
        pedal = judge_one_track(demand, cal, ratio_of(signal_is_usable(first) ? first : second));
    } else {
        demand->agree_ticks = 0U;
    }
    demand->pedal = (uint8_t)pedal;
    if (pedal == DEMAND_PEDAL_LOST) {
        hold_then_ramp(demand, cal);
    } else {
        demand->lost_ticks = 0U;
    }
}

static float torque_of(const demand_t *demand, const vcu_calibration_t *cal, float pedal_ratio)
{
    const float share = numeric_interpolate(pedal_axis, cal->demand_pedal_map, 5U, pedal_ratio);

    return demand->overrun_Nm + ((demand->full_load_Nm - demand->overrun_Nm) * share);
}

/* A doubtful pedal asks for a share of what it shows; a lost one for no more than before, and for what the ramp leaves. */
static float bound_of(const demand_t *demand, const vcu_calibration_t *cal)
{
    const bool  is_lost     = demand->pedal == (uint8_t)DEMAND_PEDAL_LOST;
    const bool  is_believed = demand->pedal == (uint8_t)DEMAND_PEDAL_BOTH;
    const bool  is_doubtful = is_lost ? (demand->has_differed != 0U) : !is_believed;
    const float share       = is_doubtful ? cal->demand_single_track_ratio : 1.0f;
    const bool  is_ramping  = demand->lost_ticks > cal->demand_link_hold_ms;
    float       bound_Nm    = TORQUE_UNLIMITED_Nm;

    if (is_doubtful || is_ramping) {
        bound_Nm = numeric_max(torque_of(demand, cal, demand->pedal_ratio * share), 0.0f);
    }
    if (is_lost) {
        bound_Nm = numeric_min(bound_Nm, demand->bound_Nm);
    }
    return bound_Nm;
}

static void take_speed(demand_t *demand, const vcu_calibration_t *cal, float speed_rpm)
{
    const float overrun = numeric_fraction(speed_rpm, cal->demand_drag_from_rpm, cal->demand_drag_full_rpm);

    demand->speed_rpm    = speed_rpm;
    demand->full_load_Nm = numeric_interpolate(cal->demand_curve_speed_rpm, cal->demand_curve_torque_Nm, 5U, speed_rpm);
    demand->overrun_Nm   = cal->demand_drag_Nm * overrun;
}

void demand_tick(demand_t *demand, const vcu_calibration_t *cal, const inputs_t *inputs, bool is_flying)
{
    read_pedal(demand, cal, inputs);
    if (signal_is_new(&inputs->engine_speed_rpm)) {
        take_speed(demand, cal, inputs->engine_speed_rpm.value);
    }

    const float asked_Nm = torque_of(demand, cal, demand->pedal_ratio);
    const float fall     = is_flying ? FALL_AT_ONCE_Nmps : cal->demand_fall_Nmps;
    const float last_Nm  = numeric_clamp(demand->demand_Nm, cal->demand_drag_Nm, TORQUE_UNLIMITED_Nm);

    demand->demand_Nm = numeric_slew(last_Nm, asked_Nm, cal->demand_rise_Nmps, fall);
    demand->bound_Nm  = bound_of(demand, cal);
}

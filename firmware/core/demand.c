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

/* Tracks that have disagreed for track_difference_ms are doubted until they have agreed for track_heal_ms. */
static demand_pedal_t judge_two_tracks(demand_t *demand, const vcu_calibration_t *cal, float first, float second)
{
    const bool differs     = numeric_abs(first - second) > (cal->demand_track_difference_pct / 100.0f);
    const bool is_doubted  = demand->pedal != (uint8_t)DEMAND_PEDAL_BOTH;
    bool       is_believed = !is_doubted;

    demand->differ_ticks = numeric_held_u16(demand->differ_ticks, differs);
    demand->agree_ticks  = numeric_held_u16(demand->agree_ticks, !differs);
    if (is_doubted) {
        const uint32_t needed_ms = (demand->pedal == (uint8_t)DEMAND_PEDAL_LOST) ? 0U : cal->demand_track_heal_ms;

        is_believed = !differs && (demand->agree_ticks >= needed_ms);
    } else {
        is_believed = demand->differ_ticks < cal->demand_track_difference_ms;
    }
    return is_believed ? DEMAND_PEDAL_BOTH : DEMAND_PEDAL_DISAGREE;
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
        pedal               = DEMAND_PEDAL_SINGLE;
        demand->pedal_ratio = signal_is_usable(first) ? ratio_of(first) : ratio_of(second);
    } else {
        demand->lost_ticks = numeric_count_u16(demand->lost_ticks);
        if (demand->lost_ticks > cal->demand_link_hold_ms) {
            demand->pedal_ratio =
                numeric_slew(demand->pedal_ratio, 0.0f, 0.0f, NUMERIC_TICKS_PER_S / (float)cal->demand_link_ramp_ms);
        }
    }
    if (pedal != DEMAND_PEDAL_LOST) {
        demand->lost_ticks = 0U;
    }
    demand->pedal = (uint8_t)pedal;
}

static float torque_of(const demand_t *demand, const vcu_calibration_t *cal, float pedal_ratio)
{
    const float share = numeric_interpolate(pedal_axis, cal->demand_pedal_map, 5U, pedal_ratio);

    return demand->overrun_Nm + ((demand->full_load_Nm - demand->overrun_Nm) * share);
}

void demand_tick(demand_t *demand, const vcu_calibration_t *cal, const inputs_t *inputs, bool is_flying)
{
    read_pedal(demand, cal, inputs);
    if (signal_is_usable(&inputs->engine_speed_rpm)) {
        demand->speed_rpm = inputs->engine_speed_rpm.value;
    }
    demand->full_load_Nm =
        numeric_interpolate(cal->demand_curve_speed_rpm, cal->demand_curve_torque_Nm, 5U, demand->speed_rpm);
    demand->overrun_Nm =
        cal->demand_drag_Nm * numeric_fraction(demand->speed_rpm, cal->demand_drag_from_rpm, cal->demand_drag_full_rpm);

    const float asked_Nm = torque_of(demand, cal, demand->pedal_ratio);
    const float fall     = is_flying ? FALL_AT_ONCE_Nmps : cal->demand_fall_Nmps;

    demand->demand_Nm = numeric_slew(demand->demand_Nm, asked_Nm, cal->demand_rise_Nmps, fall);

    const bool is_doubtful =
        (demand->pedal == (uint8_t)DEMAND_PEDAL_SINGLE) || (demand->pedal == (uint8_t)DEMAND_PEDAL_DISAGREE);

    demand->bound_Nm = is_doubtful
                           ? numeric_max(torque_of(demand, cal, demand->pedal_ratio * cal->demand_single_track_ratio), 0.0f)
                           : TORQUE_UNLIMITED_Nm;
}

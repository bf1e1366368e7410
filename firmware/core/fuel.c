#include "fuel.h"

#include "codes.h"
#include "raster.h"

#define GRAVITY_mps2 9.81f
#define FORCE_MAX_mps2 200.0f /* as inputs.def */
#define SENDER_MAX_L 600.0f   /* as inputs.def */
#define STAGE_MAX_km 10000.0f

/* Level, range and stage are judged with the cycle of FuelSenders. */
#define SLOW_PERIODS 10U
#define SLOW_TICKS ((float)(SLOW_PERIODS * RASTER_TICKS))
#define SLOW_PER_S (NUMERIC_TICKS_PER_S / SLOW_TICKS)

/* Small steps into a large float are lost by rounding: they gather here first. */
#define CARRY_ml 100.0f
#define SEGMENT_m 100.0f
#define SEGMENT_km 0.1f

#define STANDSTILL_mps 0.5f
#define STANDSTILL_ms 10000U /* slosh is over */

/* Fuel that a crank power takes, per Nm rpm: 42.9 MJ/kg and 0.745 kg/l at an efficiency of 0.33 (estimates). Half of
 * it is less than any engine needs. */
#define FLOW_OF_POWER 9.93e-6f
#define FLOW_DOUBT_RATIO 0.5f
#define FLOW_DOUBT_ms 5000U
#define IDLE_mlps 1.0f
#define FASTEST_mps 30.0f     /* assumed when nobody knows the speed */
#define mlps_OF_Lp100km_mps 0.01f

#define BOTH 3U /* of a mask of senders */

#define START_SPREADS 3.0f /* a level seen while sloshing is that much worse than a calm one */

/* ---- memory */

void fuel_init(fuel_t *fuel, const vcu_calibration_t *cal)
{
    *fuel = (fuel_t){
        .collector_pct       = 100.0f,
        .bound_Nm            = cal->torque_gearbox_max_Nm,
        .consumption_Lp100km = cal->fuel_plan_Lp100km,
        .stage_Lp100km       = cal->fuel_plan_Lp100km,
        .since_flight_ticks  = UINT16_MAX,
        .is_segment_good     = 1U,
    };
    fuel->stage_km = cal->fuel_mean_km;
    fuel->stage_L  = (cal->fuel_mean_km * cal->fuel_plan_Lp100km) / 100.0f;
}

void fuel_keep(const fuel_t *fuel, fuel_keep_t *keep)
{
    *keep = (fuel_keep_t){
        .volume_L            = fuel->volume_L,
        .spread_L            = fuel->spread_L,
        .consumption_Lp100km = fuel->consumption_Lp100km,
        .stage_km            = fuel->stage_km,
        .stage_L             = fuel->stage_L,
        .refill_count        = fuel->refill_count,
        .is_known            = numeric_flag((fuel->is_known != 0U) && (fuel->is_settled != 0U)),
    };
}

static bool is_within(float value, float low, float high)
{
    return (value >= low) && (value <= high); /* false for a NaN */
}

void fuel_recall(fuel_t *fuel, const vcu_calibration_t *cal, const fuel_keep_t *keep)
{
    const float *limits  = cal->fuel_limits_Lp100km;
    const bool   is_sane = (keep->is_known == 1U) && is_within(keep->volume_L, 0.0f, cal->fuel_capacity_L) &&
                           is_within(keep->spread_L, 0.0f, cal->fuel_capacity_L) &&
                           is_within(keep->consumption_Lp100km, limits[0], limits[1]) &&
                           is_within(keep->stage_km, 0.0f, STAGE_MAX_km) &&
                           is_within(keep->stage_L, 0.0f, (STAGE_MAX_km * limits[1]) / 100.0f);

    if (is_sane) {
        fuel->volume_L            = keep->volume_L;
        fuel->spread_L            = keep->spread_L;
        fuel->consumption_Lp100km = keep->consumption_Lp100km;
        fuel->stage_km            = keep->stage_km;
        fuel->stage_L             = keep->stage_L;
        fuel->refill_count        = keep->refill_count;
        fuel->refill_from_L       = keep->volume_L;
        fuel->has_noted_stop      = 1U;
        fuel->is_known            = 1U;
        fuel->is_settled          = 1U;
    }
}

/* Whatever a broken memory holds, it comes back into the range of the possible; a volume that cannot be is unknown. */
static void mend(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const float *limits = cal->fuel_limits_Lp100km;

    if (!is_within(fuel->volume_L, 0.0f, cal->fuel_capacity_L)) {
        fuel->volume_L   = 0.0f;
        fuel->is_known   = 0U;
        fuel->is_settled = 0U;
    }
    fuel->spread_L            = numeric_clamp(fuel->spread_L, 0.0f, cal->fuel_capacity_L);
    fuel->used_L              = numeric_clamp(fuel->used_L, 0.0f, 1.0e6f);
    fuel->level_L             = numeric_clamp(fuel->level_L, 0.0f, SENDER_MAX_L);
    fuel->consumption_Lp100km = numeric_clamp(fuel->consumption_Lp100km, limits[0], limits[1]);
    fuel->stage_Lp100km       = numeric_clamp(fuel->stage_Lp100km, limits[0], limits[1]);
    fuel->stage_km            = numeric_clamp(fuel->stage_km, 0.0f, STAGE_MAX_km);
    fuel->stage_L             = numeric_clamp(fuel->stage_L, 0.0f, (STAGE_MAX_km * limits[1]) / 100.0f);
    fuel->segment_m           = numeric_clamp(fuel->segment_m, 0.0f, 2.0f * SEGMENT_m);
    fuel->segment_ml          = numeric_clamp(fuel->segment_ml, 0.0f, 1.0e6f);
    fuel->burned_ml           = numeric_clamp(fuel->burned_ml, -1000.0f, 1000.0f);
    fuel->refill_from_L       = numeric_clamp(fuel->refill_from_L, 0.0f, cal->fuel_capacity_L);
    fuel->refilled_L          = numeric_clamp(fuel->refilled_L, 0.0f, cal->fuel_capacity_L);
}

float fuel_fill_ratio(const fuel_t *fuel, const vcu_calibration_t *cal)
{
    return (fuel->is_known != 0U) ? numeric_clamp(fuel->volume_L / cal->fuel_capacity_L, 0.0f, 1.0f) : 0.5f;
}

/* ---- is the car calm? */

static bool is_disturbed_by(const flight_mode_t *flight)
{
    return (flight->state == (uint8_t)FLIGHT_MODE_AIR) || (flight->state == (uint8_t)FLIGHT_MODE_LANDING) ||
           (flight->state == (uint8_t)FLIGHT_MODE_RAMP);
}

static float follow_force(float from_mps2, float to_mps2, const vcu_calibration_t *cal)
{
    return numeric_clamp(raster_lag(from_mps2, to_mps2, cal->fuel_force_filter_ms), -FORCE_MAX_mps2, FORCE_MAX_mps2);
}

/* Attitude and rest by the filtered force. Where no force is felt nothing speaks against calm: the correction is slow,
 * and a car without the sensor must not lose its fuel gauge with it. */
static void observe_calm(fuel_t *fuel, const vcu_calibration_t *cal, const flight_mode_t *flight)
{
    const flight_evidence_t *evidence = &flight->evidence;
    float                   *force    = fuel->force_mps2;

    force[0] = follow_force(force[0], evidence->force_x_mps2, cal);
    force[1] = follow_force(force[1], evidence->force_y_mps2, cal);
    force[2] = follow_force(force[2], evidence->force_z_mps2, cal);

    const float norm2    = (force[0] * force[0]) + (force[1] * force[1]) + (force[2] * force[2]);
    const float least    = GRAVITY_mps2 - cal->fuel_calm_force_mps2; /* at least 4.8 by its range */
    const float most     = GRAVITY_mps2 + cal->fuel_calm_force_mps2;
    const bool  is_level = (numeric_abs(force[0]) < cal->fuel_calm_tilt_mps2) &&
                           (numeric_abs(force[1]) < cal->fuel_calm_tilt_mps2);
    const bool  is_quiet = is_level && (norm2 > (least * least)) && (norm2 < (most * most));
    const bool  is_still = is_quiet || (evidence->is_inertial_usable == 0U);

    fuel->since_flight_ticks = raster_held_u16(fuel->since_flight_ticks, !is_disturbed_by(flight));
    fuel->calm_ticks         = raster_held_u16(fuel->calm_ticks,
                                               is_still && (fuel->since_flight_ticks > cal->fuel_after_flight_ms));
}

/* ---- reckoning */

static float power_flow_mlps(const inputs_t *inputs)
{
    const bool is_heard = signal_is_usable(&inputs->engine_torque_Nm) && signal_is_usable(&inputs->engine_speed_rpm);

    return is_heard ? numeric_max(inputs->engine_torque_Nm.value * inputs->engine_speed_rpm.value * FLOW_OF_POWER, 0.0f)
                    : 0.0f;
}

static void judge_flow(fuel_t *fuel, const inputs_t *inputs, float power_mlps)
{
    const bool is_heard = signal_is_usable(&inputs->injected_fuel_mlps);
    const bool is_short = is_heard && (inputs->injected_fuel_mlps.value < (power_mlps * FLOW_DOUBT_RATIO));

    fuel->flow_ticks = raster_held_u16(fuel->flow_ticks, is_heard && (is_short != (fuel->is_flow_doubted != 0U)));
    if (fuel->flow_ticks >= FLOW_DOUBT_ms) {
        fuel->is_flow_doubted = numeric_flag(is_short);
        fuel->flow_ticks      = 0U;
    }
    fuel->is_flow_believed = numeric_flag(is_heard && (fuel->is_flow_doubted == 0U));
    fuel->is_segment_good  = (uint8_t)(fuel->is_segment_good & fuel->is_flow_believed);
}

/* What may be burned at most when no flow is believed: by the road at the worst consumption, or by the power given. */
static float assumed_flow_mlps(const fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs,
                               float speed_mps, float power_mlps)
{
    const float worst_Lp100km = numeric_max(numeric_max(fuel->consumption_Lp100km, fuel->stage_Lp100km),
                                            cal->fuel_lost_Lp100km);
    const float road_mlps     = worst_Lp100km * speed_mps * mlps_OF_Lp100km_mps;
    const bool  is_stopped    = signal_shows(&inputs->engine_status, ENGINE_STOPPED);

    return is_stopped ? 0.0f : numeric_max(numeric_max(road_mlps, power_mlps), IDLE_mlps);
}

static float speed_mps(const flight_evidence_t *evidence)
{
    return (evidence->is_speed_usable != 0U) ? evidence->speed_mps : FASTEST_mps;
}

static void carry(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const float step_L   = fuel->burned_ml / 1000.0f;
    const float burned_L = numeric_max(step_L, 0.0f);

    fuel->volume_L  = numeric_clamp(fuel->volume_L - step_L, 0.0f, cal->fuel_capacity_L);
    fuel->burned_ml = 0.0f;
    fuel->used_L += burned_L;
    fuel->spread_L += burned_L * cal->fuel_flow_error_ratio;
    for (uint32_t i = 0U; (i < FUEL_SENDERS) && (fuel->is_flow_believed != 0U); i++) {
        fuel->sender[i].used_L += burned_L;
    }
}

static void take_segment(fuel_t *fuel, const vcu_calibration_t *cal)
{
    if (fuel->is_segment_good != 0U) {
        const float *limits = cal->fuel_limits_Lp100km;
        /* ml per m is l per km; segment_m is at least SEGMENT_m here. Idling is no consumption by the road. */
        const float seen_Lp100km = numeric_clamp((fuel->segment_ml * 100.0f) / fuel->segment_m, limits[0], limits[1]);

        fuel->consumption_Lp100km += (seen_Lp100km - fuel->consumption_Lp100km) * (SEGMENT_km / cal->fuel_mean_km);
        fuel->stage_km += SEGMENT_km;
        fuel->stage_L += (seen_Lp100km * SEGMENT_km) / 100.0f;
        fuel->stage_Lp100km = (fuel->stage_L * 100.0f) / numeric_max(fuel->stage_km, SEGMENT_km);
    }
    for (uint32_t i = 0U; i < FUEL_SENDERS; i++) {
        fuel->sender[i].driven_km += SEGMENT_km;
    }
    fuel->segment_m       = 0.0f;
    fuel->segment_ml      = 0.0f;
    fuel->is_segment_good = fuel->is_flow_believed;
}

static void reckon(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs,
                   const flight_evidence_t *evidence)
{
    const float period_s   = (float)RASTER_TICKS / NUMERIC_TICKS_PER_S;
    const float power_mlps = power_flow_mlps(inputs);
    const float now_mps    = speed_mps(evidence);

    judge_flow(fuel, inputs, power_mlps);

    const float flow_mlps = (fuel->is_flow_believed != 0U) ? inputs->injected_fuel_mlps.value
                                                           : assumed_flow_mlps(fuel, cal, inputs, now_mps, power_mlps);

    fuel->burned_ml += flow_mlps * period_s;
    fuel->segment_ml += flow_mlps * period_s;
    fuel->segment_m += now_mps * period_s;
    if (numeric_abs(fuel->burned_ml) >= CARRY_ml) {
        carry(fuel, cal);
    }
    if (fuel->segment_m >= SEGMENT_m) {
        take_segment(fuel, cal);
    }
}

/* ---- level */

/* A sender that does not move while so much is burned on so long a road hangs. */
static void watch_sender(fuel_sender_t *sender, const vcu_calibration_t *cal, float sample_L)
{
    sender->lowest_L  = numeric_min(sender->lowest_L, sample_L);
    sender->highest_L = numeric_max(sender->highest_L, sample_L);
    if (!((sender->highest_L - sender->lowest_L) <= cal->fuel_stuck_band_L)) { /* true for a NaN */
        sender->lowest_L  = sample_L;
        sender->highest_L = sample_L;
        sender->used_L    = 0.0f;
        sender->driven_km = 0.0f;
        sender->is_stuck  = 0U;
    }
    sender->used_L    = numeric_clamp(sender->used_L, 0.0f, SENDER_MAX_L);
    sender->driven_km = numeric_clamp(sender->driven_km, 0.0f, STAGE_MAX_km);
    if ((sender->used_L >= cal->fuel_stuck_used_L) && (sender->driven_km >= cal->fuel_stuck_km)) {
        sender->is_stuck = 1U;
    }
}

static void hear_senders(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *signal[FUEL_SENDERS] = {&inputs->fuel_sender_a_L, &inputs->fuel_sender_b_L};
    const bool      is_ground            = fuel->since_flight_ticks > cal->fuel_after_flight_ms;

    for (uint32_t i = 0U; i < FUEL_SENDERS; i++) {
        fuel_sender_t *sender  = &fuel->sender[i];
        const bool     is_here = signal_is_usable(signal[i]);

        if (is_here && is_ground) {
            const float tau_ms = (sender->is_usable != 0U) ? cal->fuel_sender_filter_ms : 0.0f;
            const float next_L = numeric_lag(sender->volume_L, signal[i]->value, SLOW_TICKS, tau_ms);

            watch_sender(sender, cal, signal[i]->value);
            sender->volume_L  = numeric_clamp(next_L, 0.0f, SENDER_MAX_L);
            sender->is_usable = numeric_flag(sender->is_stuck == 0U);
        } else if (!is_here) {
            sender->is_usable = 0U;
        } else {
            /* in flight and shortly after nothing is learned and nothing forgotten */
        }
    }
}

static bool is_far(const fuel_t *fuel, const vcu_calibration_t *cal, uint32_t i)
{
    return numeric_abs(fuel->sender[i].volume_L - fuel->volume_L) > cal->fuel_differ_L;
}

/* Two senders that differ: the reckoning decides. Without it, the lower one. */
static uint8_t vote(const fuel_t *fuel, const vcu_calibration_t *cal, bool has_reckoning)
{
    const uint32_t lower    = (fuel->sender[1].volume_L < fuel->sender[0].volume_L) ? 1U : 0U;
    const bool     is_far_0 = is_far(fuel, cal, 0U);
    const bool     is_far_1 = is_far(fuel, cal, 1U);
    uint8_t        mask     = (uint8_t)(1U << lower);

    if (has_reckoning && is_far_0 && is_far_1) {
        mask = 0U;
    } else if (has_reckoning && (is_far_0 != is_far_1)) {
        mask = is_far_0 ? 2U : 1U;
    } else {
        /* the lower one */
    }
    return mask;
}

static uint8_t heard_mask(const fuel_t *fuel)
{
    return (uint8_t)((fuel->sender[0].is_usable & 1U) | ((fuel->sender[1].is_usable & 1U) << 1));
}

static float apart_L(const fuel_t *fuel)
{
    return numeric_abs(fuel->sender[0].volume_L - fuel->sender[1].volume_L);
}

static bool do_differ(const fuel_t *fuel, const vcu_calibration_t *cal)
{
    return (heard_mask(fuel) == BOTH) && (apart_L(fuel) > cal->fuel_differ_L);
}

/* Judged at rest only: slosh sets any two senders apart. A sender that is lost is not believed at once. */
static void believe_senders(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const bool has_reckoning = (fuel->is_settled != 0U) && (fuel->is_flow_believed != 0U);
    const bool is_calm       = fuel->calm_ticks >= cal->fuel_calm_ms;
    uint8_t    mask          = heard_mask(fuel);

    if (is_calm || (fuel->is_settled == 0U)) {
        fuel->is_disagreeing = numeric_flag(is_calm && do_differ(fuel, cal));
        if (fuel->is_disagreeing != 0U) {
            mask = vote(fuel, cal, has_reckoning);
        } else if ((mask != BOTH) && has_reckoning && is_far(fuel, cal, (uint32_t)mask >> 1)) {
            mask = 0U; /* one against one: the flow is the better witness */
        } else {
            /* those that are heard */
        }
    } else {
        mask = (uint8_t)(mask & fuel->believed_mask);
    }
    fuel->believed_mask = mask;
}

/* The level by those that are heard, whether they fit the reckoning or not: the lower one of two that differ. */
static bool heard_level(const fuel_t *fuel, const vcu_calibration_t *cal, float *level_L)
{
    const fuel_sender_t *sender = fuel->sender;
    const uint8_t        mask   = heard_mask(fuel);

    if (mask != BOTH) {
        *level_L = sender[mask >> 1].volume_L;
    } else if (do_differ(fuel, cal)) {
        *level_L = numeric_min(sender[0].volume_L, sender[1].volume_L);
    } else {
        *level_L = 0.5f * (sender[0].volume_L + sender[1].volume_L);
    }
    return mask != 0U;
}

static float believed_level_L(const fuel_t *fuel)
{
    const float sum_L = fuel->sender[0].volume_L + fuel->sender[1].volume_L;

    return (fuel->believed_mask == BOTH) ? (0.5f * sum_L) : fuel->sender[(fuel->believed_mask >> 1) & 1U].volume_L;
}

static float level_error_L(const fuel_t *fuel, const vcu_calibration_t *cal)
{
    return (fuel->believed_mask == BOTH) ? (cal->fuel_sender_error_L + (0.5f * apart_L(fuel)))
                                         : (2.0f * cal->fuel_sender_error_L);
}

static void set_volume(fuel_t *fuel, const vcu_calibration_t *cal, float volume_L, float spread_L)
{
    fuel->volume_L  = numeric_clamp(volume_L, 0.0f, cal->fuel_capacity_L);
    fuel->spread_L  = spread_L;
    fuel->burned_ml = 0.0f;
    fuel->is_known  = 1U;
}

/* Before the first calm look the level as it is, sloshing, is better than nothing. The senders stand at the two sides:
 * on a slope the truth lies in their middle, and below it where the upper one is dry. Were one broken, the lower one is
 * within the doubt. */
static void look_uneasily(fuel_t *fuel, const vcu_calibration_t *cal, float level_L)
{
    const fuel_sender_t *sender   = fuel->sender;
    const float          slosh_L  = START_SPREADS * cal->fuel_sender_error_L;
    const float          lower_L  = numeric_min(sender[0].volume_L, sender[1].volume_L);
    const float          middle_L = lower_L + (0.5f * apart_L(fuel));
    const float          best_L   = (lower_L < cal->fuel_sender_error_L) ? (0.5f * middle_L) : middle_L;

    if (heard_mask(fuel) == BOTH) {
        set_volume(fuel, cal, best_L, slosh_L + (best_L - lower_L));
    } else {
        set_volume(fuel, cal, level_L, slosh_L);
    }
}

static void settle(fuel_t *fuel, const vcu_calibration_t *cal)
{
    float      level_L   = 0.0f;
    const bool is_heard  = heard_level(fuel, cal, &level_L);
    const bool is_ground = fuel->since_flight_ticks > cal->fuel_after_flight_ms;
    const bool is_calm   = fuel->calm_ticks >= cal->fuel_calm_ms;

    if (is_heard && is_ground && is_calm) {
        set_volume(fuel, cal, level_L, level_error_L(fuel, cal));
        fuel->is_settled = 1U;
    } else if (is_heard && is_ground) {
        look_uneasily(fuel, cal, level_L);
    } else {
        /* nothing to look at */
    }
}

/* The share of an error that is taken in a slow round, at most so much. */
static float step_L(float error_L, float tau_s, float most_Lpmin)
{
    const float most_L = most_Lpmin / (60.0f * SLOW_PER_S);

    return numeric_clamp(error_L / (tau_s * SLOW_PER_S), -most_L, most_L); /* tau_s is at least 10 by its range */
}

/* Slowly towards the level. Without flow the level leads, but upwards no faster than ever: slosh gives no fuel. */
static void correct(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const bool  is_led   = fuel->is_flow_believed == 0U;
    const float error_L  = fuel->level_L - fuel->volume_L;
    const float excess_L = fuel->spread_L - (level_error_L(fuel, cal) * (is_led ? 2.0f : 1.0f));
    const float tau_s    = is_led ? cal->fuel_level_filter_s : cal->fuel_correct_s;
    float       taken_L  = step_L(error_L, tau_s, cal->fuel_correct_Lpmin);

    if (is_led && (error_L < 0.0f)) {
        taken_L = error_L / (tau_s * SLOW_PER_S);
    }
    fuel->burned_ml -= taken_L * 1000.0f;
    fuel->spread_L -= numeric_max(step_L(excess_L, tau_s, cal->fuel_correct_Lpmin), 0.0f);
}

/* Both senders agree, and not with the reckoning: after long enough it is the reckoning that is wrong - a leak, a
 * meter that reads too little, a start with the wrong volume. */
static void outvote(fuel_t *fuel, const vcu_calibration_t *cal, bool is_calm)
{
    const bool is_against = is_calm && (fuel->believed_mask == BOTH) && is_far(fuel, cal, 0U) && is_far(fuel, cal, 1U);

    fuel->outvoted_rounds = numeric_held_u16(fuel->outvoted_rounds, is_against);
    if (((uint32_t)fuel->outvoted_rounds * SLOW_PERIODS * RASTER_TICKS) >= cal->fuel_outvote_ms) {
        set_volume(fuel, cal, fuel->level_L, level_error_L(fuel, cal));
        fuel->outvoted_rounds = 0U;
        fuel->outvoted_count  = numeric_count_u16(fuel->outvoted_count);
    }
}

static void begin_stage(fuel_t *fuel, const vcu_calibration_t *cal)
{
    fuel->stage_km      = cal->fuel_mean_km;
    fuel->stage_L       = (cal->fuel_mean_km * fuel->consumption_Lp100km) / 100.0f;
    fuel->stage_Lp100km = fuel->consumption_Lp100km;
}

/* The rise is taken as it comes. */
static void follow_rise(fuel_t *fuel, const vcu_calibration_t *cal, float level_L)
{
    if (fuel->is_refilling == 0U) {
        fuel->refill_count = numeric_count_u16(fuel->refill_count);
        fuel->is_refilling = 1U;
        begin_stage(fuel, cal);
    }
    if (level_L > fuel->volume_L) {
        set_volume(fuel, cal, level_L, level_error_L(fuel, cal));
        fuel->refilled_L = fuel->volume_L - fuel->refill_from_L;
    }
}

/* Fuel comes in only where the car stands and the key is on; what came while the unit slept shows against the volume
 * that it remembers. A level that stood above the reckoning when the car stopped is no refill. */
static void refill(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    float      level_L     = 0.0f;
    const bool is_heard    = heard_level(fuel, cal, &level_L);
    const bool is_standing = (fuel->standstill_ticks >= STANDSTILL_ms) && signal_shows(&inputs->ignition, IGNITION_ON);

    if (fuel->is_moving != 0U) {
        fuel->is_refilling   = 0U;
        fuel->has_noted_stop = 0U;
    } else if (is_standing && is_heard) {
        if (fuel->has_noted_stop == 0U) {
            fuel->refill_from_L  = numeric_max(fuel->volume_L, level_L);
            fuel->has_noted_stop = 1U;
        }
        if (level_L > (fuel->refill_from_L + cal->fuel_refill_L)) {
            follow_rise(fuel, cal, level_L);
        }
    } else {
        /* nobody looks into the tank */
    }
}

/* ---- what follows */

static void name_source(fuel_t *fuel)
{
    const bool    has_level = fuel->believed_mask != 0U;
    fuel_source_t source    = has_level ? FUEL_SOURCE_LEVEL : FUEL_SOURCE_ASSUMED;

    if (fuel->is_known == 0U) {
        source = FUEL_SOURCE_UNKNOWN;
    } else if (fuel->is_flow_believed != 0U) {
        source = has_level ? FUEL_SOURCE_FLOW_AND_LEVEL : FUEL_SOURCE_FLOW;
    } else {
        /* by level, or assumed */
    }
    fuel->source = (uint8_t)source;
}

static void judge_range(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const float assumed_Lp100km = (fuel->is_flow_believed != 0U) ? 0.0f : cal->fuel_lost_Lp100km;
    const float means_Lp100km   = numeric_max(fuel->consumption_Lp100km, fuel->stage_Lp100km);
    const float worst_Lp100km   = numeric_max(means_Lp100km, assumed_Lp100km);
    const float known_L         = (fuel->is_known != 0U) ? fuel->volume_L : 0.0f;

    fuel->usable_L = numeric_max(known_L - cal->fuel_unusable_L, 0.0f);
    /* both means are at least fuel.limits_Lp100km[0], which is at least 5 by its range */
    fuel->range_likely_km = (fuel->usable_L * 100.0f) / fuel->consumption_Lp100km;
    fuel->range_km        = (numeric_max(fuel->usable_L - fuel->spread_L, 0.0f) * 100.0f) / worst_Lp100km;
}

static void judge_stage(fuel_t *fuel, const vcu_calibration_t *cal)
{
    const float *warn_km = cal->fuel_warn_km;
    const float  low_km = warn_km[0] + ((fuel->stage >= (uint8_t)FUEL_STAGE_LOW) ? cal->fuel_warn_hysteresis_km : 0.0f);
    const float  reserve_km = warn_km[1] +
                              ((fuel->stage >= (uint8_t)FUEL_STAGE_RESERVE) ? cal->fuel_warn_hysteresis_km : 0.0f);
    fuel_stage_t stage      = FUEL_STAGE_PLENTY;

    if (fuel->is_known == 0U) {
        stage = FUEL_STAGE_UNKNOWN;
    } else if (fuel->range_km < reserve_km) {
        stage = FUEL_STAGE_RESERVE;
    } else if (fuel->range_km < low_km) {
        stage = FUEL_STAGE_LOW;
    } else {
        /* plenty */
    }
    fuel->stage = (uint8_t)stage;
}

static void judge_level(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_calm = fuel->calm_ticks >= cal->fuel_calm_ms;

    mend(fuel, cal);
    hear_senders(fuel, cal, inputs);
    believe_senders(fuel, cal);
    if (fuel->believed_mask != 0U) {
        fuel->level_L = believed_level_L(fuel);
    }
    if (fuel->is_settled == 0U) {
        settle(fuel, cal);
    } else {
        if (is_calm && (fuel->believed_mask != 0U)) {
            correct(fuel, cal);
        }
        outvote(fuel, cal, is_calm);
        refill(fuel, cal, inputs);
    }
    name_source(fuel);
    judge_range(fuel, cal);
    judge_stage(fuel, cal);
}

/* ---- collector */

static float economy_ratio(const fuel_t *fuel, const vcu_calibration_t *cal)
{
    float ratio = 1.0f;

    if (fuel->stage == (uint8_t)FUEL_STAGE_LOW) {
        ratio = cal->fuel_economy_ratio[0];
    } else if (fuel->stage == (uint8_t)FUEL_STAGE_PLENTY) {
        /* all of it */
    } else {
        ratio = cal->fuel_economy_ratio[1]; /* an unknown tank may be empty */
    }
    return ratio;
}

/* From 1 at the warning through the ratio of the first cap to that of the second, and flat below: a slope over level,
 * and another over time. What is unknown counts as the first cap. */
static float collector_ratio(const fuel_t *fuel, const vcu_calibration_t *cal)
{
    const float *cap_pct = cal->fuel_collector_cap_pct;
    const float *cap     = cal->fuel_collector_cap_ratio;
    const float  upper   = numeric_fraction(fuel->collector_pct, cap_pct[0], cal->fuel_collector_warn_pct);
    const float  lower   = numeric_fraction(fuel->collector_pct, cap_pct[1], cap_pct[0]);
    const float  ratio   = cap[1] + ((cap[0] - cap[1]) * lower) + ((1.0f - cap[0]) * upper);
    const bool   is_lost = fuel->collector_lost_ticks >= cal->fuel_collector_lost_ms;

    return is_lost ? numeric_min(ratio, cap[0]) : ratio;
}

static void guard_collector(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs,
                            const flight_mode_t *flight)
{
    const signal_t *level   = &inputs->collector_pct;
    const bool      is_here = signal_is_usable(level);
    const float     full_Nm = cal->torque_gearbox_max_Nm;

    fuel->collector_lost_ticks = raster_held_u16(fuel->collector_lost_ticks, !is_here);
    if (is_here && (fuel->since_flight_ticks > cal->fuel_collector_after_ms)) {
        fuel->collector_pct = raster_lag(fuel->collector_pct, level->value, cal->fuel_collector_filter_ms);
    }
    fuel->collector_pct    = numeric_clamp(fuel->collector_pct, 0.0f, 100.0f);
    fuel->is_collector_low = numeric_flag(fuel->collector_pct < cal->fuel_collector_warn_pct);
    fuel->bound_Nm         = numeric_clamp(fuel->bound_Nm, 0.0f, full_Nm);
    if (!is_disturbed_by(flight)) {
        const float ratio = numeric_min(collector_ratio(fuel, cal), economy_ratio(fuel, cal));

        fuel->bound_Nm = raster_slew(fuel->bound_Nm, full_Nm * ratio, cal->fuel_bound_rise_Nmps,
                                     cal->fuel_bound_fall_Nmps);
    }
}

void fuel_tick(fuel_t *fuel, const vcu_calibration_t *cal, const inputs_t *inputs, const flight_mode_t *flight)
{
    const flight_evidence_t *evidence    = &flight->evidence;
    const bool               has_speed   = evidence->is_speed_usable != 0U;
    const bool               is_standing = has_speed && (evidence->speed_mps < STANDSTILL_mps);

    observe_calm(fuel, cal, flight);
    reckon(fuel, cal, inputs, evidence);
    fuel->standstill_ticks = raster_held_u16(fuel->standstill_ticks, is_standing);
    fuel->is_moving        = numeric_flag(has_speed && !is_standing);
    fuel->slow_count++;
    if (fuel->slow_count >= SLOW_PERIODS) {
        fuel->slow_count = 0U;
        judge_level(fuel, cal, inputs);
    }
    guard_collector(fuel, cal, inputs, flight);
}

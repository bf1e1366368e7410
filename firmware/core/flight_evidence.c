#include "flight_evidence.h"

#include "raster.h"

#define GRAVITY_mps2 9.81f
#define LEARN_BRAKE_pct 5.0f
#define CORNERS_NEEDED 3U
#define REAR_FIRST 2U
#define REFERENCE_MAX_radps 320.0f /* as the wheel speeds in inputs.def */
#define AT_ONCE 1.0e6f /* rad/s^2: faster than anything */
#define WHEELS_STILL_mps 0.4f /* the car has changed its speed by this much, the wheels by nothing */
#define SPEED_HIGH_RATIO 1.3f /* GNSS above that of the wheels by this share ... */
#define SPEED_HIGH_mps 3.0f   /* ... and this much: unbraked wheels cannot be so slow */
#define SPEED_HIGH_TICKS 500U

void flight_evidence_init(flight_evidence_t *evidence, const vcu_calibration_t *cal)
{
    *evidence = (flight_evidence_t){.force_z_mps2 = GRAVITY_mps2};
    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        evidence->corner[i].static_mm = cal->flight_mode_static_travel_mm[i / REAR_FIRST];
    }
}

static bool is_same(float a, float b)
{
    return !(a < b) && !(a > b);
}

static bool is_driving(const flight_evidence_t *evidence, const vcu_calibration_t *cal)
{
    return evidence->speed_mps > cal->flight_mode_frozen_min_speed_mps;
}

/* ---- A: specific force */

/* The vertical axis alone decides on flights, so it alone must live: the others may die with it or before it. */
static bool note_sample(flight_evidence_t *evidence, const float sample_mps2[3])
{
    const bool has_changed = !is_same(sample_mps2[2], evidence->sample_mps2[2]);

    for (uint32_t i = 0U; i < 3U; i++) {
        evidence->sample_mps2[i] = sample_mps2[i];
    }
    return has_changed;
}

/* A short landing may pass the bound; an axis at its end of range stays there, and hides every flight by its norm. */
static bool is_wild(flight_evidence_t *evidence, const vcu_calibration_t *cal, bool has_sample)
{
    const float most_mps2 = cal->flight_mode_wild_above_mps2;
    const bool  is_more   = has_sample && (evidence->norm2_m2ps4 > (most_mps2 * most_mps2));

    evidence->wild_ticks = numeric_held_u16(evidence->wild_ticks, is_more);
    return evidence->wild_ticks >= cal->flight_mode_wild_ms;
}

static void filter_force(flight_evidence_t *evidence, const vcu_calibration_t *cal, const float sample_mps2[3],
                         bool is_first)
{
    const float tau_ms = is_first ? 0.0f : cal->flight_mode_force_filter_ms;

    evidence->force_x_mps2 = numeric_lag(evidence->force_x_mps2, sample_mps2[0], 1.0f, tau_ms);
    evidence->force_y_mps2 = numeric_lag(evidence->force_y_mps2, sample_mps2[1], 1.0f, tau_ms);
    evidence->force_z_mps2 = numeric_lag(evidence->force_z_mps2, sample_mps2[2], 1.0f, tau_ms);
    evidence->norm2_m2ps4  = (evidence->force_x_mps2 * evidence->force_x_mps2) +
                             (evidence->force_y_mps2 * evidence->force_y_mps2) +
                             (evidence->force_z_mps2 * evidence->force_z_mps2);
}

static void judge_force(flight_evidence_t *evidence, const vcu_calibration_t *cal)
{
    const bool  is_usable = evidence->is_inertial_usable != 0U;
    const float z_mps2    = evidence->force_z_mps2;
    const float norm2     = cal->flight_mode_norm_below_mps2 * cal->flight_mode_norm_below_mps2;

    evidence->is_low_suspect = numeric_flag(is_usable && (z_mps2 < cal->flight_mode_suspect_below_mps2));
    evidence->is_low_air     = numeric_flag(is_usable && (z_mps2 < cal->flight_mode_air_below_mps2) &&
                                            (evidence->norm2_m2ps4 < norm2));
    evidence->is_force_back  = numeric_flag(is_usable && (z_mps2 > cal->flight_mode_clear_above_mps2));
    evidence->is_impact      = numeric_flag(is_usable && (z_mps2 > cal->flight_mode_impact_above_mps2));
}

static void observe_force(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool has_sample = signal_is_usable(&inputs->specific_force_x_mps2) &&
                            signal_is_usable(&inputs->specific_force_y_mps2) &&
                            signal_is_usable(&inputs->specific_force_z_mps2);
    const bool was_usable = evidence->is_inertial_usable != 0U;

    if (has_sample) {
        const float sample_mps2[3] = {inputs->specific_force_x_mps2.value, inputs->specific_force_y_mps2.value,
                                      inputs->specific_force_z_mps2.value};

        evidence->still_ticks = numeric_held_u16(evidence->still_ticks, !note_sample(evidence, sample_mps2));
        filter_force(evidence, cal, sample_mps2, !was_usable);
    }
    /* Once frozen it stays so until a bit changes, whatever the speed does meanwhile. */
    evidence->is_inertial_frozen = numeric_flag((evidence->still_ticks >= cal->flight_mode_frozen_ms) &&
                                                (is_driving(evidence, cal) || (evidence->is_inertial_frozen != 0U)));
    evidence->is_inertial_usable = numeric_flag(has_sample && (evidence->is_inertial_frozen == 0U) &&
                                                !is_wild(evidence, cal, has_sample));
    evidence->is_inertial_alive  = numeric_flag(evidence->still_ticks < cal->flight_mode_alive_ms);
    judge_force(evidence, cal);
}

/* ---- B: dampers */

static void take_travel(flight_corner_t *corner, const vcu_calibration_t *cal, float travel_mm)
{
    if (corner->is_usable != 0U) {
        const float elapsed_ticks = (float)corner->since_ticks; /* at least 1: one sample a tick at most */
        const float rate_mps      = (corner->travel_mm - travel_mm) / elapsed_ticks; /* mm/ms */

        corner->rate_mps = numeric_lag(corner->rate_mps, rate_mps, elapsed_ticks, cal->flight_mode_damper_filter_ms);
    } else {
        corner->rate_mps = 0.0f; /* a first sample has no rate */
    }
    if (!is_same(corner->travel_mm, travel_mm)) {
        corner->still_ticks = 0U;
    }
    corner->travel_mm   = travel_mm;
    corner->since_ticks = 0U;
}

static void judge_corner(flight_corner_t *corner, const vcu_calibration_t *cal)
{
    const bool is_usable = corner->is_usable != 0U;

    /* static_mm is at least 5 by rule CAL_FLIGHT_10 */
    corner->out_ratio      = (corner->static_mm - corner->travel_mm) / numeric_max(corner->static_mm, 1.0f);
    corner->is_out         = numeric_flag(is_usable && ((corner->rate_mps > cal->flight_mode_corner_rate_mps) ||
                                                        (corner->out_ratio > cal->flight_mode_corner_level_ratio)));
    corner->is_compressing = numeric_flag(is_usable && (corner->rate_mps < -cal->flight_mode_compress_rate_mps));
    corner->is_topped_out  = numeric_flag(is_usable && (corner->out_ratio > cal->flight_mode_droop_level_ratio));
}

static void observe_corner(flight_corner_t *corner, const vcu_calibration_t *cal, const signal_t *travel_mm,
                           bool is_car_driving)
{
    const bool has_sample = signal_is_usable(travel_mm);
    const bool is_stuck   = (corner->still_ticks >= cal->flight_mode_frozen_ms) &&
                            (is_car_driving || ((corner->is_usable == 0U) && has_sample));

    corner->since_ticks = numeric_count_u16(corner->since_ticks);
    corner->still_ticks = has_sample ? numeric_count_u16(corner->still_ticks) : 0U;
    if (signal_is_new(travel_mm)) {
        take_travel(corner, cal, travel_mm->value);
    }
    if (signal_is_new(travel_mm) || (corner->is_usable != numeric_flag(has_sample && !is_stuck))) {
        corner->is_usable = numeric_flag(has_sample && !is_stuck);
        judge_corner(corner, cal);
    }
}

static float base_mm(const flight_evidence_t *evidence, const vcu_calibration_t *cal, uint32_t corner)
{
    return cal->flight_mode_static_travel_mm[corner / REAR_FIRST] + evidence->load_mm[corner / REAR_FIRST];
}

static void set_static(flight_evidence_t *evidence, const vcu_calibration_t *cal, uint32_t corner, float static_mm)
{
    const float base   = base_mm(evidence, cal, corner);
    const float far_mm = cal->flight_mode_static_learn_max_mm;

    evidence->corner[corner].static_mm = numeric_clamp(static_mm, base - far_mm, base + far_mm);
}

/* Neither braking nor pulling away, neither in a bend nor over a crest: each of them moves the body on its springs, and
 * who leaves out braking alone learns a car that squats. */
static bool is_at_rest(const flight_evidence_t *evidence, const vcu_calibration_t *cal)
{
    const float near_mps2 = cal->flight_mode_static_learn_force_mps2;

    return (evidence->is_inertial_usable != 0U) && (numeric_abs(evidence->force_z_mps2 - GRAVITY_mps2) < near_mps2) &&
           (numeric_abs(evidence->force_x_mps2) < near_mps2) && (numeric_abs(evidence->force_y_mps2) < near_mps2);
}

static void learn_static(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const bool is_braked = signal_is_usable(&inputs->brake_pct) && (inputs->brake_pct.value > LEARN_BRAKE_pct);

    if (is_at_rest(evidence, cal) && !is_braked && is_driving(evidence, cal)) {
        /* of a period in the time constant, which is at least 5 s. A share a tick would drown in rounding. */
        const float weight = (float)RASTER_TICKS / (cal->flight_mode_static_learn_s * NUMERIC_TICKS_PER_S);

        for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
            const flight_corner_t *corner = &evidence->corner[i];

            if (corner->is_usable != 0U) {
                set_static(evidence, cal, i, corner->static_mm + ((corner->travel_mm - corner->static_mm) * weight));
            }
        }
    }
}

static void load(flight_evidence_t *evidence, const vcu_calibration_t *cal, float fill_ratio)
{
    for (uint32_t axle = 0U; axle < 2U; axle++) {
        const float load_mm  = cal->flight_mode_static_fuel_mm[axle] * (fill_ratio - 0.5f);
        const float moved_mm = load_mm - evidence->load_mm[axle];

        evidence->load_mm[axle] = load_mm;
        for (uint32_t i = axle * REAR_FIRST; i < ((axle + 1U) * REAR_FIRST); i++) {
            set_static(evidence, cal, i, evidence->corner[i].static_mm + moved_mm);
        }
    }
}

void flight_evidence_learn(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                           float fill_ratio, bool is_grounded)
{
    load(evidence, cal, fill_ratio);
    if (is_grounded) {
        learn_static(evidence, cal, inputs);
    }
}

void flight_evidence_keep(const flight_evidence_t *evidence, const vcu_calibration_t *cal,
                          float learned_mm[FLIGHT_CORNERS])
{
    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        learned_mm[i] = evidence->corner[i].static_mm - base_mm(evidence, cal, i);
    }
}

void flight_evidence_recall(flight_evidence_t *evidence, const vcu_calibration_t *cal,
                            const float learned_mm[FLIGHT_CORNERS])
{
    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        const float kept_mm = numeric_is_finite(learned_mm[i]) ? learned_mm[i] : 0.0f;

        set_static(evidence, cal, i, base_mm(evidence, cal, i) + kept_mm);
    }
}

static uint8_t lifted_axles(const flight_evidence_t *evidence)
{
    const flight_corner_t *corner = evidence->corner;
    const uint32_t         front  = (uint32_t)corner[0].is_out & (uint32_t)corner[1].is_out;
    const uint32_t         rear   = (uint32_t)corner[2].is_out & (uint32_t)corner[3].is_out;

    return (uint8_t)(front | (rear << 1));
}

/* A corner is being compressed as only a landing does. */
static bool is_hit(const flight_evidence_t *evidence, const vcu_calibration_t *cal)
{
    bool is_any_hit = false;

    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        is_any_hit = is_any_hit || ((evidence->corner[i].is_usable != 0U) &&
                                    (evidence->corner[i].rate_mps < -cal->flight_mode_droop_impact_mps));
    }
    return is_any_hit;
}

/* All corners topped out for a while and then hit: a flight that dampers alone can bear witness to, once it is over. A
 * car on a jack tops out too, but nothing hits it. */
static void observe_damper_flight(flight_evidence_t *evidence, const vcu_calibration_t *cal, uint32_t topped_out)
{
    const bool is_topped_out = (evidence->is_damper_usable != 0U) && (topped_out == evidence->usable_corners);

    if (!is_topped_out && (evidence->topped_out_ticks >= cal->flight_mode_droop_dwell_ms)) {
        evidence->after_topped_out_ticks = 1U;
    } else if (evidence->after_topped_out_ticks > 0U) {
        evidence->after_topped_out_ticks = numeric_count_u16(evidence->after_topped_out_ticks);
    } else {
        /* nothing to wait for */
    }
    evidence->topped_out_ticks  = numeric_held_u16(evidence->topped_out_ticks, is_topped_out);
    evidence->is_damper_witness = numeric_flag(is_hit(evidence, cal) && (evidence->after_topped_out_ticks > 0U));
    if (evidence->is_damper_witness != 0U) {
        evidence->damper_flight_count++;
    }
    if ((evidence->is_damper_witness != 0U) || (evidence->after_topped_out_ticks > cal->flight_mode_droop_impact_ms)) {
        evidence->after_topped_out_ticks = 0U;
    }
}

static void observe_dampers(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *travel[FLIGHT_CORNERS] = {&inputs->damper_travel_fl_mm, &inputs->damper_travel_fr_mm,
                                              &inputs->damper_travel_rl_mm, &inputs->damper_travel_rr_mm};
    uint32_t        usable                 = 0U;
    uint32_t        out                    = 0U;
    uint32_t        compressing            = 0U;
    uint32_t        topped_out             = 0U;

    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        observe_corner(&evidence->corner[i], cal, travel[i], is_driving(evidence, cal));
        usable += evidence->corner[i].is_usable;
        out += evidence->corner[i].is_out;
        compressing += evidence->corner[i].is_compressing;
        topped_out += evidence->corner[i].is_topped_out;
    }
    evidence->usable_corners     = (uint8_t)usable;
    evidence->corners_out        = (uint8_t)out;
    evidence->is_damper_usable   = numeric_flag(usable >= CORNERS_NEEDED);
    evidence->is_damper_flying   = numeric_flag((usable >= CORNERS_NEEDED) && (out >= CORNERS_NEEDED));
    evidence->is_any_compressing = numeric_flag(compressing > 0U);
    evidence->lifted_axles       = lifted_axles(evidence);
    observe_damper_flight(evidence, cal, topped_out);
}

/* ---- C: wheels and ground speed */

static void observe_wheel(flight_wheel_t *wheel, const vcu_calibration_t *cal, const signal_t *speed_radps,
                          bool are_stuck)
{
    wheel->since_ticks = numeric_count_u16(wheel->since_ticks);
    if (signal_is_new(speed_radps)) {
        if (wheel->is_usable != 0U) {
            const float elapsed_ticks = (float)wheel->since_ticks; /* at least 1 */
            const float gained_radps  = speed_radps->value - wheel->speed_radps;

            wheel->accel_radps2 = numeric_lag(wheel->accel_radps2, (gained_radps * NUMERIC_TICKS_PER_S) / elapsed_ticks,
                                              elapsed_ticks, cal->flight_mode_wheel_filter_ms);
        } else {
            wheel->accel_radps2 = 0.0f;
        }
        wheel->speed_radps = speed_radps->value;
        wheel->since_ticks = 0U;
    }
    wheel->is_usable       = numeric_flag(signal_is_usable(speed_radps) && !are_stuck);
    wheel->is_running_away = numeric_flag((wheel->is_usable != 0U) &&
                                          (wheel->accel_radps2 > cal->flight_mode_wheel_accel_radps2) &&
                                          (wheel->accel_radps2 < cal->flight_mode_wheel_accel_max_radps2));
}

/* Mean of all usable wheels but the fastest and the slowest: one lying wheel among four does not move it far. */
static float middle_wheel_radps(const flight_wheel_t wheel[FLIGHT_CORNERS], uint32_t usable)
{
    float sum     = 0.0f;
    float fastest = 0.0f;
    float slowest = 1.0e6f;

    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        if (wheel[i].is_usable != 0U) {
            sum += wheel[i].speed_radps;
            fastest = numeric_max(fastest, wheel[i].speed_radps);
            slowest = numeric_min(slowest, wheel[i].speed_radps);
        }
    }
    return (usable >= CORNERS_NEEDED) ? ((sum - fastest - slowest) / (float)(usable - 2U))
                                      : numeric_min(slowest, fastest);
}

static bool has_any_changed(const flight_evidence_t *evidence, const signal_t *const speed[FLIGHT_CORNERS])
{
    bool has_changed = false;

    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        has_changed = has_changed ||
                      (signal_is_usable(speed[i]) && !is_same(speed[i]->value, evidence->wheel[i].speed_radps));
    }
    return has_changed;
}

/* A sender that hangs behind a living counter repeats itself to the bit, which four turning wheels never do for long. */
static void judge_stuck_wheels(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                               const signal_t *const speed[FLIGHT_CORNERS])
{
    const signal_t *ground = &inputs->ground_speed_mps;

    if (has_any_changed(evidence, speed) || !signal_is_usable(ground)) {
        evidence->are_wheels_stuck   = 0U;
        evidence->wheels_still_ticks = 0U;
    } else {
        if ((evidence->wheels_still_ticks == 0U) || !numeric_is_finite(evidence->wheels_still_mps)) {
            evidence->wheels_still_mps = ground->value;
        }

        const bool is_apart = numeric_abs(ground->value - evidence->wheels_still_mps) > WHEELS_STILL_mps;
        const bool is_long  = evidence->wheels_still_ticks >= cal->flight_mode_frozen_ms;

        evidence->wheels_still_ticks = numeric_count_u16(evidence->wheels_still_ticks);
        evidence->are_wheels_stuck   = numeric_flag((evidence->are_wheels_stuck != 0U) ||
                                                    (is_apart && is_long && is_driving(evidence, cal)));
    }
}

static void observe_wheels(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *speed[FLIGHT_CORNERS] = {&inputs->wheel_speed_fl_radps, &inputs->wheel_speed_fr_radps,
                                             &inputs->wheel_speed_rl_radps, &inputs->wheel_speed_rr_radps};
    uint32_t        usable                = 0U;
    uint32_t        running_away          = 0U;
    bool            has_news              = false;

    judge_stuck_wheels(evidence, cal, inputs, speed);
    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        observe_wheel(&evidence->wheel[i], cal, speed[i], evidence->are_wheels_stuck != 0U);
        usable += evidence->wheel[i].is_usable;
        running_away += evidence->wheel[i].is_running_away;
        has_news = has_news || signal_is_new(speed[i]);
    }
    evidence->usable_wheels   = (uint8_t)usable;
    evidence->is_wheel_usable = numeric_flag(usable == FLIGHT_CORNERS);
    evidence->is_wheel_flying = numeric_flag(running_away == FLIGHT_CORNERS);
    if (has_news) {
        evidence->wheel_speed_radps = middle_wheel_radps(evidence->wheel, usable);
    }
}

/* Wheels may spin faster than the car at any time, but only brakes make them slower, and only for a while. */
static void judge_speed(flight_evidence_t *evidence, const inputs_t *inputs, float radius_m, bool is_grounded)
{
    const signal_t *ground    = &inputs->ground_speed_mps;
    const bool      is_braked = !signal_is_usable(&inputs->brake_pct) || (inputs->brake_pct.value > LEARN_BRAKE_pct);
    const float     most_mps  = (evidence->wheel_speed_radps * radius_m * SPEED_HIGH_RATIO) + SPEED_HIGH_mps;
    const bool      is_high   = signal_is_usable(ground) && (ground->value > most_mps);

    if (!is_high) {
        evidence->speed_high_ticks = 0U;
        evidence->is_speed_doubted = 0U;
    } else if (is_grounded && !is_braked && (evidence->is_wheel_usable != 0U)) {
        evidence->speed_high_ticks = numeric_count_u16(evidence->speed_high_ticks);
        evidence->is_speed_doubted = numeric_flag((evidence->is_speed_doubted != 0U) ||
                                                  (evidence->speed_high_ticks >= SPEED_HIGH_TICKS));
    } else {
        /* in the air and under braking wheels are no judge: as it was */
    }
}

/* Ground speed by GNSS, which no wheel can falsify; else by the wheels while they stand on the ground. The reference is
 * that speed in terms of the wheels: it cannot rise faster than grip allows and fades by drag in flight. */
static void observe_speed(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                          bool is_grounded)
{
    const float radius_m    = cal->flight_mode_wheel_radius_m; /* at least 0.3 by its range */
    const bool  is_measured = signal_is_usable(&inputs->ground_speed_mps) && (evidence->is_speed_doubted == 0U);
    const bool  by_wheels   = !is_measured && is_grounded && (evidence->usable_wheels > 0U);
    const bool  is_first    = evidence->is_speed_usable == 0U; /* after a start while driving */

    if (is_measured) {
        evidence->speed_mps = inputs->ground_speed_mps.value;
    } else if (by_wheels) {
        evidence->speed_mps = evidence->wheel_speed_radps * radius_m;
    } else {
        /* the last one: in flight the wheels tell nothing */
    }
    evidence->is_speed_measured = numeric_flag(is_measured);
    evidence->is_speed_usable   = numeric_flag(is_measured || (evidence->usable_wheels > 0U));

    if (is_grounded) {
        const float rise_radps2 = is_first ? AT_ONCE : cal->flight_mode_reference_rise_radps2;

        evidence->reference_radps = numeric_slew(evidence->reference_radps, evidence->speed_mps / radius_m, rise_radps2,
                                                 AT_ONCE);
    } else {
        evidence->reference_radps -= (evidence->reference_radps * cal->flight_mode_reference_decay_per_s) /
                                     NUMERIC_TICKS_PER_S;
    }
    /* whatever a broken memory holds, the reference comes back into the range of the sensors */
    evidence->reference_radps = numeric_clamp(evidence->reference_radps, 0.0f, REFERENCE_MAX_radps);
}

void flight_evidence_tick(flight_evidence_t *evidence, const vcu_calibration_t *cal, const inputs_t *inputs,
                          bool is_grounded)
{
    observe_force(evidence, cal, inputs);
    observe_dampers(evidence, cal, inputs);
    observe_wheels(evidence, cal, inputs);
    /* Wheels run away on sand too: only under low force do they speak of flight. */
    evidence->is_wheel_flying = numeric_flag((evidence->is_wheel_flying != 0U) && (evidence->is_force_back == 0U) &&
                                             (evidence->is_inertial_usable != 0U));
    judge_speed(evidence, inputs, cal->flight_mode_wheel_radius_m, is_grounded);
    observe_speed(evidence, cal, inputs, is_grounded);
}

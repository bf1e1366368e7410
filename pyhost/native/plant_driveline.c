#include "plant_driveline.h"

#include "plant_maths.h"

#include <stdbool.h>

#define HALF_DEG (PLANT_PI / 360.0)
#define IDLE_GAIN_Nmprpm 0.4
#define IDLE_BASE_Nm 25.0
#define IDLE_MOST_Nm 140.0
#define STOP_S 0.25          /* an engine without fire runs down below idle with this lag */
#define CRANK_S 0.08         /* the starter brings it up with this lag */
#define SYNC_RADPS 2.0       /* closer than this a slipping clutch may lock */
#define OPEN_SLIP_RATIO 0.35 /* converter: share of the speed ratio over which its torque fades to 0 at 1 */
#define FALLBACK_Nm 60.0     /* clutch torque while the engine has to speed up for a lower gear */

/* ---- engine */

double plant_full_load_Nm(const plant_parameters_t *p, double engine_radps)
{
    return plant_interpolate(p->curve_rpm, p->curve_Nm, PLANT_CURVE_POINTS, engine_radps * PLANT_RPM_PER_RADPS);
}

void plant_driveline_prepare(plant_rates_t *rates, const plant_parameters_t *p, double dt_s)
{
    *rates = (plant_rates_t){
        .dt_s           = dt_s,
        .per_dt         = 1.0 / dt_s,
        .per_drag_rpm   = 1.0 / (p->drag_full_rpm - p->drag_from_rpm),
        .spark_share    = plant_min(dt_s / p->spark_s, 1.0),
        .air_rise_share = plant_min(dt_s / p->air_rise_s, 1.0),
        .air_fall_share = plant_min(dt_s / p->air_fall_s, 1.0),
        .brake_share    = plant_min(dt_s / p->brake_s, 1.0),
        .centre_rad     = p->centre_Nm / p->shaft_Nmprad,
        .axle_rad       = p->axle_Nm / (0.5 * p->shaft_Nmprad),
        .half_lash_rad  = p->lash_deg * HALF_DEG,
    };
    for (uint32_t i = 0U; i < (PLANT_CURVE_POINTS - 1U); i++) {
        rates->curve_Nmprpm[i] = (p->curve_Nm[i + 1U] - p->curve_Nm[i]) / (p->curve_rpm[i + 1U] - p->curve_rpm[i]);
    }
}

double plant_ratio(const plant_parameters_t *p, uint32_t gear, uint32_t is_low_range)
{
    double ratio = 0.0;

    if ((gear >= 1U) && (gear <= PLANT_GEARS)) {
        ratio = p->gear_ratio[gear - 1U] * p->final_ratio;
    } else if (gear == PLANT_GEAR_REVERSE) {
        ratio = -p->reverse_ratio * p->final_ratio;
    } else {
        /* neutral and park */
    }
    return (is_low_range != 0U) ? (ratio * p->low_ratio) : ratio;
}

static double overrun_Nm(const plant_context_t *in, double rpm)
{
    return in->p->drag_Nm * plant_clamp((rpm - in->p->drag_from_rpm) * in->rates->per_drag_rpm, 0.0, 1.0);
}

/* The curve of plant_full_load_Nm by its slopes. */
static double full_load_Nm(const plant_context_t *in, double rpm)
{
    const plant_parameters_t *p  = in->p;
    const double              at = plant_clamp(rpm, p->curve_rpm[0], p->curve_rpm[PLANT_CURVE_POINTS - 1U]);
    uint32_t                  i  = 0U;

    while ((i < (PLANT_CURVE_POINTS - 2U)) && (at > p->curve_rpm[i + 1U])) {
        i++;
    }
    return p->curve_Nm[i] + (in->rates->curve_Nmprpm[i] * (at - p->curve_rpm[i]));
}

/* What the air path may give now: full load, restrictor, fuel. */
static double available_Nm(const plant_driveline_t *line, const plant_context_t *in)
{
    const double radps   = plant_max(line->engine_radps, 40.0);
    const double full_Nm = full_load_Nm(in, radps * PLANT_RPM_PER_RADPS);

    return plant_min(full_Nm, in->command->power_W / radps) * in->command->fuel_ratio;
}

/* Torque at the crank of a running engine: the air path is slow, spark takes away what is not granted. */
static double fired_Nm(plant_driveline_t *line, const plant_context_t *in)
{
    const plant_parameters_t *p       = in->p;
    const double              rpm     = line->engine_radps * PLANT_RPM_PER_RADPS;
    const double              drag_Nm = overrun_Nm(in, rpm);
    const double              goal_Nm = plant_clamp(in->command->air_path_Nm, drag_Nm, available_Nm(line, in));
    const plant_rates_t      *rates   = in->rates;
    const double              share   = (goal_Nm > line->air_Nm) ? rates->air_rise_share : rates->air_fall_share;
    const double idle_Nm = plant_clamp((IDLE_GAIN_Nmprpm * (p->idle_rpm - rpm)) + IDLE_BASE_Nm, drag_Nm, IDLE_MOST_Nm);

    line->air_Nm += (goal_Nm - line->air_Nm) * share;

    double torque_Nm = plant_max(plant_min(line->air_Nm, in->command->granted_Nm), drag_Nm);

    if ((in->command->is_cut != 0U) || (rpm > p->own_limit_rpm)) {
        torque_Nm = drag_Nm;
    }
    return plant_max(torque_Nm, idle_Nm);
}

static void step_engine_torque(plant_driveline_t *line, const plant_context_t *in)
{
    if (in->command->engine == PLANT_ENGINE_RUNNING) {
        line->engine_Nm += (fired_Nm(line, in) - line->engine_Nm) * in->rates->spark_share;
    } else {
        const bool   is_cranking = in->command->engine == PLANT_ENGINE_CRANKING;
        const double goal_radps  = is_cranking ? (in->p->cranking_rpm * PLANT_RADPS_PER_RPM) : 0.0;
        const double lag_s       = is_cranking ? CRANK_S : STOP_S;

        line->air_Nm    = 0.0;
        line->engine_Nm = in->p->engine_kgm2 * (goal_radps - line->engine_radps) / lag_s;
    }
}

/* ---- converter: torque of the pump on the engine, and of the turbine on the gearbox */

static double pump_Nm(const plant_driveline_t *line, const plant_parameters_t *p, double *turbine_Nm)
{
    const double engine = plant_max(line->engine_radps, 1.0);
    const double ratio  = line->turbine_radps / engine;
    double       torque = 0.0;

    if (ratio <= 1.0) {
        const double gain = plant_max(1.0, p->stall_ratio - ((p->stall_ratio - 1.0) * ratio / p->coupling_ratio));

        torque      = p->stall_Nms2 * engine * engine * plant_min(1.0, (1.0 - ratio) / OPEN_SLIP_RATIO);
        *turbine_Nm = torque * ((ratio < p->coupling_ratio) ? gain : 1.0);
    } else { /* the car drives the engine */
        const double turbine = line->turbine_radps;

        torque      = -0.5 * p->stall_Nms2 * turbine * turbine *
                      plant_min(1.0, (1.0 - (engine / turbine)) / OPEN_SLIP_RATIO);
        *turbine_Nm = torque;
    }
    return torque;
}

static void steer_lock_up(plant_driveline_t *line, const plant_context_t *in)
{
    const plant_parameters_t *p         = in->p;
    const double              rpm       = line->turbine_radps * PLANT_RPM_PER_RADPS;
    const bool                is_wanted = (line->lock_up_Nm > 0.0) ? (rpm > p->unlock_rpm) : (rpm > p->lock_up_rpm);
    const bool                is_driven = (line->ratio > 0.0) && (in->command->engine == PLANT_ENGINE_RUNNING);

    if (is_wanted && is_driven) {
        if (line->lock_up_Nm < p->lock_up_Nm) {
            const double more_Nm = p->lock_up_Nm * in->rates->dt_s / p->lock_up_s;

            line->lock_up_Nm = plant_min(p->lock_up_Nm, line->lock_up_Nm + more_Nm);
        }
    } else {
        line->lock_up_Nm = 0.0;
        line->is_locked  = 0U;
    }
}

/* ---- gearbox */

static uint32_t chosen_gear(const plant_driveline_t *line, const plant_context_t *in)
{
    const plant_parameters_t *p     = in->p;
    const double              pedal = in->command->pedal_ratio;
    const double rpm = line->output_radps * plant_ratio(p, line->gear, in->command->is_low_range) * PLANT_RPM_PER_RADPS;
    const double up_rpm   = p->up_rpm[0] + ((p->up_rpm[1] - p->up_rpm[0]) * pedal);
    const double down_rpm = p->down_rpm[0] + ((p->down_rpm[1] - p->down_rpm[0]) * pedal);
    uint32_t     gear     = line->gear;

    if ((rpm > up_rpm) && (gear < PLANT_GEARS)) {
        gear++;
    } else if ((rpm < down_rpm) && (gear > 1U)) {
        gear--;
    } else {
        /* the right one */
    }
    return gear;
}

/* What the driver says, else the gearbox's own choice, one step after the other. */
static uint32_t wanted_gear(const plant_driveline_t *line, const plant_context_t *in)
{
    uint32_t gear = in->command->wanted_gear;

    if (gear == 0U) {
        gear = (line->since_shift_s < in->p->shift_apart_s) ? line->gear : chosen_gear(line, in);
    }
    return gear;
}

static bool is_drive_gear(uint32_t gear)
{
    return (gear != PLANT_GEAR_NEUTRAL) && (gear != PLANT_GEAR_PARK);
}

/* Begin, carry on and end a shift; in and out of neutral and park it is no shift but a lever. */
static void steer_gear(plant_driveline_t *line, const plant_context_t *in)
{
    if (line->gear == line->target_gear) {
        const uint32_t wanted = wanted_gear(line, in);

        line->since_shift_s += in->rates->dt_s;
        if ((wanted != line->gear) && (in->command->is_shift_inhibited == 0U)) {
            line->target_gear = wanted;
            line->shift_s     = 0.0;
        }
    } else {
        line->shift_s += in->rates->dt_s;
    }
    if ((line->gear != line->target_gear) && (line->ratio_gear != line->target_gear) &&
        ((line->shift_s >= in->p->shift_fill_s) || !is_drive_gear(line->gear))) {
        line->ratio_gear = line->target_gear;
        line->is_engaged = 0U;
    }
    line->ratio = plant_ratio(in->p, line->ratio_gear, in->command->is_low_range);
}

static void end_shift(plant_driveline_t *line)
{
    line->gear          = line->ratio_gear;
    line->is_engaged    = 1U;
    line->since_shift_s = 0.0;
}

/* What the clutch that slips in a shift carries: enough to pull a fast turbine down, little while it must speed up. */
static double slipping_Nm(const plant_driveline_t *line, const plant_context_t *in, double slip_radps)
{
    const double least_Nm = (slip_radps > 0.0) ? (plant_max(line->converter_Nm, 0.0) + in->p->shift_extra_Nm)
                                               : FALLBACK_Nm;
    const double late     = plant_fraction(line->shift_s, 0.7 * in->p->shift_longest_s, in->p->shift_longest_s);

    return plant_sign(slip_radps) * least_Nm * (1.0 + (4.0 * late));
}

/* ---- shafts */

/* Torque of the half-shafts: none within the lash; outside they push one way only. */
static double shaft_Nm(const plant_driveline_t *line, const plant_context_t *in, double rate_radps)
{
    const plant_parameters_t *p      = in->p;
    const double              half   = in->rates->half_lash_rad;
    double                    torque = 0.0;

    if (line->twist_rad > half) {
        torque = plant_max(0.0, (p->shaft_Nmprad * (line->twist_rad - half)) + (p->shaft_Nmsprad * rate_radps));
    } else if (line->twist_rad < -half) {
        torque = plant_min(0.0, (p->shaft_Nmprad * (line->twist_rad + half)) + (p->shaft_Nmsprad * rate_radps));
    } else {
        /* within the lash */
    }
    return torque;
}

/* Power that the half-shafts lose: what their torque does beyond its elastic part. */
static double shaft_loss_W(const plant_driveline_t *line, const plant_context_t *in, double rate_radps)
{
    const double half  = in->rates->half_lash_rad;
    const double wound = line->twist_rad - plant_clamp(line->twist_rad, -half, half);

    return (line->shaft_Nm - (in->p->shaft_Nmprad * wound)) * rate_radps;
}

/* An elastic difference that slips beyond what the differential holds. `to_rad` is where it would be without. */
static double hold(plant_driveline_t *line, double *twist_rad, double to_rad, double stiffness, double most_rad)
{
    *twist_rad = plant_clamp(to_rad, -most_rad, most_rad);
    line->differential_loss_J += stiffness * *twist_rad * (to_rad - *twist_rad);
    return stiffness * *twist_rad;
}

static void split(plant_driveline_t *line, const plant_context_t *in, double torque_Nm[PLANT_CORNERS])
{
    const plant_parameters_t *p         = in->p;
    const double             *w         = line->wheel_radps;
    const double              k_axle    = 0.5 * p->shaft_Nmprad;
    const double              dt_s      = in->rates->dt_s;
    const double              centre_to = line->centre_twist_rad + (0.25 * dt_s * ((w[2] + w[3]) - (w[0] + w[1])));
    const double between = hold(line, &line->centre_twist_rad, centre_to, p->shaft_Nmprad, in->rates->centre_rad);

    for (uint32_t axle = 0U; axle < 2U; axle++) {
        const uint32_t left   = 2U * axle;
        const double   to_rad = line->axle_twist_rad[axle] + (0.5 * dt_s * (w[left + 1U] - w[left]));
        const double   across = hold(line, &line->axle_twist_rad[axle], to_rad, k_axle, in->rates->axle_rad);
        const double   share  = 0.25 * (line->shaft_Nm + ((axle == 0U) ? between : -between));

        plant_pair_put(&torque_Nm[left], plant_pair(share + (0.5 * across), share - (0.5 * across)));
    }
}

/* ---- one step of what turns */

/* Torque and inertia at the turbine; advances an engine that is not tied to it. */
static double turbine_side(plant_driveline_t *line, const plant_context_t *in, double *inertia_kgm2)
{
    const plant_parameters_t *p = in->p;
    double                    torque_Nm;

    if (line->is_locked != 0U) {
        *inertia_kgm2       = p->engine_kgm2 + p->turbine_kgm2;
        torque_Nm           = line->engine_Nm;
        line->clutch_loss_W = 0.0;
    } else {
        double       turbine_Nm = 0.0;
        const double slip       = line->engine_radps - line->turbine_radps;
        const double clutch_Nm  = line->lock_up_Nm * plant_clamp(slip / SYNC_RADPS, -1.0, 1.0) * 0.4;
        const double pumped_Nm  = pump_Nm(line, p, &turbine_Nm);

        line->clutch_loss_W = (pumped_Nm * line->engine_radps) - (turbine_Nm * line->turbine_radps) +
                              (clutch_Nm * slip);
        line->engine_radps += (line->engine_Nm - pumped_Nm - clutch_Nm) / p->engine_kgm2 * in->rates->dt_s;
        line->engine_radps = plant_max(line->engine_radps, 0.0);
        *inertia_kgm2      = p->turbine_kgm2;
        torque_Nm          = turbine_Nm + clutch_Nm;
    }
    line->converter_Nm = torque_Nm;
    return torque_Nm;
}

static void turn_engaged(plant_driveline_t *line, const plant_context_t *in, double torque_Nm, double inertia_kgm2)
{
    const double ratio   = line->ratio;
    const double forward = in->p->efficiency_ratio;
    const double eta     = (line->shaft_Nm * ratio >= 0.0) ? forward : (1.0 / forward);
    const double gain    = ((ratio * eta * torque_Nm) - line->shaft_Nm) /
                           (in->p->output_kgm2 + (eta * ratio * ratio * inertia_kgm2));

    line->turbine_Nm  = torque_Nm - (inertia_kgm2 * ratio * gain);
    line->gear_loss_W = (1.0 - eta) * line->turbine_Nm * ratio * line->output_radps;
    line->output_radps += gain * in->rates->dt_s;
    line->turbine_radps = ratio * line->output_radps;
}

static void turn_slipping(plant_driveline_t *line, const plant_context_t *in, double torque_Nm, double inertia_kgm2)
{
    const double ratio  = line->ratio;
    const double before = line->turbine_radps - (ratio * line->output_radps);
    const double held   = (plant_abs(ratio) > 0.0) ? slipping_Nm(line, in, before) : 0.0;

    line->turbine_Nm  = held;
    line->gear_loss_W = held * before;
    line->turbine_radps += (torque_Nm - held) / inertia_kgm2 * in->rates->dt_s;
    line->output_radps += ((ratio * held) - line->shaft_Nm) / in->p->output_kgm2 * in->rates->dt_s;

    const double after = line->turbine_radps - (ratio * line->output_radps);

    if ((plant_abs(ratio) <= 0.0) || ((before * after) <= 0.0) || (plant_abs(after) < SYNC_RADPS)) {
        if (plant_abs(ratio) > 0.0) {
            line->turbine_radps = ratio * line->output_radps;
        }
        end_shift(line);
    }
}

/* Neutral and park: the turbine turns freely. */
static void turn_free(plant_driveline_t *line, const plant_context_t *in, double torque_Nm, double inertia_kgm2)
{
    line->turbine_Nm    = 0.0;
    line->gear_loss_W   = 0.0;
    line->turbine_radps = plant_max(0.0, line->turbine_radps + (torque_Nm / inertia_kgm2 * in->rates->dt_s));
    line->output_radps -= line->shaft_Nm / in->p->output_kgm2 * in->rates->dt_s;
}

/* A tied engine follows; a lock-up clutch that cannot hold lets go, one whose slip is gone locks. */
static void tie_engine(plant_driveline_t *line, const plant_context_t *in, double before_radps)
{
    if (line->is_locked != 0U) {
        const double inertia_Nm = in->p->engine_kgm2 * (line->turbine_radps - before_radps) * in->rates->per_dt;

        line->engine_radps = line->turbine_radps;
        if (plant_abs(line->engine_Nm - inertia_Nm) > line->lock_up_Nm) {
            line->is_locked = 0U;
        }
    } else if ((line->lock_up_Nm > 0.0) && (plant_abs(line->engine_radps - line->turbine_radps) < SYNC_RADPS)) {
        line->is_locked    = 1U;
        line->engine_radps = line->turbine_radps;
    } else {
        /* apart */
    }
}

/* ---- wheels */

/* Traction falls off with slip as a hyperbolic tangent; its slope enters implicitly, so a stiff tyre cannot ring. */
static void turn_wheels(plant_driveline_t *line, double traction_N[PLANT_CORNERS], const plant_context_t *in,
                        const double torque_Nm[PLANT_CORNERS])
{
    const plant_parameters_t *p         = in->p;
    const double              radius_m  = p->radius_m;
    const double              speed_mps = in->body->speed_mps;
    const double per_mps  = 1.0 / (in->surface->slip_mps + (in->surface->slip_ratio * plant_abs(speed_mps)));
    const double damped_s = in->rates->dt_s * radius_m * radius_m * per_mps;

    line->slip_loss_W  = 0.0;
    line->brake_loss_W = 0.0;
    for (uint32_t i = 0U; i < PLANT_CORNERS; i += 2U) {
        const double       brake_Nm = line->brake_ratio * p->brake_Nm[i >> 1];
        const plant_pair_t slope    = plant_pair_at(&in->body->slope[i]);
        const plant_pair_t ground   = speed_mps * (1.0 + (0.5 * slope * slope));
        const plant_pair_t most_N   = in->surface->friction_ratio * plant_pair_at(&in->body->load_N[i]);
        const plant_pair_t before   = plant_pair_at(&line->wheel_radps[i]);
        const plant_pair_t slip     = plant_pair_clamp(((radius_m * before) - ground) * per_mps, PLANT_TANH_END);
        const plant_pair_t slip2    = slip * slip;
        const plant_pair_t grip     = PLANT_TANH_ABOVE(slip, slip2) / PLANT_TANH_BELOW(slip2);
        const plant_pair_t steep_N  = most_N * (1.0 - (grip * grip)); /* by which traction grows with slip */
        const plant_pair_t gain     = in->rates->dt_s / (p->wheel_kgm2 + (damped_s * steep_N));
        const plant_pair_t grip_N   = most_N * grip;
        const plant_pair_t free     = before + (gain * (plant_pair_at(&torque_Nm[i]) - (radius_m * grip_N)));
        const plant_pair_t left     = plant_pair_positive(plant_pair_abs(free) - (gain * brake_Nm));
        const plant_pair_t after    = plant_pair_pick((plant_mask_t)(free < 0.0), -left, left);
        const plant_pair_t push_N   = grip_N + (steep_N * per_mps * radius_m * (after - before));
        const plant_pair_t slip_W   = push_N * ((radius_m * 0.5 * (after + before)) - ground);
        const plant_pair_t braked_W = brake_Nm * plant_pair_abs(after);

        plant_pair_put(&line->wheel_radps[i], after);
        plant_pair_put(&traction_N[i], push_N);
        line->slip_loss_W += slip_W[0] + slip_W[1];
        line->brake_loss_W += braked_W[0] + braked_W[1];
    }
}

void plant_driveline_step(plant_driveline_t *line, double traction_N[PLANT_CORNERS], const plant_context_t *in)
{
    const double *w            = line->wheel_radps;
    const double  rate         = line->output_radps - (0.25 * (w[0] + w[1] + w[2] + w[3]));
    const double  before_radps = line->engine_radps;
    double        torque_Nm[PLANT_CORNERS];
    double        inertia_kgm2 = 0.0;

    step_engine_torque(line, in);
    steer_gear(line, in);
    steer_lock_up(line, in);
    line->twist_rad += rate * in->rates->dt_s;
    line->shaft_Nm     = shaft_Nm(line, in, rate);
    line->shaft_loss_W = shaft_loss_W(line, in, rate);
    split(line, in, torque_Nm);

    const double turbine_Nm = turbine_side(line, in, &inertia_kgm2);

    if (!is_drive_gear(line->ratio_gear)) {
        turn_free(line, in, turbine_Nm, inertia_kgm2);
        line->gear = line->target_gear;
    } else if (line->is_engaged != 0U) {
        turn_engaged(line, in, turbine_Nm, inertia_kgm2);
    } else {
        turn_slipping(line, in, turbine_Nm, inertia_kgm2);
    }
    tie_engine(line, in, before_radps);
    line->brake_ratio += (in->command->brake_ratio - line->brake_ratio) * in->rates->brake_share;
    turn_wheels(line, traction_N, in, torque_Nm);
}

void plant_driveline_roll(plant_driveline_t *line, const plant_parameters_t *p, uint32_t gear, double speed_mps)
{
    const double ratio = plant_ratio(p, gear, 0U);
    const double radps = speed_mps / p->radius_m;

    *line =
        (plant_driveline_t){.gear = gear, .target_gear = gear, .ratio_gear = gear, .is_engaged = 1U, .ratio = ratio};
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        line->wheel_radps[i] = radps;
    }
    line->output_radps  = radps;
    line->turbine_radps = radps * ratio;
    line->engine_radps  = line->turbine_radps;
    line->since_shift_s = p->shift_apart_s;
    if (line->turbine_radps > (p->lock_up_rpm * PLANT_RADPS_PER_RPM)) {
        line->is_locked  = 1U;
        line->lock_up_Nm = p->lock_up_Nm;
    } else {
        line->engine_radps = plant_max(line->turbine_radps, p->idle_rpm * PLANT_RADPS_PER_RPM);
    }
}

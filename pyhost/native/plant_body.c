#include "plant_body.h"

#include "plant_maths.h"

#define FRONT 0U
#define REAR 1U
#define AXLE(corner) ((corner) >> 1)
#define ROLLING_FROM_MPS 0.3 /* rolling resistance fades below: it never pushes a car that stands */

/* Height and slope under both points at a distance; before the start and behind the end the ground is flat. */
static plant_pair_t terrain_under(const terrain_t *terrain, double x_m, plant_pair_t *slope)
{
    const double        cells = x_m * (1.0 / TERRAIN_STEP_M);
    const uint32_t      last  = terrain->samples - 1U;
    const double *const left  = terrain->height_m[0];
    const double *const right = terrain->height_m[1];
    plant_pair_t        height_m;

    *slope = plant_pair(0.0, 0.0);
    if (cells <= 0.0) {
        height_m = plant_pair(left[0], right[0]);
    } else if (cells >= (double)last) {
        height_m = plant_pair(left[last], right[last]);
    } else {
        const uint32_t     i    = (uint32_t)cells;
        const plant_pair_t here = plant_pair(left[i], right[i]);
        const plant_pair_t rise = plant_pair(left[i + 1U], right[i + 1U]) - here;

        height_m = here + (rise * (cells - (double)i));
        *slope   = rise * (1.0 / TERRAIN_STEP_M);
    }
    return height_m;
}

/* Share of a mass at x that an axle carries. */
static double share_of(const plant_body_t *body, uint32_t axle)
{
    const double base_m = body->corner_m[FRONT] - body->corner_m[REAR];

    return (axle == FRONT) ? (-body->corner_m[REAR] / base_m) : (body->corner_m[FRONT] / base_m);
}

static void place_mass(plant_body_t *body, const plant_parameters_t *p, double fuel_kg)
{
    const double total_kg = p->sprung_kg + fuel_kg;
    const double shift_m  = fuel_kg * p->tank_x_m / total_kg;
    const double added    = p->sprung_kg * fuel_kg / total_kg; /* reduced mass of the pair */

    body->sprung_kg       = total_kg;
    body->corner_m[FRONT] = p->front_m - shift_m;
    body->corner_m[REAR]  = -p->rear_m - shift_m;
    body->pitch_kgm2      = p->pitch_kgm2 + (added * p->tank_x_m * p->tank_x_m);
    body->roll_kgm2       = p->roll_kgm2 + (fuel_kg * p->tank_width_m * p->tank_width_m / 12.0);
    body->total_kg        = total_kg + (PLANT_CORNERS * p->unsprung_kg);
    body->per_sprung_kg   = 1.0 / total_kg;
    body->per_pitch_kgm2  = 1.0 / body->pitch_kgm2;
    body->per_roll_kgm2   = 1.0 / body->roll_kgm2;
    body->per_total_kg    = 1.0 / body->total_kg;
}

void plant_body_load(plant_body_t *body, const plant_parameters_t *p, double fuel_kg)
{
    /* The springs are set up for the design fuel. */
    place_mass(body, p, p->design_fuel_L * p->fuel_kgpL);
    for (uint32_t axle = FRONT; axle <= REAR; axle++) {
        body->preload_N[axle] = 0.5 * body->sprung_kg * PLANT_GRAVITY_MPS2 * share_of(body, axle);
    }
    place_mass(body, p, fuel_kg);
}

void plant_body_stand(plant_body_t *body, const plant_parameters_t *p, const terrain_t *terrain, double x_m,
                      double speed_mps)
{
    double       level_m[2];
    plant_pair_t slope;

    body->x_m         = x_m;
    body->speed_mps   = speed_mps;
    body->z_mps       = 0.0;
    body->pitch_radps = 0.0;
    body->roll_rad    = 0.0;
    body->roll_radps  = 0.0;
    for (uint32_t axle = FRONT; axle <= REAR; axle++) {
        const double strut_N  = 0.5 * body->sprung_kg * PLANT_GRAVITY_MPS2 * share_of(body, axle);
        const double load_N   = strut_N + (p->unsprung_kg * PLANT_GRAVITY_MPS2);
        const double ground_m = terrain_under(terrain, x_m + body->corner_m[axle], &slope)[0];
        const double wheel_m  = ground_m - (load_N / p->tyre_Npm);

        for (uint32_t i = 2U * axle; i <= ((2U * axle) + 1U); i++) {
            body->wheel_m[i]   = wheel_m;
            body->wheel_mps[i] = 0.0;
        }
        level_m[axle] = wheel_m - ((strut_N - body->preload_N[axle]) / p->spring_Npm[axle]);
    }
    body->pitch_rad = (level_m[REAR] - level_m[FRONT]) / (body->corner_m[FRONT] - body->corner_m[REAR]);
    body->z_m       = level_m[FRONT] + (body->corner_m[FRONT] * body->pitch_rad);
    plant_body_touch(body, p, terrain);
}

/* A tyre pushes and never pulls, and does nothing without contact, whatever the speed. */
void plant_body_touch(plant_body_t *body, const plant_parameters_t *p, const terrain_t *terrain)
{
    for (uint32_t i = 0U; i < PLANT_CORNERS; i += 2U) {
        plant_pair_t       slope;
        const plant_pair_t ground = terrain_under(terrain, body->x_m + body->corner_m[AXLE(i)], &slope);
        const plant_pair_t in_m   = ground - plant_pair_at(&body->wheel_m[i]);
        const plant_pair_t in_mps = (slope * body->speed_mps) - plant_pair_at(&body->wheel_mps[i]);
        const plant_pair_t load_N = plant_pair_positive((p->tyre_Npm * in_m) + (p->tyre_Nspm * in_mps));

        plant_pair_put(&body->ground_m[i], ground);
        plant_pair_put(&body->slope[i], slope);
        plant_pair_put(&body->level[i], 1.0 / (1.0 + (0.5 * slope * slope)));
        plant_pair_put(&body->load_N[i], plant_pair_where((plant_mask_t)(in_m > 0.0), load_N));
    }
}

/* Spring, damper and both stops of an axle; a coil pushes and never pulls, a stop never holds. */
static plant_pair_t strut_N(const plant_body_t *body, const plant_parameters_t *p, uint32_t left)
{
    const uint32_t     axle    = AXLE(left);
    const plant_pair_t in_m    = plant_pair_at(&body->compression_m[left]);
    const plant_pair_t in_mps  = plant_pair_at(&body->compression_mps[left]);
    const plant_pair_t spring  = plant_pair_positive(body->preload_N[axle] + (p->spring_Npm[axle] * in_m));
    const plant_pair_t damper  = plant_pair_pick((plant_mask_t)(in_mps > 0.0), p->bump_Nspm[axle] * in_mps,
                                                 p->rebound_Nspm[axle] * in_mps);
    const plant_pair_t bump_m  = in_m - p->bump_travel_m;
    const plant_pair_t droop_m = -in_m - p->droop_travel_m;
    const plant_pair_t bump_N  = plant_pair_positive((p->stop_Npm * bump_m) + (p->stop_Nspm * in_mps));
    const plant_pair_t droop_N = plant_pair_positive((p->stop_Npm * droop_m) - (p->stop_Nspm * in_mps));

    return spring + damper + plant_pair_where((plant_mask_t)(bump_m > 0.0), bump_N) -
           plant_pair_where((plant_mask_t)(droop_m > 0.0), droop_N);
}

static void press_struts(plant_body_t *body, const plant_parameters_t *p)
{
    const double       half_m   = 0.5 * p->track_m;
    const plant_pair_t y_m      = plant_pair(half_m, -half_m);
    const plant_pair_t roll_m   = y_m * body->roll_rad;
    const plant_pair_t roll_mps = y_m * body->roll_radps;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i += 2U) {
        const double       x_m    = body->corner_m[AXLE(i)];
        const plant_pair_t in_m   = plant_pair_at(&body->wheel_m[i]) - ((body->z_m - (x_m * body->pitch_rad)) + roll_m);
        const plant_pair_t in_mps = plant_pair_at(&body->wheel_mps[i]) -
                                    ((body->z_mps - (x_m * body->pitch_radps)) + roll_mps);

        plant_pair_put(&body->compression_m[i], in_m);
        plant_pair_put(&body->compression_mps[i], in_mps);

        const double anti_N = p->anti_roll_Npm[AXLE(i)] * 0.5 * (in_m[0] - in_m[1]);

        plant_pair_put(&body->strut_N[i], strut_N(body, p, i) + plant_pair(anti_N, -anti_N));
    }
}

/* Along the track: traction along the ground, the ground's push across it, what rolls and what blows against it. */
static double push_along(plant_body_t *body, const plant_parameters_t *p, const terrain_piece_t *here,
                         const plant_push_t *push, double air_kgpm3)
{
    const double fade    = plant_clamp(body->speed_mps * (1.0 / ROLLING_FROM_MPS), -1.0, 1.0);
    double       along_N = 0.0;
    double       load_N  = 0.0;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        along_N += (push->traction_N[i] * body->level[i]) - (body->load_N[i] * body->slope[i]);
        load_N += body->load_N[i];
    }
    body->resist_N = (here->surface.rolling_ratio * load_N * fade) +
                     (0.5 * air_kgpm3 * p->drag_m2 * body->speed_mps * plant_abs(body->speed_mps));
    return along_N;
}

static void turn_body(plant_body_t *body, const plant_parameters_t *p, const plant_push_t *push, double along_N,
                      double side_N)
{
    const double *strut_N  = body->strut_N;
    const double  front_N  = strut_N[0] + strut_N[1];
    const double  rear_N   = strut_N[2] + strut_N[3];
    const double  pitch_Nm = -(p->height_m * along_N) - push->wheels_Nm - (body->corner_m[FRONT] * front_N) -
                             (body->corner_m[REAR] * rear_N);
    const double  roll_Nm  = (p->height_m * side_N) +
                             (0.5 * p->track_m * ((strut_N[0] - strut_N[1]) + (strut_N[2] - strut_N[3])));

    body->z_mps2       = ((front_N + rear_N) * body->per_sprung_kg) - PLANT_GRAVITY_MPS2;
    body->pitch_radps2 = pitch_Nm * body->per_pitch_kgm2;
    body->roll_radps2  = roll_Nm * body->per_roll_kgm2;
}

static void lift_wheels(plant_body_t *body, const plant_parameters_t *p, const plant_push_t *push, double dt_s)
{
    const double per_kg = 1.0 / p->unsprung_kg;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i += 2U) {
        const plant_pair_t climb_N = plant_pair_at(&push->traction_N[i]) * plant_pair_at(&body->slope[i]) *
                                     plant_pair_at(&body->level[i]);
        const plant_pair_t up_N    = plant_pair_at(&body->load_N[i]) + climb_N - plant_pair_at(&body->strut_N[i]);
        const plant_pair_t mps = plant_pair_at(&body->wheel_mps[i]) + (((up_N * per_kg) - PLANT_GRAVITY_MPS2) * dt_s);

        plant_pair_put(&body->wheel_mps[i], mps);
        plant_pair_put(&body->wheel_m[i], plant_pair_at(&body->wheel_m[i]) + (mps * dt_s));
    }
}

void plant_body_step(plant_body_t *body, const plant_parameters_t *p, const terrain_piece_t *here,
                     const plant_push_t *push, const double dt_s_and_air_kgpm3[2])
{
    const double dt_s      = dt_s_and_air_kgpm3[0];
    const double along_N   = push_along(body, p, here, push, dt_s_and_air_kgpm3[1]);
    const double load_N    = body->load_N[0] + body->load_N[1] + body->load_N[2] + body->load_N[3];
    const double grip_mps2 = here->surface.friction_ratio * load_N * body->per_total_kg;

    press_struts(body, p);
    body->lateral_mps2 = plant_clamp(here->curvature_radpm * body->speed_mps * body->speed_mps, -grip_mps2, grip_mps2);
    turn_body(body, p, push, along_N, body->total_kg * body->lateral_mps2);
    lift_wheels(body, p, push, dt_s);
    body->z_mps += body->z_mps2 * dt_s;
    body->pitch_radps += body->pitch_radps2 * dt_s;
    body->roll_radps += body->roll_radps2 * dt_s;
    body->z_m += body->z_mps * dt_s;
    body->pitch_rad += body->pitch_radps * dt_s;
    body->roll_rad += body->roll_radps * dt_s;
    body->accel_mps2 = (along_N - body->resist_N) * body->per_total_kg;
    body->speed_mps += body->accel_mps2 * dt_s;
    body->x_m += body->speed_mps * dt_s;
}

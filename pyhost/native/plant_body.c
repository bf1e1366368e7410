#include "plant_body.h"

#include "plant_maths.h"

#define FRONT 0U
#define REAR 1U
#define AXLE(corner) ((corner) >> 1)
#define IS_RIGHT(corner) ((corner) & 1U)
#define ROLLING_FROM_MPS 0.3 /* rolling resistance fades below: it never pushes a car that stands */

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
    double level_m[2];
    double slope;

    body->x_m         = x_m;
    body->speed_mps   = speed_mps;
    body->z_mps       = 0.0;
    body->pitch_radps = 0.0;
    body->roll_rad    = 0.0;
    body->roll_radps  = 0.0;
    for (uint32_t axle = FRONT; axle <= REAR; axle++) {
        const double strut_N  = 0.5 * body->sprung_kg * PLANT_GRAVITY_MPS2 * share_of(body, axle);
        const double load_N   = strut_N + (p->unsprung_kg * PLANT_GRAVITY_MPS2);
        const double ground_m = terrain_at(terrain, 0U, x_m + body->corner_m[axle], &slope);
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

/* A tyre pushes and never pulls. */
void plant_body_touch(plant_body_t *body, const plant_parameters_t *p, const terrain_t *terrain)
{
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double x_m = body->x_m + body->corner_m[AXLE(i)];

        body->ground_m[i] = terrain_at(terrain, IS_RIGHT(i), x_m, &body->slope[i]);

        const double in_m   = body->ground_m[i] - body->wheel_m[i];
        const double in_mps = (body->slope[i] * body->speed_mps) - body->wheel_mps[i];

        body->load_N[i] = plant_max(0.0, (p->tyre_Npm * in_m) + (p->tyre_Nspm * in_mps));
        if (in_m <= 0.0) {
            body->load_N[i] = 0.0; /* no contact, whatever the speed */
        }
    }
}

/* Spring, damper and both stops of one corner; a coil pushes and never pulls, a stop never holds. */
static double strut_N(const plant_body_t *body, const plant_parameters_t *p, uint32_t corner)
{
    const uint32_t axle   = AXLE(corner);
    const double   in_m   = body->compression_m[corner];
    const double   in_mps = body->compression_mps[corner];
    const double   damper = (in_mps > 0.0) ? p->bump_Nspm[axle] : p->rebound_Nspm[axle];
    double         force  = plant_max(0.0, body->preload_N[axle] + (p->spring_Npm[axle] * in_m)) + (damper * in_mps);

    if (in_m > p->bump_travel_m) {
        force += plant_max(0.0, (p->stop_Npm * (in_m - p->bump_travel_m)) + (p->stop_Nspm * in_mps));
    } else if (in_m < -p->droop_travel_m) {
        force -= plant_max(0.0, (p->stop_Npm * (-in_m - p->droop_travel_m)) - (p->stop_Nspm * in_mps));
    } else {
        /* between the stops */
    }
    return force;
}

static void press_struts(plant_body_t *body, const plant_parameters_t *p)
{
    const double half_m = 0.5 * p->track_m;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double x_m = body->corner_m[AXLE(i)];
        const double y_m = (IS_RIGHT(i) != 0U) ? -half_m : half_m;

        body->compression_m[i]   = body->wheel_m[i] - (body->z_m - (x_m * body->pitch_rad) + (y_m * body->roll_rad));
        body->compression_mps[i] = body->wheel_mps[i] -
                                   (body->z_mps - (x_m * body->pitch_radps) + (y_m * body->roll_radps));
        body->strut_N[i]         = strut_N(body, p, i);
    }
    for (uint32_t axle = FRONT; axle <= REAR; axle++) {
        const uint32_t left  = 2U * axle;
        const double   twist = 0.5 * (body->compression_m[left] - body->compression_m[left + 1U]);

        body->strut_N[left] += p->anti_roll_Npm[axle] * twist;
        body->strut_N[left + 1U] -= p->anti_roll_Npm[axle] * twist;
    }
}

/* Along the track: traction along the ground, the ground's push across it, what rolls and what blows against it. */
static double push_along(plant_body_t *body, const plant_parameters_t *p, const terrain_piece_t *here,
                         const plant_push_t *push, double air_kgpm3)
{
    const double fade    = plant_clamp(body->speed_mps / ROLLING_FROM_MPS, -1.0, 1.0);
    double       along_N = 0.0;
    double       load_N  = 0.0;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double slope = body->slope[i];

        along_N += (push->traction_N[i] / (1.0 + (0.5 * slope * slope))) - (body->load_N[i] * slope);
        load_N += body->load_N[i];
    }
    body->resist_N = (here->surface.rolling_ratio * load_N * fade) +
                     (0.5 * air_kgpm3 * p->drag_m2 * body->speed_mps * plant_abs(body->speed_mps));
    return along_N;
}

static void turn_body(plant_body_t *body, const plant_parameters_t *p, const plant_push_t *push, double along_N,
                      double side_N)
{
    const double half_m   = 0.5 * p->track_m;
    double       up_N     = 0.0;
    double       pitch_Nm = -(p->height_m * along_N) - push->wheels_Nm;
    double       roll_Nm  = p->height_m * side_N;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        up_N += body->strut_N[i];
        pitch_Nm -= body->corner_m[AXLE(i)] * body->strut_N[i];
        roll_Nm += ((IS_RIGHT(i) != 0U) ? -half_m : half_m) * body->strut_N[i];
    }
    body->z_mps2       = (up_N / body->sprung_kg) - PLANT_GRAVITY_MPS2;
    body->pitch_radps2 = pitch_Nm / body->pitch_kgm2;
    body->roll_radps2  = roll_Nm / body->roll_kgm2;
}

void plant_body_step(plant_body_t *body, const plant_parameters_t *p, const terrain_piece_t *here,
                     const plant_push_t *push, const double dt_s_and_air_kgpm3[2])
{
    const double dt_s      = dt_s_and_air_kgpm3[0];
    const double total_kg  = body->sprung_kg + (PLANT_CORNERS * p->unsprung_kg);
    const double along_N   = push_along(body, p, here, push, dt_s_and_air_kgpm3[1]);
    const double load_N    = body->load_N[0] + body->load_N[1] + body->load_N[2] + body->load_N[3];
    const double grip_mps2 = here->surface.friction_ratio * load_N / total_kg;

    press_struts(body, p);
    body->lateral_mps2 = plant_clamp(here->curvature_radpm * body->speed_mps * body->speed_mps, -grip_mps2, grip_mps2);
    turn_body(body, p, push, along_N, total_kg * body->lateral_mps2);
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double slope = body->slope[i];
        const double up_N  = body->load_N[i] + (push->traction_N[i] * slope / (1.0 + (0.5 * slope * slope)));

        body->wheel_mps[i] += (((up_N - body->strut_N[i]) / p->unsprung_kg) - PLANT_GRAVITY_MPS2) * dt_s;
        body->wheel_m[i] += body->wheel_mps[i] * dt_s;
    }
    body->z_mps += body->z_mps2 * dt_s;
    body->pitch_radps += body->pitch_radps2 * dt_s;
    body->roll_radps += body->roll_radps2 * dt_s;
    body->z_m += body->z_mps * dt_s;
    body->pitch_rad += body->pitch_radps * dt_s;
    body->roll_rad += body->roll_radps * dt_s;
    body->accel_mps2 = (along_N - body->resist_N) / total_kg;
    body->speed_mps += body->accel_mps2 * dt_s;
    body->x_m += body->speed_mps * dt_s;
}

/* plant_body.h - body, suspension and tyres: heave, pitch, roll, four wheels up and down, and the way along the track.
 *
 * x forward, y left, z up, right-handed rates: pitch is positive nose-down, roll positive left side up. Heights are above
 * the ground at the start; a wheel's height is that of its unloaded tyre's lowest point, so tyre and ground touch when
 * they are equal. Corners: front left, front right, rear left, rear right.
 */
#ifndef PLANT_BODY_H
#define PLANT_BODY_H

#include "plant_parameters.h"
#include "plant_terrain.h"

#define PLANT_CORNERS 4U

typedef struct {
    /* state */
    double x_m;
    double speed_mps; /* along the horizontal */
    double z_m;       /* of the centre of gravity, from where the design height over level ground would put it */
    double z_mps;
    double pitch_rad;
    double pitch_radps;
    double roll_rad;
    double roll_radps;
    double wheel_m[PLANT_CORNERS];
    double wheel_mps[PLANT_CORNERS];
    /* mass, changed by fuel */
    double sprung_kg;
    double pitch_kgm2;
    double roll_kgm2;
    double corner_m[2]; /* front and rear axle from the centre of gravity, forward positive */
    double preload_N[2];
    double total_kg; /* with the wheels */
    double per_sprung_kg; /* 1 over the masses above: a step divides by none of them */
    double per_pitch_kgm2;
    double per_roll_kgm2;
    double per_total_kg;
    /* of the last step */
    double accel_mps2;
    double z_mps2;
    double pitch_radps2;
    double roll_radps2;
    double lateral_mps2;
    double compression_m[PLANT_CORNERS]; /* from design height */
    double compression_mps[PLANT_CORNERS];
    double strut_N[PLANT_CORNERS];
    double load_N[PLANT_CORNERS];
    double ground_m[PLANT_CORNERS];
    double slope[PLANT_CORNERS];
    double level[PLANT_CORNERS]; /* share of what pushes along the ground that pushes along the horizontal */
    double resist_N; /* rolling resistance and air */
} plant_body_t;

/* What the driveline does to the body in a step. */
typedef struct {
    double traction_N[PLANT_CORNERS];
    double wheels_Nm; /* torque that the wheels' own inertia takes, all four: positive while they gain speed */
} plant_push_t;

/* Mass properties with this much fuel. */
void plant_body_load(plant_body_t *body, const plant_parameters_t *p, double fuel_kg);

/* Put it on the ground at rest in heave, pitch and roll; the ground must be level there. */
void plant_body_stand(plant_body_t *body, const plant_parameters_t *p, const terrain_t *terrain, double x_m,
                      double speed_mps);

/* Tyre forces at the present state; `step` uses them, so that the driveline may run in between. */
void plant_body_touch(plant_body_t *body, const plant_parameters_t *p, const terrain_t *terrain);

/* One step of dt. `air_kgpm3` is the density of the air. */
void plant_body_step(plant_body_t *body, const plant_parameters_t *p, const terrain_piece_t *here,
                     const plant_push_t *push, const double dt_s_and_air_kgpm3[2]);

/* No tyre touches the ground. */
static inline uint32_t plant_body_is_airborne(const plant_body_t *body)
{
    const double sum_N = body->load_N[0] + body->load_N[1] + body->load_N[2] + body->load_N[3];

    return (sum_N <= 0.0) ? 1U : 0U;
}

#endif

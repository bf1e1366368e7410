/* plant_terrain.h - the ground under the left and the right wheels: heights over distance, made of pieces. */
#ifndef PLANT_TERRAIN_H
#define PLANT_TERRAIN_H

#include <stdint.h>

#define TERRAIN_STEP_M 0.05
#define TERRAIN_KNOTS 12U
#define TERRAIN_SIDES 2U /* left, right */

/* What the tyres stand on. */
typedef struct {
    double friction_ratio;
    double slip_mps;      /* traction = friction * load * tanh(slip / (slip_mps + slip_ratio * speed)) */
    double slip_ratio;    /* loose ground needs slip in proportion to speed */
    double rolling_ratio; /* rolling resistance over load */
    double dust_kgpm3;    /* in the air that the car drives through */
} terrain_surface_t;

/* One piece; heights add up and begin where the piece before it ended, on each side by itself. */
typedef struct {
    double            length_m;
    double            knot_m[TERRAIN_KNOTS]; /* slope over distance: straight lines between knots, flat beyond */
    double            knot_slope[TERRAIN_KNOTS];
    double            wave_m; /* a row of waves that begins and ends in a trough; 0: none */
    double            wave_height_m;
    double            wave_fade_m;
    double            wave_shift_m;        /* of the right side against the left */
    double            gain[TERRAIN_SIDES]; /* of knots and waves, left and right */
    double            rock_m;              /* length of the largest rock; 0: none */
    double            rock_height_m;
    double            rocks_per_m;
    double            rough_m;        /* deviation of the random part */
    double            curvature_radpm; /* of the track, left positive */
    terrain_surface_t surface;
    uint32_t          knots;
    uint32_t          reserved;
} terrain_piece_t;

/* The built ground; the caller owns the memory. */
typedef struct {
    const terrain_piece_t *piece;
    const double          *end_m; /* of each piece */
    uint32_t               pieces;
    uint32_t               samples;
    const double          *height_m[TERRAIN_SIDES];
} terrain_t;

/* Samples that the pieces need, and the end of each piece. */
uint32_t terrain_measure(const terrain_piece_t *piece, uint32_t pieces, double *end_m);

/* Write the heights of one side; both sides must be built from the same seed. */
void terrain_build(const terrain_piece_t *piece, uint32_t pieces, uint64_t seed, uint32_t side, double *height_m);

#endif

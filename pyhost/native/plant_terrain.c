#include "plant_terrain.h"

#include "plant_maths.h"

#define CORRELATION_M 8.0 /* of the random part: its spectrum falls with the square of the wave number, as roads do */
#define OWN_SHARE 0.5     /* of its variance that each side has by itself */
#define BLEND_M 2.0       /* over which one roughness becomes the next */
#define PATCH_CELLS 4U    /* a tyre averages the ground over 0.2 m */

#define STREAM_COMMON 11U
#define STREAM_SIDE 12U
#define STREAM_ROCKS 16U

uint32_t terrain_measure(const terrain_piece_t *piece, uint32_t pieces, double *end_m)
{
    double total_m = 0.0;

    for (uint32_t i = 0U; i < pieces; i++) {
        total_m += plant_floor((piece[i].length_m / TERRAIN_STEP_M) + 0.5) * TERRAIN_STEP_M;
        end_m[i] = total_m;
    }
    return (uint32_t)plant_floor((total_m / TERRAIN_STEP_M) + 0.5) + 1U;
}

static double slope_at(const terrain_piece_t *piece, double x_m, uint32_t *knot)
{
    double slope = 0.0;

    if (piece->knots > 0U) {
        while (((*knot + 1U) < piece->knots) && (x_m >= piece->knot_m[*knot + 1U])) {
            (*knot)++;
        }

        const uint32_t next = *knot + 1U;

        slope = piece->knot_slope[*knot];
        if ((next < piece->knots) && (x_m > piece->knot_m[*knot])) {
            const double span_m = piece->knot_m[next] - piece->knot_m[*knot];

            slope += (piece->knot_slope[next] - slope) * ((x_m - piece->knot_m[*knot]) / span_m);
        }
    }
    return slope;
}

/* A raised cosine by its parabolas: smooth in height and slope, flat in trough and crest. */
static double hump(double phase)
{
    const double part = phase - plant_floor(phase);                    /* 0 and 1 are troughs, 0.5 is the crest */
    const double up   = 1.0 - plant_abs((2.0 * part) - 1.0);           /* 0 .. 1 .. 0 */
    const double low  = plant_min(up, 0.5);
    const double high = plant_max(up, 0.5) - 0.5;

    return (2.0 * low * low) + (2.0 * high * (1.0 - high));
}

static double wave_at(const terrain_piece_t *piece, double x_m, uint32_t side)
{
    double height_m = 0.0;

    if (piece->wave_m > 0.0) {
        const double edge_m = plant_min(x_m, piece->length_m - x_m);
        const double fade   = (piece->wave_fade_m > 0.0) ? plant_clamp(edge_m / piece->wave_fade_m, 0.0, 1.0) : 1.0;
        const double at_m   = x_m - ((side == 1U) ? piece->wave_shift_m : 0.0);

        height_m = piece->wave_height_m * fade * hump(at_m / piece->wave_m);
    }
    return height_m;
}

/* One side of one piece: knots integrated, waves and rocks on top. Returns the height at its end. */
static double lay_piece(const terrain_piece_t *piece, uint32_t side, uint32_t cells, double base_m, double *height_m)
{
    double   knots_m = 0.0;
    uint32_t knot    = 0U;

    for (uint32_t i = 0U; i < cells; i++) {
        const double x_m = (double)i * TERRAIN_STEP_M;

        height_m[i] = base_m + (piece->gain[side] * (knots_m + wave_at(piece, x_m, side)));
        knots_m += slope_at(piece, x_m + (0.5 * TERRAIN_STEP_M), &knot) * TERRAIN_STEP_M;
    }
    return base_m + (piece->gain[side] * knots_m);
}

static void lay_rocks(const terrain_piece_t *piece, plant_random_t *random, uint32_t cells, double *height_m)
{
    const double mean_cells = 1.0 / plant_max(piece->rocks_per_m * TERRAIN_STEP_M, 1.0e-6);
    double       at         = 0.0;

    for (;;) {
        at += mean_cells * (0.2 + (1.6 * plant_random_share(random)));

        const double   size  = 0.3 + (0.7 * plant_random_share(random));
        const uint32_t width = 2U + (uint32_t)(size * piece->rock_m / TERRAIN_STEP_M);

        if ((at + (double)width) >= (double)cells) {
            break;
        }
        for (uint32_t i = 0U; i <= width; i++) {
            height_m[(uint32_t)at + i] += size * piece->rock_height_m * hump((double)i / (double)width);
        }
    }
}

static void roughen(const terrain_piece_t *piece, uint32_t pieces, uint64_t seed, uint32_t side, double *height_m)
{
    const double   keep    = 1.0 - (TERRAIN_STEP_M / CORRELATION_M);
    const double   drive   = plant_sqrt(1.0 - (keep * keep));
    const double   shared  = plant_sqrt(1.0 - OWN_SHARE);
    const double   own     = plant_sqrt(OWN_SHARE);
    plant_random_t common  = plant_random_of(seed, STREAM_COMMON);
    plant_random_t random  = plant_random_of(seed, STREAM_SIDE + side);
    double         state   = 0.0;
    double         rough_m = 0.0;
    uint32_t       at      = 0U;

    for (uint32_t p = 0U; p < pieces; p++) {
        const uint32_t cells = (uint32_t)plant_floor((piece[p].length_m / TERRAIN_STEP_M) + 0.5);

        for (uint32_t i = 0U; i < cells; i++) {
            const double bell = (shared * plant_random_bell(&common)) + (own * plant_random_bell(&random));

            state   = (keep * state) + (drive * bell);
            rough_m = plant_lag(rough_m, piece[p].rough_m, TERRAIN_STEP_M, BLEND_M);
            height_m[at] += rough_m * state;
            at++;
        }
    }
    height_m[at] += rough_m * state;
}

/* The tyre's own average, in place: `samples` values and the PATCH_CELLS before each. */
static void smooth(double *height_m, uint32_t samples)
{
    double window[PATCH_CELLS];
    double sum = 0.0;

    for (uint32_t i = 0U; i < PATCH_CELLS; i++) {
        window[i] = height_m[0];
        sum += height_m[0];
    }
    for (uint32_t i = 0U; i < samples; i++) {
        const double here = height_m[i];

        sum += here - window[i % PATCH_CELLS];
        window[i % PATCH_CELLS] = here;
        height_m[i]             = sum * (1.0 / (double)PATCH_CELLS);
    }
}

void terrain_build(const terrain_piece_t *piece, uint32_t pieces, uint64_t seed, uint32_t side, double *height_m)
{
    plant_random_t rocks  = plant_random_of(seed, STREAM_ROCKS + side);
    double         base_m = 0.0;
    uint32_t       at     = 0U;

    for (uint32_t p = 0U; p < pieces; p++) {
        const uint32_t cells = (uint32_t)plant_floor((piece[p].length_m / TERRAIN_STEP_M) + 0.5);

        base_m = lay_piece(&piece[p], side, cells, base_m, &height_m[at]);
        if (piece[p].rock_m > 0.0) {
            lay_rocks(&piece[p], &rocks, cells, &height_m[at]);
        }
        at += cells;
    }
    height_m[at] = base_m;
    roughen(piece, pieces, seed, side, height_m);
    smooth(height_m, at + 1U);
}

/* plant_maths.h - the mathematics of the simulated car: +, -, *, / and root alone, so that the same source gives the
 * same bytes on every machine. A mathematics library differs in the last bit from one version to the next; this does not.
 */
#ifndef PLANT_MATHS_H
#define PLANT_MATHS_H

#include <stdint.h>
#include <string.h>

#define PLANT_PI 3.14159265358979323846
#define PLANT_GRAVITY_MPS2 9.81
#define PLANT_RADPS_PER_RPM (PLANT_PI / 30.0)
#define PLANT_RPM_PER_RADPS (30.0 / PLANT_PI)
#define PLANT_KELVIN_AT_0_DEGC 273.15

static inline double plant_min(double a, double b)
{
    return (a < b) ? a : b;
}

static inline double plant_max(double a, double b)
{
    return (a > b) ? a : b;
}

static inline double plant_clamp(double value, double low, double high)
{
    return plant_min(plant_max(value, low), high);
}

static inline double plant_abs(double value)
{
    return (value < 0.0) ? -value : value;
}

static inline double plant_sign(double value)
{
    return (value > 0.0) ? 1.0 : ((value < 0.0) ? -1.0 : 0.0);
}

static inline double plant_sqrt(double value)
{
    return __builtin_sqrt(plant_max(value, 0.0));
}

/* 0 up to `start`, 1 from `end` on, a straight line between; start < end. */
static inline double plant_fraction(double value, double start, double end)
{
    return plant_clamp((value - start) / (end - start), 0.0, 1.0);
}

/* A first-order lag over one step, never past its goal. */
static inline double plant_lag(double value, double goal, double dt_s, double lag_s)
{
    return value + ((goal - value) * plant_min(dt_s / lag_s, 1.0));
}

/* The floor of a number within the range of an integer. */
static inline double plant_floor(double value)
{
    const double whole = (double)(int64_t)value;

    return (whole > value) ? (whole - 1.0) : whole;
}

/* The nearest whole number within 2^51: beyond 1.5 times 2^52 a double has no room for a fraction. */
static inline double plant_round(double value)
{
    return (value + 6755399441055744.0) - 6755399441055744.0;
}

/* Two numbers at once, left and right of an axle: the same operations, and so the same bytes, as one after the other. */
typedef double  plant_pair_t __attribute__((vector_size(16)));
typedef int64_t plant_mask_t __attribute__((vector_size(16)));

static inline plant_pair_t plant_pair(double left, double right)
{
    return (plant_pair_t){left, right};
}

static inline plant_pair_t plant_pair_at(const double *left)
{
    plant_pair_t pair;

    memcpy(&pair, left, sizeof(pair));
    return pair;
}

static inline void plant_pair_put(double *left, plant_pair_t pair)
{
    memcpy(left, &pair, sizeof(pair));
}

/* `yes` where the mask is set, else `no`. */
static inline plant_pair_t plant_pair_pick(plant_mask_t mask, plant_pair_t yes, plant_pair_t no)
{
    return (plant_pair_t)((mask & (plant_mask_t)yes) | (~mask & (plant_mask_t)no));
}

/* The value where the mask is set, else 0. */
static inline plant_pair_t plant_pair_where(plant_mask_t mask, plant_pair_t value)
{
    return (plant_pair_t)(mask & (plant_mask_t)value);
}

/* Within -most and most. */
static inline plant_pair_t plant_pair_clamp(plant_pair_t value, double most)
{
    const plant_pair_t high = plant_pair(most, most);
    const plant_pair_t low  = plant_pair_pick((plant_mask_t)(value > -high), value, -high);

    return plant_pair_pick((plant_mask_t)(low < high), low, high);
}

static inline plant_pair_t plant_pair_positive(plant_pair_t value)
{
    return plant_pair_where((plant_mask_t)(value > 0.0), value);
}

static inline plant_pair_t plant_pair_abs(plant_pair_t value)
{
    return (plant_pair_t)((plant_mask_t)value & INT64_MAX);
}

/* Hyperbolic tangent by a fraction of polynomials, within 1e-4 everywhere: above and below the line. */
#define PLANT_TANH_END 4.97
#define PLANT_TANH_ABOVE(x, x2) ((x) * (135135.0 + ((x2) * (17325.0 + ((x2) * (378.0 + (x2)))))))
#define PLANT_TANH_BELOW(x2) (135135.0 + ((x2) * (62370.0 + ((x2) * (3150.0 + ((x2) * 28.0))))))

static inline double plant_tanh(double value)
{
    const double x  = plant_clamp(value, -PLANT_TANH_END, PLANT_TANH_END);
    const double x2 = x * x;

    return PLANT_TANH_ABOVE(x, x2) / PLANT_TANH_BELOW(x2);
}

/* Sine and cosine of an angle of a car, within 1e-6 up to 1.2 rad. */
static inline double plant_sin(double angle)
{
    const double a2 = angle * angle;

    return angle *
           (1.0 - (a2 * ((1.0 / 6.0) - (a2 * ((1.0 / 120.0) - (a2 * ((1.0 / 5040.0) - (a2 * (1.0 / 362880.0)))))))));
}

static inline double plant_cos(double angle)
{
    const double a2   = angle * angle;
    const double rest = (1.0 / 720.0) - (a2 * ((1.0 / 40320.0) - (a2 * (1.0 / 3628800.0))));

    return 1.0 - (a2 * (0.5 - (a2 * ((1.0 / 24.0) - (a2 * rest)))));
}

/* 2 to a whole power within the range of a double. */
static inline double plant_two_to(int64_t power)
{
    const uint64_t bits = (uint64_t)(power + 1023) << 52;
    double         value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A polynomial by its coefficients, highest power first. */
static inline double plant_polynomial(const double *factor, uint32_t count, double x)
{
    double value = factor[0];

    for (uint32_t i = 1U; i < count; i++) {
        value = (value * x) + factor[i];
    }
    return value;
}

/* Exponential: to a power of two, then a series; relative error below 1e-12. */
static inline double plant_exp(double value)
{
    static const double series[] = {
        1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0,
        1.0 / 120.0,      1.0 / 24.0,      1.0 / 6.0,      0.5,           1.0,          1.0};
    const double x    = plant_clamp(value, -700.0, 700.0);
    const double twos = plant_floor((x * 1.4426950408889634) + 0.5);
    const double rest = (x - (twos * 0.693147180369123816490)) - (twos * 1.90821492927058770002e-10);

    return plant_polynomial(series, sizeof(series) / sizeof(series[0]), rest) * plant_two_to((int64_t)twos);
}

/* Natural logarithm of a positive number: off the power of two, then the series of the inverse hyperbolic tangent. */
static inline double plant_log(double value)
{
    static const double series[] = {1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0,
                                    1.0 / 7.0,  0.2,        1.0 / 3.0,  1.0};
    uint64_t            bits;
    double              mantissa;

    memcpy(&bits, &value, sizeof(bits));
    const double   twos  = (double)((int64_t)(bits >> 52) - 1023);
    const uint64_t whole = (bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL;

    memcpy(&mantissa, &whole, sizeof(mantissa));

    const double y     = (mantissa - 1.41421356237309515) / (mantissa + 1.41421356237309515);
    const double total = y * plant_polynomial(series, sizeof(series) / sizeof(series[0]), y * y);

    return (2.0 * total) + ((twos + 0.5) * 0.693147180559945309);
}

static inline double plant_pow(double base, double power)
{
    return (base > 0.0) ? plant_exp(power * plant_log(base)) : 0.0;
}

/* A point of a table of increasing x; the ends hold. */
static inline double plant_interpolate(const double *x, const double *y, uint32_t count, double at)
{
    uint32_t i = 1U;

    while ((i < (count - 1U)) && (at > x[i])) {
        i++;
    }
    return y[i - 1U] + ((y[i] - y[i - 1U]) * plant_fraction(at, x[i - 1U], x[i]));
}

/* Random bits: a counter and a mixer (SplitMix64), so that a stream is its seed alone. */
typedef struct {
    uint64_t state;
} plant_random_t;

static inline uint64_t plant_random_bits(plant_random_t *random)
{
    random->state += 0x9E3779B97F4A7C15ULL;

    uint64_t z = random->state;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/* A stream of its own for each user: what one of them draws moves no other. */
static inline plant_random_t plant_random_of(uint64_t seed, uint64_t user)
{
    plant_random_t random = {.state = seed ^ (user * 0xD1342543DE82EF95ULL)};

    random.state = plant_random_bits(&random);
    return random;
}

/* In [0, 1). */
static inline double plant_random_share(plant_random_t *random)
{
    return (double)(plant_random_bits(random) >> 11) * (1.0 / 9007199254740992.0);
}

/* Bell-shaped, mean 0, deviation 1, never beyond 3.5: the sum of four 16-bit numbers. A sensor in good health has
 * noise and no outliers. */
static inline double plant_random_bell(plant_random_t *random)
{
    const uint64_t bits = plant_random_bits(random);
    const double sum = (double)((bits & 0xFFFFU) + ((bits >> 16) & 0xFFFFU) + ((bits >> 32) & 0xFFFFU) + (bits >> 48));

    return (sum - 131070.0) * (1.0 / 37837.22);
}

#endif

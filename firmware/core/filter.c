#include "filter.h"

#define CURVE_POINTS 5U
#define MEAN_FLOW_ms 600000.0f  /* ten minutes: a stage, not a straight */
#define RUNNING_gps 5.0f        /* an engine that idles draws more */
#define GROWTH_WEIGHT 0.3f      /* of the newest stretch of air */
#define LEAST_GROWTH_per_kg 1.0e-6f
#define LONGEST_h 200.0f
#define QUICK_ms 2000.0f
#define S_PER_h 3600.0f
#define g_PER_kg 1000.0f
#define LARGEST_INDEX 1000.0f /* the sensor's range over the least loss of a clean filter is less */
#define LARGEST_AIR_kg 2000.0f
#define LARGEST_FLOW_gps 1000.0f

void filter_init(filter_t *filter, const vcu_calibration_t *cal)
{
    *filter = (filter_t){
        .index         = 1.0f,
        .quick_index   = 1.0f,
        .mean_gps      = cal->filter_mean_flow_gps,
        .mark_index    = 1.0f,
        .growth_per_kg = cal->filter_growth_per_kg,
    };
}

static float clean_loss_kPa(const vcu_calibration_t *cal, float flow_gps)
{
    return numeric_interpolate(cal->filter_clean_flow_gps, cal->filter_clean_loss_kPa, CURVE_POINTS, flow_gps);
}

float filter_loss_kPa(const filter_t *filter, const vcu_calibration_t *cal, float flow_gps)
{
    const float learned = (filter->is_known != 0U) ? filter->index : 0.0f;
    const float worst   = (filter->is_lost != 0U) ? numeric_max(learned, filter->last_index) : learned;

    return numeric_min(worst, cal->filter_absurd_index) * clean_loss_kPa(cal, flow_gps);
}

/* Dust that was caught: from what the index has gained over the air. A filter that was cleaned on the way has gained
 * nothing. */
static void learn_growth(filter_t *filter, const vcu_calibration_t *cal)
{
    if (filter->air_kg >= cal->filter_growth_air_kg) {
        const float gained_per_kg = (filter->index - filter->mark_index) / filter->air_kg; /* at least its minimum */
        const float newest_per_kg = numeric_max(gained_per_kg, LEAST_GROWTH_per_kg);

        filter->growth_per_kg += GROWTH_WEIGHT * (newest_per_kg - filter->growth_per_kg);
        filter->mark_index = filter->index;
        filter->air_kg     = 0.0f;
    }
}

static void look_ahead(filter_t *filter, const vcu_calibration_t *cal)
{
    const float left    = numeric_max(cal->filter_service_index - filter->index, 0.0f);
    const float left_kg = left / numeric_max(filter->growth_per_kg, LEAST_GROWTH_per_kg);
    const float kgph    = (numeric_max(filter->mean_gps, RUNNING_gps) * S_PER_h) / g_PER_kg;

    filter->service_h = numeric_min(left_kg / kgph, LONGEST_h);
    /* Both divisors are 0.5 or more by their ranges. */
    filter->service_L = (filter->service_h * kgph) / (cal->intake_air_fuel_ratio * cal->intake_fuel_density_kgpL);
}

/* The first seconds of a drive decide alone; later ones weigh as much as average_s allows. What fell within seconds is
 * not learned: an index that follows it would hide it. */
static void learn_index(filter_t *filter, const vcu_calibration_t *cal, float sample, float elapsed_s)
{
    const bool is_first = filter->is_known == 0U;

    filter->quick_index = is_first
                              ? sample
                              : numeric_lag(filter->quick_index, sample, elapsed_s * NUMERIC_TICKS_PER_S, QUICK_ms);
    filter->is_bypassed = numeric_flag((filter->quick_index < cal->filter_bypass_index) ||
                                       (filter->quick_index < (filter->index * cal->filter_bypass_ratio)));
    if (is_first) {
        filter->index       = sample;
        filter->mark_index  = sample;
        filter->is_bypassed = numeric_flag(sample < cal->filter_bypass_index);
        filter->is_known    = 1U;
    } else if (filter->is_bypassed == 0U) {
        filter->weight_s = numeric_min(filter->weight_s + elapsed_s, cal->filter_average_s);
        filter->index = numeric_lag(filter->index, sample, elapsed_s, numeric_max(filter->weight_s - elapsed_s, 0.0f));
    } else {
        /* as it was before the loss fell */
    }
}

void filter_keep(const filter_t *filter, filter_keep_t *keep)
{
    *keep =
        (filter_keep_t){.index = filter->index, .growth_per_kg = filter->growth_per_kg, .mean_gps = filter->mean_gps};
}

void filter_recall(filter_t *filter, const vcu_calibration_t *cal, const filter_keep_t *keep)
{
    const bool is_sane = (keep->index >= 0.0f) && (keep->index <= LARGEST_INDEX) &&
                         (keep->growth_per_kg >= LEAST_GROWTH_per_kg) && (keep->growth_per_kg <= LARGEST_INDEX) &&
                         (keep->mean_gps >= 0.0f) && (keep->mean_gps <= LARGEST_FLOW_gps);

    if (is_sane) {
        filter->index         = keep->index;
        filter->quick_index   = keep->index;
        filter->mark_index    = keep->index;
        filter->growth_per_kg = keep->growth_per_kg;
        filter->mean_gps      = keep->mean_gps;
        look_ahead(filter, cal);
    }
}

/* Steady means near the flow at which it settled; every large change begins anew. */
static bool is_settled(filter_t *filter, const vcu_calibration_t *cal, float flow_gps)
{
    const float change_gps = numeric_abs(flow_gps - filter->steady_gps);
    const bool  is_steady  = change_gps <= (filter->steady_gps * cal->filter_steady_ratio);

    if (!is_steady || (flow_gps < cal->filter_min_flow_gps)) {
        filter->steady_gps    = flow_gps;
        filter->settled_ticks = 0U;
    } else {
        filter->settled_ticks = (filter->settled_ticks < (UINT16_MAX - filter->since_ticks))
                                    ? (uint16_t)(filter->settled_ticks + filter->since_ticks)
                                    : UINT16_MAX;
    }
    return filter->settled_ticks >= cal->filter_settle_ms;
}

static void take_sample(filter_t *filter, const vcu_calibration_t *cal, float flow_gps, float loss_kPa)
{
    const float elapsed_s = (float)filter->since_ticks / NUMERIC_TICKS_PER_S;

    if (flow_gps > RUNNING_gps) {
        filter->mean_gps = numeric_lag(filter->mean_gps, flow_gps, (float)filter->since_ticks, MEAN_FLOW_ms);
        filter->air_kg += (flow_gps * elapsed_s) / g_PER_kg;
    }
    const bool is_large = flow_gps >= cal->filter_min_flow_gps;

    /* The curve's loss is at least its minimum, 0.01 kPa. */
    filter->last_index = is_large ? (loss_kPa / clean_loss_kPa(cal, flow_gps)) : filter->last_index;
    if (is_settled(filter, cal, flow_gps)) {
        learn_index(filter, cal, filter->last_index, elapsed_s);
        learn_growth(filter, cal);
        look_ahead(filter, cal);
    }
}

/* A memory out of its range, or no number, starts anew. */
static void mend(filter_t *filter, const vcu_calibration_t *cal)
{
    const bool  is_index = (filter->index >= 0.0f) && (filter->index <= LARGEST_INDEX) &&
                           (filter->quick_index >= 0.0f) && (filter->quick_index <= LARGEST_INDEX);
    const bool  is_air = (filter->air_kg >= 0.0f) && (filter->air_kg <= LARGEST_AIR_kg) && (filter->mean_gps >= 0.0f) &&
                         (filter->mean_gps <= LARGEST_FLOW_gps);
    const float others = filter->weight_s + filter->steady_gps + filter->mark_index + filter->growth_per_kg +
                         filter->last_index + filter->service_L + filter->service_h;

    if (!is_index || !is_air || !numeric_is_finite(others)) {
        filter_init(filter, cal);
    }
}

void filter_tick(filter_t *filter, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *flow_gps = &inputs->mass_air_flow_gps;
    const signal_t *loss_kPa = &inputs->filter_dp_kPa;

    mend(filter, cal);
    filter->since_ticks = raster_count_u16(filter->since_ticks);
    filter->is_lost     = numeric_flag(!signal_is_usable(flow_gps) || !signal_is_usable(loss_kPa));
    if (filter->is_lost != 0U) {
        filter->settled_ticks = 0U;
        filter->since_ticks   = 0U; /* what nobody measured was not breathed */
    } else if (inputs_is_recent(inputs, INPUTS_GROUP_AIR_PATH)) {
        take_sample(filter, cal, flow_gps->value, loss_kPa->value);
        filter->since_ticks = 0U;
    } else {
        /* between two samples */
    }
}

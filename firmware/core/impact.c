#include "impact.h"

#include "numeric.h"

#define FASTEST_mps 12.0f /* no damper moves faster: the sensor jumped */

void impact_init(impact_t *impact)
{
    *impact = (impact_t){.open_ticks = 0U};
}

void impact_keep(const impact_t *impact, impact_keep_t *keep)
{
    *keep = impact->counts;
}

void impact_recall(impact_t *impact, const impact_keep_t *keep)
{
    impact->counts = *keep;
}

/* The lower of two neighbours: what one sample alone shows is no impact. */
static float lasting_force2(impact_t *impact, const inputs_t *inputs, bool is_frozen)
{
    const float x     = inputs->specific_force_x_mps2.value;
    const float y     = inputs->specific_force_y_mps2.value;
    const float z     = inputs->specific_force_z_mps2.value;
    const float now   = is_frozen ? 0.0f : ((x * x) + (y * y) + (z * z));
    const float lower = numeric_min(impact->sample2_m2ps4, now);

    impact->sample2_m2ps4 = now;
    return lower;
}

static bool observe_force(impact_t *impact, const vcu_calibration_t *cal, const inputs_t *inputs, bool is_frozen)
{
    const bool is_new = signal_is_new(&inputs->specific_force_x_mps2) &&
                        signal_is_new(&inputs->specific_force_y_mps2) && signal_is_new(&inputs->specific_force_z_mps2);
    bool       is_hit = false;

    if (is_new) {
        const float bound_mps2 = cal->impact_force_mps2[0];
        const float force2     = lasting_force2(impact, inputs, is_frozen);

        is_hit = force2 >= (bound_mps2 * bound_mps2);
        if (is_hit) {
            impact->peak2_m2ps4 = numeric_max(impact->peak2_m2ps4, force2);
        }
    } else if (!signal_is_usable(&inputs->specific_force_z_mps2)) {
        impact->sample2_m2ps4 = 0.0f; /* what comes after a gap has no neighbour */
    } else {
        /* between samples */
    }
    return is_hit;
}

/* The second sample at the stop confirms the first. */
static bool observe_corner(impact_t *impact, const vcu_calibration_t *cal, const flight_corner_t *corner, uint32_t i)
{
    const uint8_t bit       = (uint8_t)(1U << i);
    const bool    is_above  = (corner->is_usable != 0U) && (corner->travel_mm > cal->impact_bottom_mm[i / 2U]);
    const bool    was_above = (impact->above_mask & bit) != 0U;
    bool          is_hit    = false;

    if (!is_above) {
        impact->above_mask   = (uint8_t)(impact->above_mask & ~bit);
        impact->entry_mps[i] = 0.0f;
    } else if (!was_above) {
        impact->above_mask   = (uint8_t)(impact->above_mask | bit);
        impact->entry_mps[i] = numeric_clamp(-corner->rate_mps, 0.0f, 2.0f * FASTEST_mps);
    } else {
        const float entry_mps = impact->entry_mps[i];

        is_hit               = (entry_mps >= cal->impact_bottom_mps[0]) && (entry_mps <= FASTEST_mps);
        impact->entry_mps[i] = 0.0f; /* told once */
        if (is_hit) {
            impact->corner_mask = (uint8_t)(impact->corner_mask | bit);
            impact->bottom_mps  = numeric_max(impact->bottom_mps, entry_mps);
        }
    }
    return is_hit;
}

static bool observe_dampers(impact_t *impact, const vcu_calibration_t *cal, const inputs_t *inputs,
                            const flight_evidence_t *evidence)
{
    bool is_hit = false;

    if (inputs->age_ticks[INPUTS_GROUP_DAMPER] == 0U) {
        for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
            is_hit = observe_corner(impact, cal, &evidence->corner[i], i) || is_hit;
        }
    }
    return is_hit;
}

static impact_severity_t severity_of(float value, const float *bounds)
{
    impact_severity_t severity = IMPACT_SEVERITY_LIGHT;

    if (value >= bounds[2]) {
        severity = IMPACT_SEVERITY_SEVERE;
    } else if (value >= bounds[1]) {
        severity = IMPACT_SEVERITY_HARD;
    } else {
        /* light */
    }
    return severity;
}

static void write_down(impact_t *impact, const vcu_calibration_t *cal)
{
    const float             peak_mps2 = __builtin_sqrtf(numeric_clamp(impact->peak2_m2ps4, 0.0f, 1.0e6f));
    const impact_severity_t by_force  = severity_of(peak_mps2, cal->impact_force_mps2);
    const impact_severity_t by_damper = severity_of(impact->bottom_mps, cal->impact_bottom_mps);
    const uint32_t          kind      = (impact->is_landing != 0U) ? IMPACT_KIND_LANDING : IMPACT_KIND_HIT;
    const uint32_t          severity  = (by_damper > by_force) ? by_damper : by_force;
    uint16_t               *count     = &impact->counts.count[(kind * (uint32_t)IMPACT_SEVERITY_COUNT) + severity];

    *count = numeric_count_u16(*count);
    for (uint32_t i = 0U; i < FLIGHT_CORNERS; i++) {
        if ((impact->corner_mask & (1U << i)) != 0U) {
            impact->counts.bottomed_count[i] = numeric_count_u16(impact->counts.bottomed_count[i]);
        }
    }
    impact->record = (impact_record_t){
        .peak_mps2   = peak_mps2,
        .bottom_mps  = impact->bottom_mps,
        .number      = (uint16_t)(impact->record.number + 1U),
        .kind        = (uint8_t)kind,
        .severity    = (uint8_t)severity,
        .corner_mask = impact->corner_mask,
        .ago_ms      = impact->open_ticks,
    };
}

/* Quiet again: it counts if it was as short as an impact is. A damper that never came back from its stop, and a force
 * that never came down, are broken sensors. */
static void end(impact_t *impact, const vcu_calibration_t *cal)
{
    const bool is_short = impact->open_ticks <= (cal->impact_max_ms + cal->impact_quiet_ms);

    impact->corner_mask = (uint8_t)(impact->corner_mask & ~impact->above_mask);
    if (impact->corner_mask == 0U) {
        impact->bottom_mps = 0.0f;
    }
    if (is_short && ((impact->peak2_m2ps4 > 0.0f) || (impact->corner_mask != 0U))) {
        write_down(impact, cal);
    }
    impact->peak2_m2ps4 = 0.0f;
    impact->bottom_mps  = 0.0f;
    impact->open_ticks  = 0U;
    impact->quiet_ticks = 0U;
    impact->corner_mask = 0U;
    impact->is_landing  = 0U;
}

void impact_tick(impact_t *impact, const vcu_calibration_t *cal, const inputs_t *inputs, const flight_mode_t *flight)
{
    const flight_evidence_t *evidence  = &flight->evidence;
    const bool               is_frozen = evidence->is_inertial_frozen != 0U;
    const bool               by_force  = observe_force(impact, cal, inputs, is_frozen);
    const bool               by_damper = observe_dampers(impact, cal, inputs, evidence);

    if (by_force || by_damper) {
        impact->open_ticks  = numeric_count_u16(impact->open_ticks);
        impact->quiet_ticks = 0U;
    } else if (impact->open_ticks > 0U) {
        impact->open_ticks  = numeric_count_u16(impact->open_ticks);
        impact->quiet_ticks = numeric_count_u16(impact->quiet_ticks);
    } else {
        impact->peak2_m2ps4 = 0.0f;
        impact->bottom_mps  = 0.0f;
    }
    if (impact->open_ticks > 0U) {
        const bool is_flight = (flight->state != (uint8_t)FLIGHT_MODE_GROUND) &&
                               (flight->state != (uint8_t)FLIGHT_MODE_SUSPECT);

        impact->is_landing = (uint8_t)(impact->is_landing | numeric_flag(is_flight));
        if (impact->quiet_ticks >= cal->impact_quiet_ms) {
            end(impact, cal);
        }
    }
}

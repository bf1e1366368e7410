#include "coolant_peers.h"

#include "codes.h"

#define OUTLET 0U
#define OIL 1U
#define PEERS 2U
#define INLET_PER_OUTLET 1.5f /* estimate: a radiator that gives away a third of what comes above the air */
#define NOTHING_LOW_degC 1000.0f
#define NOTHING_HIGH_degC (-1000.0f)

static void forget_peers(coolant_peers_t *peers)
{
    peers->frozen_ticks = 0U;
    for (uint32_t i = 0U; i < PEERS; i++) {
        peers->low_degC[i]  = NOTHING_LOW_degC;
        peers->high_degC[i] = NOTHING_HIGH_degC;
    }
}

void coolant_peers_init(coolant_peers_t *peers)
{
    *peers = (coolant_peers_t){.verdict = (uint8_t)COOLANT_PEERS_AGREE};
    forget_peers(peers);
}

static bool has_changed(const coolant_peers_t *peers, float sample_degC)
{
    return (sample_degC < peers->coolant_degC) || (sample_degC > peers->coolant_degC);
}

static void watch_peer(coolant_peers_t *peers, uint32_t index, const signal_t *peer_degC)
{
    if (signal_is_usable(peer_degC)) {
        /* Bounded, so that a broken memory stays a number; the next change of the coolant clears it. */
        peers->low_degC[index] = numeric_clamp(numeric_min(peers->low_degC[index], peer_degC->value), NOTHING_HIGH_degC,
                                               NOTHING_LOW_degC);
        peers->high_degC[index] = numeric_clamp(numeric_max(peers->high_degC[index], peer_degC->value),
                                                NOTHING_HIGH_degC, NOTHING_LOW_degC);
    } else {
        peers->low_degC[index]  = NOTHING_LOW_degC; /* who is silent has not moved */
        peers->high_degC[index] = NOTHING_HIGH_degC;
    }
}

static bool has_peer_moved(const coolant_peers_t *peers, const vcu_calibration_t *cal)
{
    bool has_moved = false;

    for (uint32_t i = 0U; i < PEERS; i++) {
        has_moved = has_moved || ((peers->high_degC[i] - peers->low_degC[i]) >= cal->coolant_peers_moved_K);
    }
    return has_moved;
}

static bool is_frozen(coolant_peers_t *peers, const vcu_calibration_t *cal, const inputs_t *inputs, float sample_degC)
{
    if (has_changed(peers, sample_degC)) {
        forget_peers(peers);
    }
    peers->frozen_ticks = raster_count_u32(peers->frozen_ticks);
    watch_peer(peers, OUTLET, &inputs->coolant_out_degC);
    watch_peer(peers, OIL, &inputs->engine_oil_degC);
    return (peers->frozen_ticks >= cal->coolant_peers_frozen_ms) && has_peer_moved(peers, cal);
}

/* A radiator warms nothing, and what warms its outlet has warmed its inlet more: the air takes its share of each kelvin. */
static float hidden_K(const coolant_peers_t *peers, const signal_t *outlet_degC, float sample_degC)
{
    float hidden = 0.0f;

    if (signal_is_usable(outlet_degC)) {
        hidden = numeric_max(outlet_degC->value - sample_degC,
                             (outlet_degC->value - peers->low_degC[OUTLET]) * INLET_PER_OUTLET);
    }
    return numeric_max(hidden, 0.0f);
}

/* After a stop the block soaks and the radiator does not: nothing flows, and the rules of flow say nothing. */
static bool is_flowing(const inputs_t *inputs)
{
    return signal_is_usable(&inputs->engine_status) && !signal_shows(&inputs->engine_status, ENGINE_STOPPED);
}

void coolant_peers_tick(coolant_peers_t *peers, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *coolant = &inputs->coolant_in_degC;
    const signal_t *outlet  = &inputs->coolant_out_degC;
    const signal_t *oil     = &inputs->engine_oil_degC;

    if (!signal_is_usable(coolant) || !is_flowing(inputs)) {
        coolant_peers_init(peers);
    } else {
        const float degC       = coolant->value;
        const bool  is_outlet  = signal_is_usable(outlet) && (outlet->value > (degC + cal->coolant_peers_outlet_K));
        const bool  is_oil     = signal_is_usable(oil) && (oil->value > (degC + cal->coolant_peers_oil_K));
        const bool  is_stopped = is_frozen(peers, cal, inputs, degC);

        peers->outlet_ticks = raster_held_u16(peers->outlet_ticks, is_outlet);
        peers->oil_ticks    = raster_held_u16(peers->oil_ticks, is_oil);
        peers->coolant_degC = degC;
        peers->hidden_K     = hidden_K(peers, outlet, degC);
        if (peers->outlet_ticks >= cal->coolant_peers_dwell_ms) {
            peers->verdict = (uint8_t)COOLANT_PEERS_OUTLET;
        } else if (peers->oil_ticks >= cal->coolant_peers_dwell_ms) {
            peers->verdict = (uint8_t)COOLANT_PEERS_OIL;
        } else {
            peers->verdict = (uint8_t)(is_stopped ? COOLANT_PEERS_FROZEN : COOLANT_PEERS_AGREE);
        }
    }
}

#include "vcu_keep.h"

#include "digest.h"

#include <stddef.h>

static uint32_t digest_of(const vcu_keep_t *keep)
{
    return digest_words(DIGEST_SEED, keep, offsetof(vcu_keep_t, digest));
}

void vcu_keep(const vcu_t *vcu, vcu_keep_t *keep)
{
    const control_t *control = &vcu->control;

    *keep = (vcu_keep_t){
        .layout               = VCU_KEEP_LAYOUT,
        .car_number           = vcu->calibration.car_number,
        .fault                = control->fault_memory.keep,
        .radiator_clean_ratio = control->radiator.clean_ratio,
    };
    fuel_keep(&control->fuel, &keep->fuel);
    impact_keep(&control->impact, &keep->impact);
    filter_keep(&control->filter, &keep->filter);
    flight_evidence_keep(&control->flight_mode.evidence, &vcu->calibration, keep->ride_height_mm);
    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        keep->fan_run_ticks[i] = control->cooling.fans.fan[i].run_ticks;
    }
    keep->digest = digest_of(keep);
}

bool vcu_keep_is_whole(const vcu_keep_t *keep)
{
    return (keep->layout == VCU_KEEP_LAYOUT) && (keep->digest == digest_of(keep));
}

bool vcu_recall(vcu_t *vcu, const vcu_keep_t *keep)
{
    control_t *control = &vcu->control;
    const bool is_ours = vcu_keep_is_whole(keep) && (keep->car_number == vcu->calibration.car_number);

    if (is_ours) {
        fault_memory_recall(&control->fault_memory, &keep->fault);
        fuel_recall(&control->fuel, &vcu->calibration, &keep->fuel);
        impact_recall(&control->impact, &keep->impact);
        filter_recall(&control->filter, &vcu->calibration, &keep->filter);
        radiator_recall(&control->radiator, keep->radiator_clean_ratio);
        flight_evidence_recall(&control->flight_mode.evidence, &vcu->calibration, keep->ride_height_mm);
        for (uint32_t i = 0U; i < FAN_COUNT; i++) {
            control->cooling.fans.fan[i].run_ticks = keep->fan_run_ticks[i];
        }
    }
    return is_ours;
}

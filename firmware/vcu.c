#include "vcu.h"

#include "digest.h"

#include <stddef.h>

void vcu_init(vcu_t *vcu, const vcu_calibration_t *calibration)
{
    const bool is_safe = calibration_is_safe(calibration);

    vcu->calibration      = is_safe ? *calibration : calibration_default;
    vcu->calibration_hash = calibration_hash(&vcu->calibration);
    vcu->tick_count       = 0U;
    bus_init(&vcu->bus);
    control_init(&vcu->control, &vcu->calibration, !is_safe);
}

void vcu_receive(vcu_t *vcu, const can_frame_t *frame)
{
    const bus_result_t result = bus_receive(&vcu->bus, &vcu->control.inputs, frame);

    if ((result == BUS_RESULT_LENGTH) || (result == BUS_RESULT_CRC)) {
        vcu->control.has_bus_error = 1U;
    }
}

void vcu_tick(vcu_t *vcu)
{
    control_tick(&vcu->control, &vcu->calibration);
    bus_schedule(&vcu->bus);
    vcu->tick_count++;
}

bool vcu_transmit(vcu_t *vcu, can_frame_t *frame)
{
    return bus_fetch(&vcu->bus, &vcu->control, vcu->calibration_hash, frame);
}

uint32_t vcu_digest(const vcu_t *vcu)
{
    const size_t start = offsetof(vcu_t, calibration_hash);

    return digest_words(DIGEST_SEED, (const unsigned char *)vcu + start, sizeof(*vcu) - start);
}

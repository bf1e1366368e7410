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
    const bool has_frame  = bus_fetch(&vcu->bus, &vcu->control, vcu->calibration_hash, frame);
    float      granted_Nm = 0.0f;
    bool       is_cut     = false;

    /* Level 2 judges what is on the wire, not what was meant. */
    if (has_frame && bus_read_torque(frame, &granted_Nm, &is_cut)) {
        monitor_hear_sent(&vcu->control.monitor, granted_Nm, is_cut, vcu->control.torque.is_cut != 0U);
    }
    return has_frame;
}

bool vcu_is_well(const vcu_t *vcu)
{
    return vcu->control.monitor.is_flow_right != 0U;
}

uint32_t vcu_digest(const vcu_t *vcu)
{
    const size_t start = offsetof(vcu_t, calibration_hash);

    return digest_words(DIGEST_SEED, (const unsigned char *)vcu + start, sizeof(*vcu) - start);
}

/* fuzz_receive.c - any frames at any time.
 *
 * Records of 12 bytes: what and when, length and flags, identifier (2), data (8). The first byte, low nibble: which
 * message of the vehicle bus, 8 bytes long unless the identifier begins with a set bit; 15, the identifier as it stands. Bit 4: counter and CRC are put right, so that what the
 * fuzzer makes up reaches the control behind the guard of the bus. Upper bits: 0 to 7 ticks pass, times 3 when all are
 * set.
 *
 * What must hold, beside what the sanitizers watch: torque is a number and never above demand; a tick sends each message
 * at most once; the same frames give the same digest.
 */
#include "bus_codec.h"
#include "calibration.h"
#include "numeric.h"
#include "vcu.h"

#include <stddef.h>
#include <stdint.h>

#define RECORD_BYTES 12U
#define PAYLOAD 4U
#define ANY_ID 15U
#define COUNTER_BYTE 6U
#define CRC_BYTE 7U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static const uint16_t ids[ANY_ID] = {
    BUS_CODEC_INERTIAL_ACCEL_FRAME_ID, BUS_CODEC_INERTIAL_RATE_FRAME_ID,  BUS_CODEC_DAMPER_TRAVEL_FRAME_ID,
    BUS_CODEC_WHEEL_SPEEDS_FRAME_ID,   BUS_CODEC_ENGINE_STATE_FRAME_ID,   BUS_CODEC_GEARBOX_STATE_FRAME_ID,
    BUS_CODEC_DRIVER_DEMAND_FRAME_ID,  BUS_CODEC_VEHICLE_MOTION_FRAME_ID, BUS_CODEC_AIR_PATH_FRAME_ID,
    BUS_CODEC_THERMAL_STATE_FRAME_ID,  BUS_CODEC_FAN_FEEDBACK_FRAME_ID,   BUS_CODEC_FUEL_SENDERS_FRAME_ID,
    BUS_CODEC_AMBIENT_STATE_FRAME_ID,  BUS_CODEC_TORQUE_COMMAND_FRAME_ID, BUS_CODEC_SYNC_FRAME_ID,
};

static can_frame_t frame_of(const uint8_t *record, uint8_t counter)
{
    const uint32_t choice         = record[0] & 15U;
    const bool     has_any_length = (choice == ANY_ID) || (record[2] >= 128U);
    can_frame_t    frame          = {
        .id     = (choice == ANY_ID) ? ((uint32_t)record[2] | ((uint32_t)record[3] << 8)) : ids[choice],
        .length = (uint8_t)(has_any_length ? (record[1] & 15U) : 8U),
        .flags  = (uint8_t)((choice == ANY_ID) ? (record[1] >> 4) : 0U),
    };

    for (uint32_t i = 0U; i < 8U; i++) {
        frame.data[i] = record[PAYLOAD + i];
    }
    if ((record[0] & 16U) != 0U) {
        frame.data[COUNTER_BYTE] = (uint8_t)((frame.data[COUNTER_BYTE] & 15U) | ((uint32_t)counter << 4));
        frame.data[CRC_BYTE]     = bus_crc(frame.data, CRC_BYTE, frame.id);
    }
    return frame;
}

static void tick(vcu_t *vcu)
{
    can_frame_t frame;
    uint32_t    sent = 0U;

    vcu_tick(vcu);
    while (vcu_transmit(vcu, &frame)) {
        sent++;
        must(sent <= (uint32_t)BUS_SENT_COUNT);
        must((frame.length == 8U) && (frame.flags == 0U));
    }
    must(numeric_is_finite(vcu->control.torque.demand_Nm));
    must(numeric_is_finite(vcu->control.torque.granted_Nm));
    must(vcu->control.torque.granted_Nm <= vcu->control.torque.demand_Nm);
}

static uint32_t run(const uint8_t *data, size_t size)
{
    vcu_t   vcu;
    uint8_t counter[ANY_ID + 1U] = {0U};

    vcu_init(&vcu, &calibration_default);
    for (size_t i = 0U; (i + RECORD_BYTES) <= size; i += RECORD_BYTES) {
        const uint8_t    *record = &data[i];
        const uint32_t    choice = record[0] & 15U;
        const uint32_t    wait   = (uint32_t)record[0] >> 5;
        const can_frame_t frame  = frame_of(record, counter[choice]);

        counter[choice] = (uint8_t)((counter[choice] + 1U) & 15U);
        vcu_receive(&vcu, &frame);
        for (uint32_t n = 0U; n < ((wait == 7U) ? 21U : wait); n++) {
            tick(&vcu);
        }
    }
    return vcu_digest(&vcu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    must(run(data, size) == run(data, size));
    return 0;
}

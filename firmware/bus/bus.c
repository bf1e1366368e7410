#include "bus.h"

void bus_init(bus_t *bus)
{
    *bus = (bus_t){.pending_mask = 0U};
    for (uint32_t i = 0U; i < (uint32_t)BUS_RECEIVED; i++) {
        bus->last_counter[i] = BUS_COUNTER_UNKNOWN;
    }
    bus_init_schedule(bus);
}

/* One step of four bits: a table of 16 bytes instead of 256. */
static uint8_t crc_nibble(uint8_t crc, uint32_t nibble)
{
    static const uint8_t table[16] = {0x00U, 0x1DU, 0x3AU, 0x27U, 0x74U, 0x69U, 0x4EU, 0x53U,
                                      0xE8U, 0xF5U, 0xD2U, 0xCFU, 0x9CU, 0x81U, 0xA6U, 0xBBU};
    const uint32_t       index     = (((uint32_t)crc >> 4) ^ nibble) & 15U;

    return (uint8_t)(((uint32_t)crc << 4) ^ table[index]);
}

static uint8_t crc_byte(uint8_t crc, uint32_t byte)
{
    return crc_nibble(crc_nibble(crc, byte >> 4), byte & 15U);
}

uint8_t bus_crc(const uint8_t *bytes, uint32_t length, uint32_t id)
{
    uint8_t crc = 0xFFU;

    for (uint32_t i = 0U; i < length; i++) {
        crc = crc_byte(crc, bytes[i]);
    }
    crc = crc_byte(crc, id & 0xFFU);
    crc = crc_byte(crc, (id >> 8) & 0xFFU);
    return (uint8_t)(crc ^ 0xFFU);
}

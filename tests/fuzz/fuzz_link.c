/* fuzz_link.c - any bytes on the serial line, any pace of timer and port.
 *
 * The first byte sets the pace: low nibble, a millisecond passes every so many bytes (0: never); high nibble, the port
 * sends that many bytes a byte received (0: all that wait). The others are what comes over the line.
 *
 * What must hold, beside what the sanitizers watch: a byte that completes no frame and closes no channel leaves the unit
 * as it is; what goes to the host is whole lines of ASCII; nothing is lost that is not counted; after the noise, two CR
 * and a V are answered.
 */
#include "calibration.h"
#include "link.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RING_BYTES 256U
#define CR 0x0DU
#define BEL 0x07U

typedef struct {
    link_t    link;
    session_t session;
    ring_t    from_host;
    ring_t    to_host;
    uint8_t   from_host_bytes[RING_BYTES];
    uint8_t   to_host_bytes[RING_BYTES];
    uint32_t  line_length; /* of the line that goes to the host */
} machine_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void start(machine_t *machine)
{
    link_init(&machine->link, 0x1234U);
    session_init(&machine->session, &calibration_default, (const vcu_keep_t *)0);
    ring_init(&machine->from_host, machine->from_host_bytes, RING_BYTES);
    ring_init(&machine->to_host, machine->to_host_bytes, RING_BYTES);
    machine->line_length = 0U;
}

static void hear(machine_t *machine, uint8_t byte)
{
    machine->line_length++;
    must((byte == CR) || (byte == BEL) || ((byte >= (uint8_t)'0') && (byte <= (uint8_t)'z')));
    must(machine->line_length <= SLCAN_LINE_MAX);
    if ((byte == CR) || (byte == BEL)) {
        machine->line_length = 0U;
    }
}

static void send(machine_t *machine, uint32_t most)
{
    uint8_t  byte = 0U;
    uint32_t sent = 0U;

    while (((most == 0U) || (sent < most)) && ring_get(&machine->to_host, &byte)) {
        hear(machine, byte);
        sent++;
    }
}

static void receive(machine_t *machine, uint8_t byte)
{
    const vcu_t    unit     = machine->session.vcu;
    const uint32_t frames   = machine->link.slcan.frame_count;
    const bool     is_open  = slcan_is_open(&machine->link.slcan);
    const bool     is_alone = ring_used_bytes(&machine->from_host) == 0U;

    (void)ring_put(&machine->from_host, &byte, 1U);
    link_pump(&machine->link, &machine->session, &machine->from_host, &machine->to_host);
    if (is_alone && (machine->link.slcan.frame_count == frames) && (slcan_is_open(&machine->link.slcan) == is_open)) {
        must(memcmp(&machine->session.vcu, &unit, sizeof(unit)) == 0);
    }
    must(ring_dropped_count(&machine->to_host) == 0U);
}

/* Everything is read, and somebody asks who is there. */
static void ask(machine_t *machine)
{
    static const uint8_t question[] = {CR, CR, 'V', CR};
    static const uint8_t answer[]   = {'V', '1', '0', '1', '3', CR};
    uint8_t              last[sizeof(answer)];
    uint8_t              byte  = 0U;
    uint32_t             count = 0U;

    do {
        send(machine, 0U);
        link_pump(&machine->link, &machine->session, &machine->from_host, &machine->to_host);
    } while ((ring_used_bytes(&machine->to_host) > 0U) || (ring_used_bytes(&machine->from_host) > 0U));
    (void)ring_put(&machine->from_host, question, sizeof(question));
    link_pump(&machine->link, &machine->session, &machine->from_host, &machine->to_host);
    while (ring_get(&machine->to_host, &byte)) {
        last[count % sizeof(answer)] = byte;
        count++;
    }
    must(count >= sizeof(answer));
    for (uint32_t i = 0U; i < sizeof(answer); i++) {
        must(last[(count + i) % sizeof(answer)] == answer[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    machine_t machine = {.line_length = 0U};

    start(&machine);
    if (size > 0U) {
        const uint32_t every = data[0] & 15U;

        for (size_t i = 1U; i < size; i++) {
            receive(&machine, data[i]);
            if ((every != 0U) && ((i % every) == 0U)) {
                session_timer(&machine.session);
            }
            send(&machine, (uint32_t)data[0] >> 4);
        }
    }
    ask(&machine);
    return 0;
}

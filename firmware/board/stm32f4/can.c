#include "can.h"

#include "clock.h"
#include "numeric.h"
#include "pins.h"
#include "registers.h"
#include "startup.h"

#include <stdatomic.h>

#define PRIORITY 8U
#define MAILBOXES 3U
#define MAILBOX_BYTES 0x10UL
#define LINES 16U    /* frames from the bus that wait; a power of two */
#define WAITING 16U  /* identifiers that wait to be sent */
#define CLOCK_HZ 42000000UL
#define LOOKS 20000U /* leaving a mode takes the controller eleven bits at most */
#define STANDARD_ID 0x7FFUL
#define NO_ID UINT32_MAX

/* 42 MHz / divider / 14 quanta: 1 + 11 + 2, sampled at 86 %; synchronised by one quantum. */
static const uint32_t timing[CAN_RATE_COUNT] = {
    [CAN_RATE_1M]   = 0x001A0002UL,
    [CAN_RATE_500K] = 0x001A0005UL,
};

/* From the interrupt to the superloop; the same memory order as in ring.h. */
static can_frame_t      line[LINES];
static _Atomic uint32_t put_count;
static _Atomic uint32_t taken_count;
static _Atomic uint32_t lost_in_count;

/* From the superloop to the mailboxes. */
static can_frame_t waiting[WAITING];
static uint32_t    waiting_count;
static uint32_t    mailbox_id[MAILBOXES]; /* NO_ID: free */

static bool     is_running;
static bool     is_bus_off;
static uint32_t bus_off_ms;
static uint32_t bus_off_count;
static uint32_t lost_out_count;

/* ---- joining the bus */

/* Banks of four identifiers, data frames only; places that are left over repeat the last one. */
static void set_filters(const uint16_t *ids, uint32_t count)
{
    const uint32_t banks = (count + 3U) / 4U;
    const uint32_t mask  = (1UL << banks) - 1U;

    registers_write(CAN_FMR, registers_read(CAN_FMR) | CAN_FMR_FINIT);
    registers_write(CAN_FA1R, 0U);
    registers_keep(CAN_FM1R, mask, mask);  /* lists, not masks */
    registers_keep(CAN_FS1R, mask, 0U);    /* of 16 bits */
    registers_keep(CAN_FFA1R, mask, 0U);   /* into FIFO 0 */
    for (uint32_t word = 0U; word < (2U * banks); word++) {
        const uint32_t low  = ids[((2U * word) < count) ? (2U * word) : (count - 1U)];
        const uint32_t high = ids[((2U * word) + 1U < count) ? ((2U * word) + 1U) : (count - 1U)];

        registers_keep(CAN_F0R1 + (4U * word), UINT32_MAX, (low << 5) | (high << 21));
    }
    registers_write(CAN_FMR, registers_read(CAN_FMR) & ~CAN_FMR_FINIT);
    registers_keep(CAN_FA1R, mask, mask);
}

static bool enter_setup(void)
{
    registers_write(CAN_MCR, CAN_MCR_INRQ); /* and awake; every other choice of this register is 0 */
    return registers_wait(CAN_MSR, CAN_MSR_INAK, CAN_MSR_INAK, LOOKS);
}

static void forget_mailboxes(void)
{
    for (uint32_t i = 0U; i < MAILBOXES; i++) {
        mailbox_id[i] = NO_ID;
    }
}

bool can_init(can_rate_t rate, const uint16_t *ids, uint32_t count)
{
    forget_mailboxes();
    if ((clock_apb1_hz() == CLOCK_HZ) && (count > 0U) && (count <= CAN_ACCEPTED_MAX)) {
        registers_keep(RCC_APB1ENR, RCC_APB1ENR_CAN1EN, RCC_APB1ENR_CAN1EN);
        pins_assign(GPIOB, 8U, PINS_FUNCTION_CAN);
        pins_assign(GPIOB, 9U, PINS_FUNCTION_CAN);
        is_running = enter_setup();
    }
    if (is_running) {
        registers_keep(CAN_BTR, 0xC37F03FFUL, timing[rate]);
        set_filters(ids, count);
        registers_keep(CAN_IER, UINT32_MAX, CAN_IER_FMPIE0);
        registers_enable_interrupt(IRQ_CAN1_RX0, PRIORITY);
        registers_write(CAN_MCR, 0U);
        /* It joins when it has seen eleven quiet bits: a bus that is busy, or not there, is no failure of ours. */
        (void)registers_wait(CAN_MSR, CAN_MSR_INAK, 0U, LOOKS);
    }
    return is_running;
}

/* ---- receiving */

static can_frame_t read_frame(void)
{
    const uint32_t id       = registers_read(CAN_RI0R);
    const uint32_t length   = registers_read(CAN_RDT0R) & CAN_DTR_DLC;
    const uint32_t words[2] = {registers_read(CAN_RDL0R), registers_read(CAN_RDH0R)};
    can_frame_t    frame    = {.id = id >> CAN_IR_STID_POS, .length = (uint8_t)((length < 8U) ? length : 8U)};

    if ((id & CAN_IR_IDE) != 0U) {
        frame.id    = id >> CAN_IR_EXID_POS;
        frame.flags = CAN_FRAME_EXTENDED;
    }
    for (uint32_t i = 0U; i < frame.length; i++) {
        frame.data[i] = (uint8_t)((words[i / 4U] >> (8U * (i % 4U))) & 0xFFU);
    }
    return frame;
}

static void take(void)
{
    const uint32_t put = atomic_load_explicit(&put_count, memory_order_relaxed);

    if ((put - atomic_load_explicit(&taken_count, memory_order_acquire)) < LINES) {
        line[put % LINES] = read_frame();
        atomic_store_explicit(&put_count, put + 1U, memory_order_release);
    } else {
        lost_in_count = numeric_count_u32(lost_in_count);
    }
}

void startup_can1_rx0(void)
{
    const uint32_t state = registers_read(CAN_RF0R);

    if ((state & CAN_RF0R_FOVR0) != 0U) {
        lost_in_count = numeric_count_u32(lost_in_count);
        registers_write(CAN_RF0R, CAN_RF0R_FOVR0 | CAN_RF0R_FULL0); /* writing 1 clears */
    }
    if ((state & CAN_RF0R_FMP0) != 0U) {
        take();
        registers_write(CAN_RF0R, CAN_RF0R_RFOM0);
    }
}

bool can_has_received(void)
{
    return atomic_load_explicit(&put_count, memory_order_acquire) !=
           atomic_load_explicit(&taken_count, memory_order_relaxed);
}

bool can_receive(can_frame_t *frame)
{
    const bool has_frame = can_has_received();

    if (has_frame) {
        const uint32_t taken = atomic_load_explicit(&taken_count, memory_order_relaxed);

        *frame = line[taken % LINES];
        atomic_store_explicit(&taken_count, taken + 1U, memory_order_release);
    }
    return has_frame;
}

/* ---- sending */

static uint32_t key_of(const can_frame_t *frame)
{
    return frame->id & STANDARD_ID;
}

/* Where a frame with this identifier waits, or the next free place. */
static uint32_t place_for(const can_frame_t *frame)
{
    uint32_t place = 0U;

    while ((place < waiting_count) && (key_of(&waiting[place]) != key_of(frame))) {
        place++;
    }
    return place;
}

void can_send(const can_frame_t *frame)
{
    const uint32_t place   = place_for(frame);
    const bool     is_open = is_running && !is_bus_off && (place < WAITING);
    const bool     is_new  = place == waiting_count;

    if (is_running && (!is_open || !is_new)) {
        lost_out_count = numeric_count_u32(lost_out_count); /* this frame, or the one that it replaces */
    }
    if (is_open) {
        waiting[place] = *frame;
        waiting_count += is_new ? 1U : 0U;
    }
}

/* The first of the waiting frames whose identifier is in no mailbox; waiting_count when there is none. */
static uint32_t first_to_send(void)
{
    uint32_t best = waiting_count;

    for (uint32_t i = 0U; i < waiting_count; i++) {
        const uint32_t key     = key_of(&waiting[i]);
        const bool     is_held = (key == mailbox_id[0]) || (key == mailbox_id[1]) || (key == mailbox_id[2]);

        if (!is_held && ((best == waiting_count) || (key < key_of(&waiting[best])))) {
            best = i;
        }
    }
    return best;
}

static uint32_t word_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

static void hand_over(uint32_t mailbox, const can_frame_t *frame)
{
    const uint32_t base = CAN_TI0R + (MAILBOX_BYTES * mailbox);
    const uint32_t id   = key_of(frame) << CAN_IR_STID_POS;

    mailbox_id[mailbox] = key_of(frame);
    registers_write(base + 0x4U, frame->length & CAN_DTR_DLC);
    registers_write(base + 0x8U, word_of(&frame->data[0]));
    registers_write(base + 0xCU, word_of(&frame->data[4]));
    registers_write(base, id | CAN_TIR_TXRQ); /* last: from here on it is the controller's */
}

void can_serve(void)
{
    const uint32_t state = is_running ? registers_read(CAN_TSR) : 0U;

    for (uint32_t mailbox = 0U; mailbox < MAILBOXES; mailbox++) {
        if ((state & (CAN_TSR_TME0 << mailbox)) != 0U) {
            mailbox_id[mailbox] = NO_ID;
        }
    }
    for (uint32_t mailbox = 0U; mailbox < MAILBOXES; mailbox++) {
        const uint32_t place = first_to_send();

        if (((state & (CAN_TSR_TME0 << mailbox)) != 0U) && (place < waiting_count)) {
            hand_over(mailbox, &waiting[place]);
            waiting_count--;
            waiting[place] = waiting[waiting_count];
        }
    }
}

/* ---- errors */

static uint32_t pending_mailboxes(void)
{
    uint32_t pending = 0U;

    for (uint32_t i = 0U; i < MAILBOXES; i++) {
        pending += (mailbox_id[i] != NO_ID) ? 1U : 0U;
    }
    return pending;
}

/* What waited is old news by the time the bus is back. */
static void leave_bus(void)
{
    is_bus_off    = true;
    bus_off_ms    = 0U;
    bus_off_count = numeric_count_u32(bus_off_count);
    for (uint32_t left = waiting_count + pending_mailboxes(); left > 0U; left--) {
        lost_out_count = numeric_count_u32(lost_out_count);
    }
    waiting_count = 0U;
    registers_write(CAN_TSR, CAN_TSR_ABRQ0 | (CAN_TSR_ABRQ0 << 8) | (CAN_TSR_ABRQ0 << 16));
    forget_mailboxes();
}

/* Through set-up and out again: the controller then waits for 128 times eleven quiet bits by itself. */
static void come_back(void)
{
    bus_off_ms = 0U;
    if (enter_setup()) {
        registers_write(CAN_MCR, 0U);
    }
}

void can_tick(void)
{
    const bool is_off = is_running && ((registers_read(CAN_ESR) & CAN_ESR_BOFF) != 0U);

    if (!is_off) {
        is_bus_off = false;
    } else if (!is_bus_off) {
        leave_bus();
    } else {
        bus_off_ms++;
        if (bus_off_ms >= CAN_RECOVERY_MS) {
            come_back();
        }
    }
}

bool can_is_running(void)
{
    return is_running;
}

uint32_t can_lost_in_count(void)
{
    return lost_in_count;
}

uint32_t can_lost_out_count(void)
{
    return lost_out_count;
}

uint32_t can_bus_off_count(void)
{
    return bus_off_count;
}

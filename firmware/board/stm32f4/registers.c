#include "registers.h"

#include "numeric.h"

#define KEPT_MAX 48U

typedef struct {
    uint32_t address;
    uint32_t mask;
    uint32_t value;
} kept_t;

typedef struct {
    uint32_t first;
    uint32_t last;
} block_t;

/* What QEMU's STM32F405 and the bench of the CAN driver model well enough to be read back. */
static const block_t emulated[] = {
    {SYST_CSR, SYST_RVR},
    {NVIC_ISER, NVIC_IPR + 0x5CUL},
    {USART1, USART1 + USART_CR1},
    {USART2, USART2 + USART_CR1},
};
#define EMULATED (sizeof(emulated) / sizeof(emulated[0]))

static kept_t   kept[KEPT_MAX];
static uint32_t kept_count;
static uint32_t next;
static uint32_t lost_count;

static bool can_be_read_back(uint32_t address)
{
    bool is_real = registers_chip() != 0U;

    for (uint32_t i = 0U; i < EMULATED; i++) {
        is_real = is_real || ((address >= emulated[i].first) && (address <= emulated[i].last));
    }
    return is_real;
}

/* The place of a setting: its own from before, or a new one. */
static uint32_t place_of(uint32_t address)
{
    uint32_t place = 0U;

    while ((place < kept_count) && (kept[place].address != address)) {
        place++;
    }
    return place;
}

uint32_t registers_chip(void)
{
    return registers_read(DBGMCU_IDCODE);
}

void registers_keep(uint32_t address, uint32_t mask, uint32_t value)
{
    const uint32_t place = place_of(address);

    registers_write(address, (registers_read(address) & ~mask) | value);
    if ((place < KEPT_MAX) && can_be_read_back(address)) {
        if (place == kept_count) {
            kept[place] = (kept_t){.address = address};
            kept_count++;
        }
        kept[place].value = (kept[place].value & ~mask) | value;
        kept[place].mask |= mask;
    }
}

void registers_verify_next(void)
{
    if (kept_count > 0U) {
        const kept_t  *setting = &kept[next];
        const uint32_t found   = registers_read(setting->address);

        if ((found & setting->mask) != setting->value) {
            lost_count = numeric_count_u32(lost_count);
            registers_write(setting->address, (found & ~setting->mask) | setting->value);
        }
        next = (next + 1U) % kept_count;
    }
}

uint32_t registers_lost_count(void)
{
    return lost_count;
}

bool registers_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t looks)
{
    bool is_so = false;

    for (uint32_t i = 0U; (i < looks) && !is_so; i++) {
        is_so = (registers_read(address) & mask) == value;
    }
    return is_so;
}

void registers_enable_interrupt(uint32_t number, uint32_t priority)
{
    const uint32_t shift = 8U * (number % 4U);

    registers_keep(NVIC_IPR + (number & ~3UL), 0xFFUL << shift, (priority & 0xFUL) << (shift + 4U));
    /* Writing 1 enables, writing 0 does nothing, reading tells. */
    registers_keep(NVIC_ISER + (4U * (number / 32U)), 1UL << (number % 32U), 1UL << (number % 32U));
}

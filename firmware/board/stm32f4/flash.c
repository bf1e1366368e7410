#include "flash.h"

#include "registers.h"

#define SLOT_0 0x080C0000UL
#define SLOT_BYTES 0x20000UL
#define SECTOR_0 10UL
#define STAND_IN_SLOT_0 0x20020000UL /* behind the RAM of silicon */
#define STAND_IN_SLOT_BYTES 0x4000UL
#define ERASED 0xFFFFFFFFUL

/* Looks stand still with the processor while code runs from the same flash. The bound is for a controller that
 * hangs. */
#define ERASE_LOOKS 4000000U
#define PROGRAM_LOOKS 10000U

static bool is_stand_in(void)
{
    return registers_chip() == 0U;
}

uintptr_t flash_slot(uint32_t slot)
{
    const uintptr_t first = is_stand_in() ? STAND_IN_SLOT_0 : SLOT_0;

    return first + (slot * flash_slot_bytes());
}

uint32_t flash_slot_bytes(void)
{
    return is_stand_in() ? STAND_IN_SLOT_BYTES : SLOT_BYTES;
}

static bool unlock(void)
{
    if ((registers_read(FLASH_CR) & FLASH_CR_LOCK) != 0U) {
        registers_write(FLASH_KEYR, FLASH_KEYR_KEY1);
        registers_write(FLASH_KEYR, FLASH_KEYR_KEY2);
    }
    registers_write(FLASH_SR, FLASH_SR_ERRORS); /* writing 1 clears */
    return (registers_read(FLASH_CR) & FLASH_CR_LOCK) == 0U;
}

static bool finish(uint32_t looks)
{
    bool is_done = registers_wait(FLASH_SR, FLASH_SR_BSY, 0U, looks);

    is_done = is_done && ((registers_read(FLASH_SR) & FLASH_SR_ERRORS) == 0U);
    registers_write(FLASH_CR, FLASH_CR_LOCK);
    return is_done;
}

/* The data cache still holds what was there before. */
static void forget_cache(void)
{
    const uint32_t setting = registers_read(FLASH_ACR);

    registers_write(FLASH_ACR, setting & ~FLASH_ACR_DCEN);
    registers_write(FLASH_ACR, (setting & ~FLASH_ACR_DCEN) | (1UL << 12));
    registers_write(FLASH_ACR, setting & ~(1UL << 12));
}

static bool erase_sector(uint32_t slot)
{
    const uint32_t command = FLASH_CR_PSIZE_32 | ((SECTOR_0 + slot) << FLASH_CR_SNB_POS) | FLASH_CR_SER;
    bool           is_done = unlock();

    if (is_done) {
        registers_write(FLASH_CR, command);
        registers_write(FLASH_CR, command | FLASH_CR_STRT);
        is_done = finish(ERASE_LOOKS);
        forget_cache();
    }
    return is_done;
}

static bool program_word(uint32_t address, uint32_t word)
{
    bool is_done = unlock();

    if (is_done) {
        registers_write(FLASH_CR, FLASH_CR_PSIZE_32 | FLASH_CR_PG);
        registers_write(address, word);
        is_done = finish(PROGRAM_LOOKS);
        forget_cache();
    }
    return is_done;
}

bool flash_erase(uint32_t slot)
{
    const uint32_t first   = (uint32_t)flash_slot(slot);
    const uint32_t bytes   = flash_slot_bytes();
    bool           is_done = is_stand_in() || erase_sector(slot);

    for (uint32_t byte = 0U; (byte < bytes) && is_stand_in(); byte += 4U) {
        registers_write(first + byte, ERASED);
    }
    for (uint32_t byte = 0U; (byte < bytes) && is_done; byte += 4U) {
        is_done = registers_read(first + byte) == ERASED;
    }
    return is_done;
}

bool flash_program(uint32_t slot, uint32_t index, uint32_t word)
{
    const uint32_t address = (uint32_t)flash_slot(slot) + (4U * index);
    bool           is_done = true;

    if (is_stand_in()) {
        registers_write(address, registers_read(address) & word); /* as flash: bits are cleared, none is set */
    } else {
        is_done = program_word(address, word);
    }
    return is_done && (registers_read(address) == word);
}

#include "flash.h"

#include "registers.h"

#define SECTOR_0 10UL
#define ERASED 0xFFFFFFFFUL

/* Looks stand still with the processor while code runs from the same flash. The bound is for a controller that
 * hangs. */
#define ERASE_LOOKS 4000000U
#define PROGRAM_LOOKS 10000U

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

bool flash_erase(uint32_t slot)
{
    const uint32_t command = FLASH_CR_PSIZE_32 | ((SECTOR_0 + slot) << FLASH_CR_SNB_POS) | FLASH_CR_SER;
    bool           is_done = unlock();

    if (is_done) {
        registers_write(FLASH_CR, command);
        registers_write(FLASH_CR, command | FLASH_CR_STRT);
        is_done = finish(ERASE_LOOKS);
        forget_cache();
    }
    for (uint32_t byte = 0U; (byte < FLASH_SLOT_BYTES) && is_done; byte += 4U) {
        is_done = registers_read(FLASH_SLOT_0 + (slot * FLASH_SLOT_BYTES) + byte) == ERASED;
    }
    return is_done;
}

bool flash_program(uint32_t slot, uint32_t index, uint32_t word)
{
    const uint32_t address = FLASH_SLOT_0 + (slot * FLASH_SLOT_BYTES) + (4U * index);
    bool           is_done = unlock();

    if (is_done) {
        registers_write(FLASH_CR, FLASH_CR_PSIZE_32 | FLASH_CR_PG);
        registers_write(address, word);
        is_done = finish(PROGRAM_LOOKS);
        forget_cache();
    }
    return is_done && (registers_read(address) == word);
}

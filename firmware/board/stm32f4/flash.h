/* flash.h - sectors 10 and 11, the last 256 KiB of the flash: what must outlive power.
 *
 * An emulated chip has no flash controller, and its flash takes no write. It has more RAM than silicon, behind all that
 * the linker knows: two slots there stand in, and outlive a reset as flash does, but not the emulator.
 */
#ifndef FLASH_H
#define FLASH_H

#include <stdbool.h>
#include <stdint.h>

uintptr_t flash_slot(uint32_t slot);
uint32_t  flash_slot_bytes(void);

/* The processor waits while the flash works: 1 to 2 s for a sector, 16 us for a word. */
bool flash_erase(uint32_t slot);

bool flash_program(uint32_t slot, uint32_t index, uint32_t word);

#endif

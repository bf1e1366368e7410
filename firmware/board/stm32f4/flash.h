/* flash.h - sectors 10 and 11, the last 256 KiB of the flash: what must outlive power. */
#ifndef FLASH_H
#define FLASH_H

#include <stdbool.h>
#include <stdint.h>

#define FLASH_SLOT_BYTES 0x20000UL
#define FLASH_SLOT_0 0x080C0000UL

/* The processor waits while the flash works: 1 to 2 s for a sector, 16 us for a word. */
bool flash_erase(uint32_t slot);

bool flash_program(uint32_t slot, uint32_t index, uint32_t word);

#endif

/* memory.h - what a board takes along when power goes: its calibration, what the unit has learned, its last crash. */
#ifndef MEMORY_H
#define MEMORY_H

#include "store.h"
#include "vcu_keep.h"

#include <stdbool.h>
#include <stdint.h>

/* Read what was kept, and make ready to keep more; may take seconds, so before the watchdog is started. The result is
 * the calibration of this unit: the kept set, the built-in one if none was ever kept, and one that vcu_init() refuses
 * if what was kept cannot be trusted: the built-in set then counts, with a fault. It stays where it is; only
 * memory_keep() changes it. */
const vcu_calibration_t *memory_load(void);

/* What the unit had learned when it was last kept; nothing that vcu_recall() would take, if it never was. */
const vcu_keep_t *memory_learned(void);

/* Once a millisecond: what is new is kept as soon as the engine has stood for some seconds. Not while it runs: the flash
 * stops the processor for milliseconds. */
void memory_tick(const vcu_t *vcu);

/* Keep a set that is safe, by its words: if it is written, it is the one of every unit that begins from now on; if not, nothing has
 * changed. The processor stands for some milliseconds, so not while the engine runs. */
store_written_t memory_keep(const uint32_t *words);

store_result_t memory_state(void);    /* what there is of a calibration */
uint32_t       memory_crash_count(void);
bool           memory_has_failed(void); /* the flash did not hold what was to be kept */

#endif

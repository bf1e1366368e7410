/* store.h - a set of words that outlives power, and that power may leave at any moment.
 *
 * Two slots of flash take turns. A slot is a header and the set:
 *
 *   magic, sequence, words in the set, layout of the set, CRC-32 over all that follows the magic but itself; the set
 *
 * Writing takes the slot that does not hold the set in use. It has been erased before (store_prepare()), everything is
 * programmed and read back, and the magic goes last: before that word the old set counts, from it on the new one. An
 * erase never touches the slot in use. So whenever power goes, the next start finds one of the two sets, whole.
 *
 * A set of another layout is somebody else's: it is refused, never read with a wrong meaning.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_HEADER_WORDS 5U

typedef enum {
    STORE_EMPTY = 0, /* nothing was ever written whole */
    STORE_READ,
    STORE_FOREIGN,   /* the newest set is of another layout */
    STORE_BROKEN     /* something was written whole once, and no slot holds up */
} store_result_t;

/* The newest whole set, of exactly this size and layout; `set` is written for STORE_READ only. */
store_result_t store_read(uint32_t *set, uint32_t words, uint32_t layout);

/* Erase the slot that will be written next, unless it is blank. Takes seconds on silicon: for when nothing waits. */
bool store_prepare(void);

/* Write a set into the prepared slot. False: it is not prepared, or the flash does not hold what was written; the set
 * in use is what it was. */
bool store_write(const uint32_t *set, uint32_t words, uint32_t layout);

#endif

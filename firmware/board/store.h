/* store.h - records of words that outlive power, and that power may leave at any moment.
 *
 * A journal in two slots of flash. A record is a header and words, and begins where a multiple of STORE_GRAIN_WORDS is:
 *
 *   magic, sequence, kind and number of words, layout, CRC-32 over all that follows the magic but itself; the words
 *
 * Of each kind the newest whole record counts. A new one is appended where the flash is blank, is read back word by
 * word, and its magic goes last: before that word the old record counts, from it on the new one. A slot that has become
 * half full is left at a start: the record in use of each kind is copied into the other slot, which is erased first.
 * An erase never touches a slot that holds the only copy of a record in use. So whenever power goes, the next start
 * finds of each kind the old record or the new one, whole.
 *
 * A record of another layout is somebody else's: it is refused, never read with a wrong meaning.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_HEADER_WORDS 5U
#define STORE_GRAIN_WORDS 16U

/* What records are of. Their numbers are in every flash: new ones go to the end. */
typedef enum {
    STORE_KIND_CALIBRATION = 0,
    STORE_KIND_LIFE,    /* crashes */
    STORE_KIND_LEARNED, /* vcu_keep_t */
    STORE_KIND_COUNT
} store_kind_t;

typedef enum {
    STORE_EMPTY = 0, /* nothing of this kind was ever written whole */
    STORE_READ,
    STORE_FOREIGN,   /* the newest record of this kind is of another layout */
    STORE_BROKEN     /* there is none, but something that was written whole once does not hold up */
} store_result_t;

typedef enum {
    STORE_WRITTEN = 0,
    STORE_FULL,  /* no room until the next start, which makes some */
    STORE_FAILED /* the flash does not hold what was written; the record in use is what it was */
} store_written_t;

/* At start, before anything else here: find the place for the next record, and make room where there is little. May
 * take seconds on silicon. False: the flash did not do what it was told. */
bool store_prepare(void);

/* The newest whole record of a kind, of exactly this size and layout; `words` are written for STORE_READ only. */
store_result_t store_read(store_kind_t kind, uint32_t *words, uint32_t count, uint32_t layout);

/* Append a record. Takes 16 us a word on silicon, in which the processor waits. */
store_written_t store_write(store_kind_t kind, const uint32_t *words, uint32_t count, uint32_t layout);

#endif

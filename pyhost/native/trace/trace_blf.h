/* trace_blf.h - Vector binary logs: the objects that containers hold, once inflated.
 *
 * Objects run over the borders of containers, so the containers' contents are pushed one behind the other and taken whole:
 * what is cut by a border is kept here, and no byte behind the pushed ones is read. Doubt is damage: there is no second
 * opinion on an object whose frame says `fault`.
 */
#ifndef TRACE_BLF_H
#define TRACE_BLF_H

#include "trace_block.h"

#include <stddef.h>

#define BLF_OTHERS 48U      /* kinds of objects without frames that are told apart */
#define BLF_HELD_BYTES 512U /* as much of an object as any frame needs */

/* Set in the word of an object whose header has a version that is not known: the version is in the other bits. */
#define BLF_OTHER_VERSION UINT64_C(0x100000000)
#define BLF_OTHER_VARIOUS UINT64_C(0x200000000) /* the word of the last row once it counts several kinds */

typedef enum {
    BLF_FAULT_NONE,
    BLF_FAULT_NO_OBJECT,   /* where one should begin */
    BLF_FAULT_OBJECT_SIZE, /* value: bytes that the object has */
    BLF_FAULT_FRAME_SIZE,  /* value: bytes that an object has, too few for its frame */
    BLF_FAULT_LENGTH,      /* value: bytes of data that a frame has */
    BLF_FAULT_CHANNEL,     /* value: its number */
    BLF_FAULT_TIME         /* value: the stamp */
} blf_fault_t;

typedef struct {
    uint64_t word; /* type of the object, or BLF_OTHER_VERSION and the version of its header */
    uint64_t count;
    uint64_t first; /* number of the object, from 1 */
} blf_other_t;

/* All zero is a reader before its first object. */
typedef struct {
    trace_progress_t progress; /* a record is an object */
    uint64_t         value;    /* of the fault */
    uint64_t         skip;     /* bytes of the current object that are still to come, and of no interest */
    uint64_t         skipped;  /* word of an object that is being skipped */
    uint32_t         fault;    /* blf_fault_t */
    uint32_t         held;     /* bytes in `hold` */
    uint32_t         others;   /* rows of `other` in use; when all are, the last one counts all further kinds */
    uint32_t         reserved;
    blf_other_t      other[BLF_OTHERS];
    uint8_t          hold[BLF_HELD_BYTES]; /* beginning of an object that goes on in the next portion */
} trace_blf_t;

size_t trace_blf_read(trace_blf_t *reader, const uint8_t *bytes, size_t size, trace_columns_t *columns);

#endif

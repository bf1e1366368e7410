/* upload.h - a calibration set that comes in frames: collected word by word, judged as a whole, then offered to be kept.
 *
 * The host sends CalibrationLoad and waits for the CalibrationAnswer of each:
 *
 *   Begin   number of words, layout hash: a set of this very firmware, or none
 *   Word    in turn; the last one may be repeated, since an answer may be lost
 *   Keep    hash of the set: it came as it was sent, breaks no range and no rule, and the engine does not run
 *
 * A set that passes is offered to the machine, which keeps it in its flash or says why not. Until then, and whenever
 * anything is refused, the unit runs with the set that it had. With the new one it begins anew.
 */
#ifndef UPLOAD_H
#define UPLOAD_H

#include "can_frame.h"
#include "vcu.h"

#include <stdbool.h>
#include <stdint.h>

/* Codes of LoadCommand and AnswerResult on the bus. */
typedef enum {
    UPLOAD_COMMAND_BEGIN = 0,
    UPLOAD_COMMAND_WORD,
    UPLOAD_COMMAND_KEEP
} upload_command_t;

typedef enum {
    UPLOAD_RESULT_DONE = 0,
    UPLOAD_RESULT_UNKNOWN, /* no such command */
    UPLOAD_RESULT_OTHER_LAYOUT, /* a set of another firmware */
    UPLOAD_RESULT_OUT_OF_TURN,
    UPLOAD_RESULT_DAMAGED, /* not what the host says it sent */
    UPLOAD_RESULT_OUT_OF_RANGE,
    UPLOAD_RESULT_BREAKS_RULE,
    UPLOAD_RESULT_ENGINE_RUNS, /* or may: its message was heard and does not say that it stands */
    UPLOAD_RESULT_NO_ROOM, /* of the flash, until the next start */
    UPLOAD_RESULT_NOT_HELD /* the flash does not hold what was written; the old set counts */
} upload_result_t;

#define UPLOAD_WORDS (sizeof(vcu_calibration_t) / sizeof(uint32_t))

typedef struct {
    union {
        vcu_calibration_t set;
        uint32_t          word[UPLOAD_WORDS];
    };
    uint32_t taken; /* words so far */
    uint16_t index; /* of the frame that is answered */
    uint8_t  command;
    uint8_t  is_begun;
    uint8_t  is_offered; /* the machine has it to judge */
} upload_t;

void upload_init(upload_t *upload);

bool upload_is_load(const can_frame_t *frame);

/* One CalibrationLoad. True: `answer` is to be sent. False: the set passed, and upload_settle() will answer. */
bool upload_receive(upload_t *upload, const can_frame_t *frame, const vcu_t *vcu, bool is_free, can_frame_t *answer);

/* The machine kept the set, or did not; `vcu` is the unit that runs now. */
void upload_settle(upload_t *upload, upload_result_t result, const vcu_t *vcu, can_frame_t *answer);

/* The engine is known to stand. */
bool upload_engine_stands(const vcu_t *vcu);

#endif

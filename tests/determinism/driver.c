/* driver.c - the unit on the command line: `driver FRAMES TICKS DIGESTS`, or `driver overflow`, `driver bounds`.
 *
 * FRAMES holds records of 20 bytes, little-endian: the tick (uint32) and the can_frame_t that comes before it, in order.
 * DIGESTS gets the digest of the state after each tick and, as the last word, the digest of the run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_digest.h"
#include "vcu.h"

typedef struct {
    uint32_t    tick;
    can_frame_t frame;
} record_t;
_Static_assert(sizeof(record_t) == 20U, "record_t: hidden padding");

static uint32_t run(FILE *in, uint32_t ticks, FILE *out)
{
    static vcu_t vcu;
    record_t     record;
    can_frame_t  sent;
    uint32_t     run_digest = DIGEST_SEED;
    bool         has_record = fread(&record, sizeof(record), 1U, in) == 1U;

    vcu_init(&vcu, &calibration_default);
    for (uint32_t tick = 0U; tick < ticks; tick++) {
        while (has_record && (record.tick <= tick)) {
            vcu_receive(&vcu, &record.frame);
            has_record = fread(&record, sizeof(record), 1U, in) == 1U;
        }
        vcu_tick(&vcu);
        while (vcu_transmit(&vcu, &sent)) {
            run_digest = run_digest_frame(run_digest, tick, &sent);
        }

        const uint32_t digest = vcu_digest(&vcu);

        if (run_digest_wants_state(tick)) {
            run_digest = digest_step(run_digest, digest);
        }
        if (fwrite(&digest, sizeof(digest), 1U, out) != 1U) {
            exit(EXIT_FAILURE);
        }
    }
    return run_digest;
}

/* What a sanitizer must find: an overflow, and a read beyond the end. */
static int misbehave(const char *how)
{
    const size_t length = strlen(how);
    char        *heap   = malloc(length);
    int          result = 0;

    if (heap != NULL) {
        memset(heap, 1, length);
        result = (how[0] == 'o') ? ((int)length + 0x7FFFFFFF) : heap[length];
        free(heap);
    }
    return result;
}

int main(int count, char **arguments)
{
    if (count == 2) {
        printf("%d\n", misbehave(arguments[1]));
        return EXIT_SUCCESS;
    }

    FILE *in  = (count == 4) ? fopen(arguments[1], "rb") : NULL;
    FILE *out = (count == 4) ? fopen(arguments[3], "wb") : NULL;

    if ((in == NULL) || (out == NULL)) {
        return EXIT_FAILURE;
    }

    const uint32_t run_digest = run(in, (uint32_t)strtoul(arguments[2], NULL, 10), out);
    const bool     is_written = fwrite(&run_digest, sizeof(run_digest), 1U, out) == 1U;

    return ((fclose(out) == 0) && (fclose(in) == 0) && is_written) ? EXIT_SUCCESS : EXIT_FAILURE;
}

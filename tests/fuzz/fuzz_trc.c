/* fuzz_trc.c - any bytes as a PEAK trace: fuzz_text.h says what must hold. */
#include "trace_trc.h"

#define READER trace_trc_t
#define READ trace_trc_read
#define PREPARE prepare

#include <stdint.h>
#include <string.h>

/* The words of a line, of a version that the first byte chooses. */
static void prepare(trace_trc_t *reader, uint8_t byte)
{
    static const char *const words[] = {"nOILD", "nOdILD", "nOBdI-LD", "NOTIdlD", "NOTBIdRLD", "NOTBIdRlD", "", "NOI"};

    memcpy(reader->word, words[byte & 7U], strlen(words[byte & 7U]));
}

#include "fuzz_text.h"

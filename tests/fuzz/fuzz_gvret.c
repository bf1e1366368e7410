/* fuzz_gvret.c - any bytes as SavvyCAN's comma separated layout: fuzz_text.h says what must hold. */
#include "trace_gvret.h"

#define READER trace_gvret_t
#define READ trace_gvret_read
#define PREPARE(reader, byte) ((reader)->has_direction = (byte) & 1U)

#include "fuzz_text.h"

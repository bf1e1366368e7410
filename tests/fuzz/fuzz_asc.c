/* fuzz_asc.c - any bytes as a Vector ASCII log: fuzz_text.h says what must hold. */
#include "trace_asc.h"

#define READER trace_asc_t
#define READ trace_asc_read

#include "fuzz_text.h"

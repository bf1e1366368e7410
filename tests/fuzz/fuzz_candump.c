/* fuzz_candump.c - any bytes as a candump log: fuzz_text.h says what must hold. */
#include "trace_candump.h"

#define READER trace_candump_t
#define READ trace_candump_read

#include "fuzz_text.h"

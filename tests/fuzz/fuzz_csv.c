/* fuzz_csv.c - any bytes as python-can's comma separated layout: fuzz_text.h says what must hold. */
#include "trace_csv.h"

#define READER trace_csv_t
#define READ trace_csv_read

#include "fuzz_text.h"

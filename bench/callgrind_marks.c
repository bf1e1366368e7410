/* callgrind_marks.c - lets a Python program say from where to where callgrind counts. */
#include <valgrind/callgrind.h>

void count_begin(void);
void count_end(void);

void count_begin(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

/* What was counted goes to the next file: out.1, out.2, ... */
void count_end(void)
{
    CALLGRIND_DUMP_STATS;
    CALLGRIND_STOP_INSTRUMENTATION;
}

# The one home of compiler flags. Host, emulator and board include this file; nothing else names a flag of these kinds.
#
# D7XR_ARITH decides bit-exactness: without -ffp-contract=off a compiler may fuse a*b+c into one rounding, and a
# Cortex-M4F then disagrees with x86-64. -fno-math-errno turns __builtin_sqrtf into one instruction, with no libm symbol.
D7XR_CSTD := -std=c11 -pedantic
D7XR_ARITH := -ffp-contract=off -fno-math-errno
D7XR_WARN := -Wall -Wextra -Werror -Wconversion -Wdouble-promotion -Wfloat-equal -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wswitch-enum -Wvla -Wcast-qual -Wnull-dereference
D7XR_CFLAGS := $(D7XR_CSTD) $(D7XR_ARITH) $(D7XR_WARN)

/* semihosting.h - files of the host, through a debugger or an emulator: for test images only, never on a car. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdbool.h>
#include <stdint.h>

#define SEMIHOSTING_READ 1U  /* "rb" */
#define SEMIHOSTING_WRITE 5U /* "wb" */

/* A handle, or -1. A named pipe blocks until the other side opens it too. */
int32_t semihosting_open(const char *name, uint32_t mode);

/* All `size` bytes, over as many short reads as it takes; false at the end of the file. */
bool semihosting_read(int32_t handle, void *target, uint32_t size);

bool semihosting_write(int32_t handle, const void *source, uint32_t size);

/* End the emulator with this status. */
void semihosting_exit(uint32_t status);

#endif

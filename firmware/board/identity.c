/* identity.c - who built this image, as text in it: `make size` reads it. What the unit tells a host are numbers
 * (Identity on the bus, report.h); this is for the one who finds a file or dumps a flash. */
#include "identity.h"

__attribute__((section(".rodata.identity"), used))
const char board_identity[] = "d7xr git " BOARD_GIT "; compiler " __VERSION__ "; flags " BOARD_FLAGS;

#include "watchdog.h"

#include "registers.h"

#include <stdint.h>

/* Its own oscillator of 32 kHz, good to -47 % and +47 %: divided by 32, a count is 0.7 to 1.9 ms. */
#define COUNTS_PER_MS 1U
#define SYNC_LOOKS 200000U /* five of its cycles: 0.3 ms */

void watchdog_start(void)
{
    registers_write(IWDG_KR, IWDG_KR_START);
    registers_write(IWDG_KR, IWDG_KR_ACCESS);
    registers_write(IWDG_PR, IWDG_PR_DIV32);
    registers_write(IWDG_RLR, WATCHDOG_MS * COUNTS_PER_MS);
    (void)registers_wait(IWDG_SR, 3U, 0U, SYNC_LOOKS);
    watchdog_feed();
}

void watchdog_feed(void)
{
    registers_write(IWDG_KR, IWDG_KR_RELOAD);
}

#include "systick.h"

#include "clock.h"
#include "registers.h"
#include "startup.h"

#include <stdatomic.h>

#define PRIORITY 12U /* last: it only counts */

static _Atomic uint32_t count_ms;

void startup_systick(void)
{
    atomic_store_explicit(&count_ms, atomic_load_explicit(&count_ms, memory_order_relaxed) + 1U, memory_order_release);
}

void systick_init(void)
{
    registers_keep(SCB_SHPR3, 0xFF000000UL, PRIORITY << 28);
    registers_keep(SYST_RVR, 0xFFFFFFUL, (clock_core_hz() / 1000U) - 1U);
    registers_write(SYST_CVR, 0U);
    registers_keep(SYST_CSR, 7UL, SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CLKSOURCE);
}

uint32_t systick_ms(void)
{
    return atomic_load_explicit(&count_ms, memory_order_acquire);
}

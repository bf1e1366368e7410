#include "clock.h"

#include "pins.h"
#include "registers.h"

#include <stdbool.h>

#define HSI_HZ 16000000UL
#define FULL_HZ 168000000UL
#define PLL_INPUT_HZ 1000000UL
#define PLL_N 336UL /* 1 MHz x 336 / 2 */
#define PLL_Q 7UL   /* 48 MHz for what needs it */

/* A crystal needs 2 ms, the PLL 0.2 ms; a look takes about ten cycles of 16 MHz. */
#define CRYSTAL_LOOKS 20000U
#define PLL_LOOKS 2000U
#define SWITCH_LOOKS 100U

_Static_assert((BOARD_CRYSTAL_HZ % PLL_INPUT_HZ) == 0U, "the PLL wants 1 MHz");

static clock_source_t source = CLOCK_SOURCE_RESET;

static bool start_pll(uint32_t input_hz, uint32_t select)
{
    registers_keep(RCC_PLLCFGR, 0x0F437FFFUL,
                   ((input_hz / PLL_INPUT_HZ) << RCC_PLLCFGR_M_POS) | (PLL_N << RCC_PLLCFGR_N_POS) |
                       (PLL_Q << RCC_PLLCFGR_Q_POS) | select);
    registers_write(RCC_CR, registers_read(RCC_CR) | RCC_CR_PLLON);
    return registers_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, PLL_LOOKS);
}

static bool switch_to_pll(void)
{
    registers_keep(FLASH_ACR, 0x707UL, FLASH_ACR_LATENCY_5WS | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN);
    registers_keep(RCC_CFGR, 0xFCF3UL, RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2 | RCC_CFGR_SW_PLL);
    return registers_wait(RCC_CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL, SWITCH_LOOKS);
}

static clock_source_t start(void)
{
    clock_source_t started = CLOCK_SOURCE_RESET;

    registers_write(RCC_CR, registers_read(RCC_CR) | RCC_CR_HSEON);
    if (registers_wait(RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY, CRYSTAL_LOOKS) &&
        start_pll(BOARD_CRYSTAL_HZ, RCC_PLLCFGR_SRC_HSE)) {
        started = CLOCK_SOURCE_CRYSTAL;
    } else {
        registers_write(RCC_CR, registers_read(RCC_CR) & ~(RCC_CR_HSEON | RCC_CR_PLLON));
        if (start_pll(HSI_HZ, 0U)) {
            started = CLOCK_SOURCE_INTERNAL;
        }
    }
    if ((started != CLOCK_SOURCE_RESET) && !switch_to_pll()) {
        started = CLOCK_SOURCE_RESET;
    }
    return started;
}

void clock_init(void)
{
    source = (registers_chip() == 0U) ? CLOCK_SOURCE_EMULATED : start();
}

clock_source_t clock_source(void)
{
    return source;
}

uint32_t clock_core_hz(void)
{
    return (source == CLOCK_SOURCE_RESET) ? HSI_HZ : FULL_HZ;
}

uint32_t clock_apb1_hz(void)
{
    return (source == CLOCK_SOURCE_RESET) ? HSI_HZ : (FULL_HZ / 4U);
}

uint32_t clock_apb2_hz(void)
{
    return (source == CLOCK_SOURCE_RESET) ? HSI_HZ : (FULL_HZ / 2U);
}

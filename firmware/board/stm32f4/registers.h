/* registers.h - the registers that the drivers use, by the names of the reference manual (RM0090) and of the core
 * (PM0214), and the functions that touch them.
 *
 * A setting that must stay as it is goes through registers_keep(): value and mask are remembered and compared in turn,
 * one a tick, for as long as the unit runs. A register that lost its setting is set again and counted. Emulators model
 * some peripherals only; which, is a table that counts when the chip says that it is emulated.
 */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */

/* ---- core */
#define SYST_CSR   0xE000E010UL
#define SYST_RVR   0xE000E014UL
#define SYST_CVR   0xE000E018UL
#define NVIC_ISER  0xE000E100UL /* one bit an interrupt, 32 a register */
#define NVIC_IPR   0xE000E400UL /* one byte an interrupt; the upper four bits count */
#define SCB_AIRCR  0xE000ED0CUL
#define SCB_SHPR3  0xE000ED20UL
#define SCB_SHCSR  0xE000ED24UL
#define SCB_CFSR   0xE000ED28UL
#define SCB_HFSR   0xE000ED2CUL
#define SCB_MMFAR  0xE000ED34UL
#define SCB_BFAR   0xE000ED38UL
#define DBGMCU_IDCODE 0xE0042000UL /* an emulator reads 0 */

#define SYST_CSR_ENABLE     (1UL << 0)
#define SYST_CSR_TICKINT    (1UL << 1)
#define SYST_CSR_CLKSOURCE  (1UL << 2) /* core clock */
#define SCB_AIRCR_VECTKEY      (0x5FAUL << 16)
#define SCB_AIRCR_SYSRESETREQ  (1UL << 2)

/* ---- reset and clock control */
#define RCC_CR       0x40023800UL
#define RCC_PLLCFGR  0x40023804UL
#define RCC_CFGR     0x40023808UL
#define RCC_AHB1ENR  0x40023830UL
#define RCC_APB1ENR  0x40023840UL
#define RCC_APB2ENR  0x40023844UL
#define RCC_CSR      0x40023874UL

#define RCC_CR_HSION   (1UL << 0)
#define RCC_CR_HSEON   (1UL << 16)
#define RCC_CR_HSERDY  (1UL << 17)
#define RCC_CR_PLLON   (1UL << 24)
#define RCC_CR_PLLRDY  (1UL << 25)
#define RCC_PLLCFGR_M_POS    0U
#define RCC_PLLCFGR_N_POS    6U
#define RCC_PLLCFGR_SRC_HSE  (1UL << 22)
#define RCC_PLLCFGR_Q_POS    24U
#define RCC_CFGR_SW_PLL      (2UL << 0)
#define RCC_CFGR_SW          (3UL << 0)
#define RCC_CFGR_SWS         (3UL << 2)
#define RCC_CFGR_SWS_PLL     (2UL << 2)
#define RCC_CFGR_PPRE1_DIV4  (5UL << 10)
#define RCC_CFGR_PPRE2_DIV2  (4UL << 13)
#define RCC_AHB1ENR_GPIOAEN  (1UL << 0)
#define RCC_AHB1ENR_GPIOBEN  (1UL << 1)
#define RCC_APB1ENR_USART2EN (1UL << 17)
#define RCC_APB1ENR_CAN1EN   (1UL << 25)
#define RCC_APB1ENR_PWREN    (1UL << 28)
#define RCC_APB2ENR_USART1EN (1UL << 4)
#define RCC_CSR_RMVF     (1UL << 24)
#define RCC_CSR_PINRSTF  (1UL << 26)
#define RCC_CSR_PORRSTF  (1UL << 27)
#define RCC_CSR_SFTRSTF  (1UL << 28)
#define RCC_CSR_IWDGRSTF (1UL << 29)

/* ---- flash */
#define FLASH_ACR   0x40023C00UL
#define FLASH_KEYR  0x40023C04UL
#define FLASH_SR    0x40023C0CUL
#define FLASH_CR    0x40023C10UL

#define FLASH_ACR_LATENCY_5WS (5UL << 0)
#define FLASH_ACR_PRFTEN      (1UL << 8)
#define FLASH_ACR_ICEN        (1UL << 9)
#define FLASH_ACR_DCEN        (1UL << 10)
#define FLASH_KEYR_KEY1  0x45670123UL
#define FLASH_KEYR_KEY2  0xCDEF89ABUL
#define FLASH_SR_ERRORS  (0xF0UL)       /* sequence, parallelism, alignment, write protection */
#define FLASH_SR_BSY     (1UL << 16)
#define FLASH_CR_PG      (1UL << 0)
#define FLASH_CR_SER     (1UL << 1)
#define FLASH_CR_SNB_POS 3U
#define FLASH_CR_PSIZE_32 (2UL << 8)
#define FLASH_CR_STRT    (1UL << 16)
#define FLASH_CR_LOCK    (1UL << 31)

/* ---- pins: a port is 0x400 bytes */
#define GPIOA 0x40020000UL
#define GPIOB 0x40020400UL
#define GPIO_MODER   0x00UL
#define GPIO_OSPEEDR 0x08UL
#define GPIO_PUPDR   0x0CUL
#define GPIO_AFRL    0x20UL /* and AFRH, the next word */

/* ---- serial ports */
#define USART1 0x40011000UL
#define USART2 0x40004400UL
#define USART_SR  0x00UL
#define USART_DR  0x04UL
#define USART_BRR 0x08UL
#define USART_CR1 0x0CUL

#define USART_SR_PE   (1UL << 0)
#define USART_SR_FE   (1UL << 1)
#define USART_SR_NF   (1UL << 2)
#define USART_SR_ORE  (1UL << 3)
#define USART_SR_RXNE (1UL << 5)
#define USART_SR_TXE  (1UL << 7)
#define USART_CR1_RE     (1UL << 2)
#define USART_CR1_TE     (1UL << 3)
#define USART_CR1_RXNEIE (1UL << 5)
#define USART_CR1_UE     (1UL << 13)

/* ---- CAN controller */
#define CAN_MCR   0x40006400UL
#define CAN_MSR   0x40006404UL
#define CAN_TSR   0x40006408UL
#define CAN_RF0R  0x4000640CUL
#define CAN_IER   0x40006414UL
#define CAN_ESR   0x40006418UL
#define CAN_BTR   0x4000641CUL
#define CAN_TI0R  0x40006580UL /* three mailboxes of 0x10 bytes: identifier, length and time, data low, data high */
#define CAN_RI0R  0x400065B0UL
#define CAN_RDT0R 0x400065B4UL
#define CAN_RDL0R 0x400065B8UL
#define CAN_RDH0R 0x400065BCUL
#define CAN_FMR   0x40006600UL
#define CAN_FM1R  0x40006604UL
#define CAN_FS1R  0x4000660CUL
#define CAN_FFA1R 0x40006614UL
#define CAN_FA1R  0x4000661CUL
#define CAN_F0R1  0x40006640UL /* two words a filter bank */

#define CAN_MCR_INRQ  (1UL << 0)
#define CAN_MCR_SLEEP (1UL << 1)
#define CAN_MSR_INAK  (1UL << 0)
#define CAN_TSR_RQCP0 (1UL << 0)  /* the same for mailboxes 1 and 2 eight and sixteen bits on */
#define CAN_TSR_ABRQ0 (1UL << 7)
#define CAN_TSR_TME0  (1UL << 26) /* the next two bits: mailboxes 1 and 2 */
#define CAN_RF0R_FMP0  (3UL << 0)
#define CAN_RF0R_FULL0 (1UL << 3)
#define CAN_RF0R_FOVR0 (1UL << 4)
#define CAN_RF0R_RFOM0 (1UL << 5)
#define CAN_IER_FMPIE0 (1UL << 1)
#define CAN_ESR_BOFF   (1UL << 2)
#define CAN_TIR_TXRQ (1UL << 0)
#define CAN_IR_RTR   (1UL << 1)
#define CAN_IR_IDE   (1UL << 2)
#define CAN_IR_EXID_POS 3U
#define CAN_IR_STID_POS 21U
#define CAN_DTR_DLC  (15UL << 0)
#define CAN_FMR_FINIT (1UL << 0)

/* ---- independent watchdog */
#define IWDG_KR  0x40003000UL
#define IWDG_PR  0x40003004UL
#define IWDG_RLR 0x40003008UL
#define IWDG_SR  0x4000300CUL

#define IWDG_KR_RELOAD 0xAAAAUL
#define IWDG_KR_ACCESS 0x5555UL
#define IWDG_KR_START  0xCCCCUL
#define IWDG_PR_DIV32  3UL

/* ---- unique number of the chip: 96 bits */
#define UNIQUE_ID 0x1FFF7A10UL

/* Interrupts of the device, by number. */
#define IRQ_CAN1_RX0 20U
#define IRQ_USART1   37U
#define IRQ_USART2   38U

/* clang-format on */

static inline uint32_t registers_read(uint32_t address)
{
    return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void registers_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

/* Device and revision of the chip; 0 when it is emulated. */
uint32_t registers_chip(void);

/* Set the bits of `mask` to `value`, and watch over them from now on. */
void registers_keep(uint32_t address, uint32_t mask, uint32_t value);

/* Compare the next of the settings that are watched over. */
void registers_verify_next(void);

/* Settings that were found changed. */
uint32_t registers_lost_count(void);

/* Wait until the bits of `mask` read as `value`, for a bounded number of looks. */
bool registers_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t looks);

/* Let an interrupt of the device in. `priority` is 0 (first) to 15. */
void registers_enable_interrupt(uint32_t number, uint32_t priority);

#endif

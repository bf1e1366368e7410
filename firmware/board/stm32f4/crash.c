#include "crash.h"

#include "digest.h"
#include "registers.h"
#include "startup.h"
#include "systick.h"

#define MAGIC 0x4352534BUL /* "CRSK" */
#define RAM_FIRST 0x20000000UL
#define RAM_LAST 0x2001FFFFUL
#define FRAME_BYTES 32UL
#define STACKED_LR 5U
#define STACKED_PC 6U
#define STACKED_XPSR 7U

typedef struct {
    uint32_t magic;
    uint32_t word[CRASH_WORD_COUNT];
    uint32_t check;
} record_t;

__attribute__((section(".noinit"))) static record_t record;

static uint32_t check_of(const record_t *of)
{
    return digest_words(of->magic, of->word, sizeof(of->word));
}

_Noreturn void crash_record(uint32_t sp);

/* `sp` is where the processor put what it was doing, if there was memory to put it. */
_Noreturn void crash_record(uint32_t sp)
{
    const bool is_stacked = (sp >= RAM_FIRST) && (sp <= (RAM_LAST - FRAME_BYTES)) && ((sp % 4U) == 0U);

    record = (record_t){.magic = MAGIC};
    if (is_stacked) {
        record.word[CRASH_WORD_LR]   = registers_read(sp + (4U * STACKED_LR));
        record.word[CRASH_WORD_PC]   = registers_read(sp + (4U * STACKED_PC));
        record.word[CRASH_WORD_XPSR] = registers_read(sp + (4U * STACKED_XPSR));
    }
    record.word[CRASH_WORD_SP]      = sp;
    record.word[CRASH_WORD_CFSR]    = registers_read(SCB_CFSR);
    record.word[CRASH_WORD_HFSR]    = registers_read(SCB_HFSR);
    record.word[CRASH_WORD_MMFAR]   = registers_read(SCB_MMFAR);
    record.word[CRASH_WORD_BFAR]    = registers_read(SCB_BFAR);
    record.word[CRASH_WORD_TIME_MS] = systick_ms();
    record.check                    = check_of(&record);
    __asm volatile("dsb" ::: "memory");
    registers_write(SCB_AIRCR, SCB_AIRCR_VECTKEY | SCB_AIRCR_SYSRESETREQ);
    for (;;) {
        __asm volatile("nop");
    }
}

/* The stack may be the reason: begin a new one before anything is called. */
__attribute__((naked)) void startup_fault(void)
{
    __asm volatile("mrs   r0, msp\n\t"
                   "ldr   r1, =_estack\n\t"
                   "msr   msp, r1\n\t"
                   "b     crash_record");
}

bool crash_read(uint32_t words[CRASH_WORD_COUNT])
{
    const bool is_whole = (record.magic == MAGIC) && (record.check == check_of(&record));

    for (uint32_t i = 0U; (i < (uint32_t)CRASH_WORD_COUNT) && is_whole; i++) {
        words[i] = record.word[i];
    }
    return is_whole;
}

void crash_forget(void)
{
    record.magic = 0U;
}

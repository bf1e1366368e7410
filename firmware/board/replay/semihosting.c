#include "semihosting.h"

#define CALL_OPEN 0x01U
#define CALL_WRITE 0x05U
#define CALL_READ 0x06U
#define CALL_EXIT_EXTENDED 0x20U
#define STOPPED_APPLICATION_EXIT 0x20026U

static uint32_t call(uint32_t number, const uintptr_t *words)
{
    register uint32_t         result __asm("r0") = number;
    register const uintptr_t *block __asm("r1")  = words;

    __asm volatile("bkpt 0xAB" : "+r"(result) : "r"(block) : "memory");
    return result;
}

static uint32_t length_of(const char *text)
{
    uint32_t length = 0U;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int32_t semihosting_open(const char *name, uint32_t mode)
{
    const uintptr_t words[3] = {(uintptr_t)name, mode, length_of(name)};

    return (int32_t)call(CALL_OPEN, words);
}

bool semihosting_read(int32_t handle, void *target, uint32_t size)
{
    uint32_t missing = size; /* the call answers with the bytes it did not read */
    uint32_t before  = size + 1U;

    while ((missing > 0U) && (missing < before)) {
        const uintptr_t words[3] = {(uintptr_t)handle, (uintptr_t)target + (size - missing), missing};

        before  = missing;
        missing = call(CALL_READ, words);
    }
    return missing == 0U;
}

bool semihosting_write(int32_t handle, const void *source, uint32_t size)
{
    const uintptr_t words[3] = {(uintptr_t)handle, (uintptr_t)source, size};

    return (size == 0U) || (call(CALL_WRITE, words) == 0U);
}

void semihosting_exit(uint32_t status)
{
    const uintptr_t words[2] = {STOPPED_APPLICATION_EXIT, status};

    (void)call(CALL_EXIT_EXTENDED, words);
}

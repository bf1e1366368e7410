#include "pins.h"

#include "registers.h"

#define MODE_ALTERNATE 2U
#define SPEED_FAST 2U
#define PULL_UP 1U /* an open receiver reads idle, not noise */

void pins_assign(uint32_t port, uint32_t pin, uint32_t function)
{
    const uint32_t by_two  = 2U * pin;
    const uint32_t by_four = 4U * (pin % 8U);

    registers_keep(port + GPIO_AFRL + (4U * (pin / 8U)), 15UL << by_four, function << by_four);
    registers_keep(port + GPIO_OSPEEDR, 3UL << by_two, SPEED_FAST << by_two);
    registers_keep(port + GPIO_PUPDR, 3UL << by_two, PULL_UP << by_two);
    registers_keep(port + GPIO_MODER, 3UL << by_two, MODE_ALTERNATE << by_two);
}

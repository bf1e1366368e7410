# Images for the chip: `make firmware` from the root calls this file. One rule a step, everything under build/firmware.
#
#   replay.elf   whole traces through the unit under the emulator, by semihosting

include firmware/flags.mk

CROSS   := arm-none-eabi-
OUT     := build/firmware
CODEC   := build/codec
PYTHON  ?= .venv/bin/python

D7XR_CPU := -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard
FOLDERS  := firmware/core firmware/bus firmware firmware/link firmware/board firmware/board/stm32f4 $(CODEC)
CFLAGS   := $(D7XR_CPU) -O2 -g -gdwarf-4 -ffreestanding -ffunction-sections -fdata-sections -fstack-usage -MMD -MP \
            $(D7XR_CFLAGS) $(addprefix -iquote ,$(FOLDERS)) $(EXTRA_CFLAGS)
LDFLAGS  := $(D7XR_CPU) -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -T firmware/board/stm32f4/stm32f405.ld

UNIT   := $(wildcard firmware/core/*.c firmware/bus/*.c firmware/*.c) $(CODEC)/bus_codec.c
REPLAY := $(UNIT) firmware/board/stm32f4/startup.c $(wildcard firmware/board/replay/*.c)

objects = $(addprefix $(OUT)/obj/,$(addsuffix .o,$(1)))

.PHONY: all
all: $(OUT)/replay.elf

$(OUT)/replay.elf: $(call objects,$(REPLAY)) firmware/board/stm32f4/stm32f405.ld
	$(CROSS)gcc $(LDFLAGS) -Wl,-Map=$(@:.elf=.map) $(filter %.o,$^) -lgcc -o $@

# The generated codec is not ours: it shares the arithmetic, not the warnings.
$(OUT)/obj/$(CODEC)/%.o: CFLAGS := $(filter-out -W% -pedantic,$(CFLAGS))

$(OUT)/obj/%.o: % firmware/flags.mk firmware/board/board.mk | codec
	@mkdir -p $(@D)
	$(CROSS)gcc $(CFLAGS) -c $< -o $@

.PHONY: codec
codec:
	$(PYTHON) pyhost/build_core.py codec $(CODEC)

$(CODEC)/bus_codec.c: | codec

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

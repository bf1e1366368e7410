# Images for the chip: `make firmware` from the root calls this file. One rule a step, everything under build/firmware.
#
#   d7xr.elf     the unit on a board, and under the emulator; .bin and .hex for tools that flash, .map to read
#   measure.elf  counts instructions of the tick under the emulator
#   replay.elf   whole traces through the unit under the emulator, by semihosting

include firmware/flags.mk

CROSS   := arm-none-eabi-
ifeq ($(shell command -v $(CROSS)gcc),)
$(error no $(CROSS)gcc on this machine: apt-get install gcc-arm-none-eabi)
endif
OUT     := build/firmware
CODEC   := build/codec
PYTHON  ?= .venv/bin/python

D7XR_CPU := -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard
FOLDERS  := firmware/core firmware/bus firmware firmware/link firmware/board firmware/board/stm32f4 firmware/board/replay $(CODEC)
OPTIMISE := -O2

# Flags that are not those of this tree are part of who an image is: no host takes it for the plain one. FLAGS_ID=0 makes
# it lie, which is how the comparison is tested on an image that a handshake cannot tell apart.
FLAG_VARIABLES := D7XR_CPU D7XR_CSTD D7XR_ARITH D7XR_WARN D7XR_CFLAGS CFLAGS OPTIMISE
OWN_FLAGS := $(strip $(EXTRA_CFLAGS) $(foreach v,$(FLAG_VARIABLES),$(if $(filter command,$(origin $(v))),$(v)=$($(v)))))
FLAGS_ID  := $(if $(OWN_FLAGS),$(shell printf '%s' '$(OWN_FLAGS)' | cksum | cut -d' ' -f1),0)

# No C library: its headers are not looked at either, so that an image is the same with and without one beside the compiler.
HEADERS  := -nostdinc -isystem $(shell $(CROSS)gcc -print-file-name=include)

CFLAGS   := $(D7XR_CPU) $(OPTIMISE) $(HEADERS) -g -gdwarf-4 -ffreestanding -ffunction-sections -fdata-sections -fstack-usage \
            -fcallgraph-info=su -MMD -MP $(D7XR_CFLAGS) $(addprefix -iquote ,$(FOLDERS)) $(EXTRA_CFLAGS)
LDFLAGS  := $(D7XR_CPU) -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -T firmware/board/stm32f4/stm32f405.ld

GIT := $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown)

UNIT   := $(wildcard firmware/core/*.c firmware/bus/*.c firmware/*.c) $(CODEC)/bus_codec.c
REPLAY := $(UNIT) firmware/board/stm32f4/startup.c $(wildcard firmware/board/replay/*.c)
MEASURE := $(UNIT) firmware/board/stm32f4/startup.c firmware/board/replay/semihosting.c \
           $(wildcard firmware/board/measure/*.c)
BOARD  := $(UNIT) $(wildcard firmware/link/*.c firmware/board/*.c firmware/board/stm32f4/*.c)

objects = $(addprefix $(OUT)/obj/,$(addsuffix .o,$(1)))

.PHONY: all
all: $(OUT)/replay.elf $(OUT)/measure.elf $(OUT)/d7xr.elf $(OUT)/d7xr.bin $(OUT)/d7xr.hex

$(OUT)/replay.elf: $(call objects,$(REPLAY))
$(OUT)/measure.elf: $(call objects,$(MEASURE))
$(OUT)/d7xr.elf: $(call objects,$(BOARD))
$(OUT)/%.elf: firmware/board/stm32f4/stm32f405.ld
	$(CROSS)gcc $(LDFLAGS) -Wl,-Map=$(@:.elf=.map) $(filter %.o,$^) -lgcc -o $@

$(OUT)/%.bin: $(OUT)/%.elf
	$(CROSS)objcopy -O binary $< $@

$(OUT)/%.hex: $(OUT)/%.elf
	$(CROSS)objcopy -O ihex $< $@

# The generated codec is not ours: it shares the arithmetic, not the warnings.
$(OUT)/obj/$(CODEC)/%.o: CFLAGS := $(filter-out -W% -pedantic,$(CFLAGS))

$(OUT)/obj/%.o: % firmware/flags.mk firmware/board/board.mk $(OUT)/flags.txt | codec
	@mkdir -p $(@D)
	$(CROSS)gcc $(CFLAGS) -DBUS_IDENTITY_FLAGS=$(FLAGS_ID)UL -c $< -o $@

# Links and drivers wait for bytes: they pay for their size, not for their speed. The unit itself is not among them:
# for size the compiler multiplies and adds in one step, which rule C-3 keeps out.
SMALL := $(filter firmware/link/% firmware/board/%,$(BOARD))
$(call objects,$(SMALL)): CFLAGS := $(patsubst -O2,-Os,$(CFLAGS))

# The image says in text what it was built from.
$(OUT)/obj/firmware/board/identity.c.o: CFLAGS += -DBOARD_GIT='"$(GIT)"' -DBOARD_FLAGS='"$(strip $(D7XR_CPU) $(OPTIMISE) $(D7XR_CFLAGS) $(OWN_FLAGS))"'
$(OUT)/obj/firmware/board/identity.c.o: $(OUT)/git.txt

.PHONY: git
$(OUT)/git.txt: git
	@mkdir -p $(@D)
	@printf '%s\n' '$(GIT)' | cmp -s - $@ || printf '%s\n' '$(GIT)' >$@

# Written only when they change: objects of two kinds of flags never meet in one image.
.PHONY: flags
$(OUT)/flags.txt: flags
	@mkdir -p $(@D)
	@printf '%s\n' 'FLAGS_ID=$(FLAGS_ID) $(OWN_FLAGS)' | cmp -s - $@ || printf '%s\n' 'FLAGS_ID=$(FLAGS_ID) $(OWN_FLAGS)' >$@

.PHONY: codec
codec:
	$(PYTHON) pyhost/build_core.py codec $(CODEC)

$(CODEC)/bus_codec.c: | codec

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

# The front door. `make help` lists what can be asked for; the work is done by tools/ and by the package itself.

VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/dependencies.stamp
CORE   := pyhost/d7xr/_core.abi3.so
SOURCE := setup.py pyhost/build_core.py firmware/flags.mk $(shell find firmware pyhost/native -name '*.[ch]' -o -name '*.def' -o -name '*.dbc')
Q      := $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := run
.PHONY: help setup run test lint firmware size bench hil flash docs figures format clean

run: setup ## replay the shipped demo and tell what the unit decided (the default)
	$(Q)$(BIN)/d7xr demo

setup: $(CORE) ## make .venv with the d7xr command and all that tests need; does nothing when up to date
	@:

test: setup ## run every test; skips what this machine cannot do, with a sentence
	$(Q)tools/toolchain.sh
	$(Q)$(BIN)/python -m pytest -q -n 2

lint: setup ## check the rules of style: compilers, gates, ruff, mypy, clang-format
	$(Q)$(BIN)/python -m pytest -q -m "not slow" tests/gates

firmware: setup ## build the images for the chip (needs gcc-arm-none-eabi)
	$(Q)tools/toolchain.sh
	$(Q)$(MAKE) -s -f firmware/board/board.mk

size: firmware ## what the image takes and what a tick costs, against its budget and against main
	$(Q)$(BIN)/python -m tools.firmware_size
	$(Q)$(BIN)/python -m tools.firmware_difference main

bench: setup ## d7xr, its peers and a floor in C on the same frames; writes docs/benchmarks.md (ARGS='--frames 1000000')
	$(Q)tools/peers.sh
	$(Q)$(BIN)/python -m bench $(ARGS)

hil: firmware ## the rig's tests: PORT=/dev/serial/by-id/... or BOARD=name, else the emulated board
	$(Q)$(BIN)/d7xr hil --target $(if $(PORT),serial:$(PORT),$(if $(BOARD),board --board $(BOARD),board-emulated)) $(ARGS)

flash: firmware ## write the firmware to a board of hil/rig.toml: BOARD=name
	$(Q)$(BIN)/d7xr flash $(if $(BOARD),--board $(BOARD)) $(ARGS)

docs: setup ## write the generated pages of docs/ anew
	$(Q)$(BIN)/python -m tools.fault_page
	$(Q)$(BIN)/python -m tools.polarity_page
	$(Q)$(BIN)/d7xr campaign --out docs/fault_campaign.md

figures: setup ## drive 120,000 simulated stages and write docs/flight_mode_figures.md; resumes (ARGS='--runs jumps=1000')
	$(Q)$(BIN)/python -m tools.sweep_page
	$(Q)$(BIN)/python -m tools.figures $(ARGS)

format: setup ## lay out C and Python as the rules want it
	$(Q)find firmware pyhost/native -name '*.[ch]' -exec $(BIN)/clang-format -i {} +
	$(Q)$(BIN)/ruff check -q --fix-only . && $(BIN)/ruff format -q .

clean: ## remove what was built; .venv stays
	$(Q)rm -rf build dist pyhost/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	$(Q)rm -f $(CORE) pyhost/d7xr/_trace.abi3.so
	$(Q)find pyhost tests tools -name __pycache__ -exec rm -rf {} +

help: ## this list
	$(Q)sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1 \2/p' Makefile | while read -r t text; do printf '  make %-8s %s\n' "$$t" "$$text"; done

$(READY): pyproject.toml constraints.txt tools/setup.sh
	$(Q)tools/setup.sh dependencies
	@touch $@

$(CORE): $(READY) $(SOURCE)
	$(Q)tools/setup.sh package
	@touch $@

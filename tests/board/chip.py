"""The board's image on Unicorn, with a CAN controller on a python-can bus; a program of its own.

Unicorn is free software under a licence that this package does not have: it is a tool of the tests
and runs in its own process. The test writes one JSON object a line and reads one: ``{"do": ...}``.

What is modelled: clocks that become ready, one serial port, the tick, the watchdog's keys, and the
CAN controller. Interrupts are taken between two slices of code, never nested.
"""

from __future__ import annotations

import json
import struct
import sys
from collections import deque
from pathlib import Path
from typing import Any

import can
from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_INTR,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    UC_PROT_EXEC,
    UC_PROT_READ,
)  # fmt: skip
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M4,
)  # fmt: skip
from unicorn.unicorn_py3 import Uc, UcError

from tests.board.bxcan import BTR, BxCan, Frame

FLASH, FLASH_BYTES = 0x08000000, 0xC0000
SLOTS, SLOTS_BYTES = 0x080C0000, 0x40000
RAM, RAM_BYTES, EMULATED_RAM_BYTES = 0x20000000, 0x20000, 0x30000
PERIPHERALS, PERIPHERALS_BYTES = 0x40000000, 0x80000
SYSTEM, DEBUG, UNIQUE = 0xE000E000, 0xE0042000, 0x1FFF7000
PAGE = 0x1000

CAN1, USART2, IWDG_KR = 0x6400, 0x4400, 0x3000
RCC_CR, RCC_CFGR, RCC_CSR = 0x23800, 0x23808, 0x23874
FLASH_KEYR, FLASH_SR, FLASH_CR = 0x23C04, 0x23C0C, 0x23C10
FLASH_KEYS = (0x45670123, 0xCDEF89AB)
CR_PG, CR_SER, CR_PSIZE_32, CR_STRT, CR_LOCK = 1, 2, 0x200, 1 << 16, 1 << 31
SECTOR_BYTES, FIRST_SECTOR = 0x20000, 10
USART_SR, USART_DR = USART2, USART2 + 4
SR_RXNE, SR_TXE, SR_TC = 0x20, 0x80, 0x40
KEY_RELOAD, KEY_START = 0xAAAA, 0xCCCC
ISER, ISER_REGISTERS = 0x100, 3

SYSTICK, CAN1_RX0, USART2_IRQ = 15, 16 + 20, 16 + 38
EXCEPTION_RETURN = 0xFFFFFFF9
SLICES_A_MS = 8
"""A slice is the time of one frame at 1 Mbit/s."""

SLICE_INSTRUCTIONS = 20_000
STEP_INSTRUCTIONS = 8
WATCHDOG_MS = 100
SHOWN = 4096
"""Bytes of a slot that are shown."""


class Chip:
    """The processor and what is around it.

    Args:
        image: The board's ELF.
        chip: What DBGMCU_IDCODE reads; 0 says that the chip is emulated.
        has_crystal: Whether the crystal starts.
        slots: What the last two sectors of the flash hold; it stays when power goes.
    """

    def __init__(self, image: Path, slots: bytearray, *, chip: int, has_crystal: bool) -> None:
        self.can = BxCan()
        self.now_ms = 0
        self.sent: list[tuple[int, Frame]] = []
        self.feeds = 0
        self.is_guarded = False
        self.starved_ms = 0
        self._slots = slots
        self._keys: list[int] = []
        self._has_crystal = has_crystal
        self._registers: dict[int, int] = {RCC_CR: 0x83, RCC_CSR: 1 << 27, FLASH_CR: CR_LOCK}
        self._system: dict[int, int] = {}
        self._serial_in: deque[int] = deque()
        self._serial_out = bytearray()
        self._pending: set[int] = set()
        self._is_returning = False
        self.bus = can.Bus("bxcan", interface="virtual")
        self.uc = self._processor(image, chip)
        sp, start = struct.unpack("<II", self.uc.mem_read(FLASH, 8))
        self.uc.reg_write(UC_ARM_REG_SP, sp)
        self._pc = start

    def _processor(self, image: Path, chip: int) -> Uc:
        uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        uc.mem_map(FLASH, FLASH_BYTES, UC_PROT_READ | UC_PROT_EXEC)
        uc.mem_map(RAM, RAM_BYTES if chip else EMULATED_RAM_BYTES)
        uc.mem_map(UNIQUE, PAGE, UC_PROT_READ)
        uc.mem_map(DEBUG, PAGE, UC_PROT_READ)
        uc.mem_write(FLASH, b"\xff" * FLASH_BYTES)
        uc.mem_write(UNIQUE + 0xA10, bytes(range(1, 13)))
        uc.mem_write(DEBUG, struct.pack("<I", chip))
        for address, content in segments(image.read_bytes()):
            uc.mem_write(address, content)
        uc.mmio_map(PERIPHERALS, PERIPHERALS_BYTES, self._read, None, self._write, None)
        uc.mmio_map(SLOTS, SLOTS_BYTES, self._read_flash, None, self._program, None)
        uc.mmio_map(SYSTEM, PAGE, self._read_system, None, self._write_system, None)
        uc.hook_add(UC_HOOK_INTR, self._interrupted)
        return uc

    # -- time

    def run(self, ms: int) -> None:
        """Let time pass."""
        for _ in range(ms * SLICES_A_MS):
            self._bus()
            self._take_interrupts()
            self._execute(SLICE_INSTRUCTIONS)
            if self._slice_ends_a_ms():
                self.now_ms += 1
                self.starved_ms += self.is_guarded
                if self.starved_ms > WATCHDOG_MS:
                    raise AssertionError("the watchdog bites")
                if self._system.get(0x10, 0) & 3 == 3:
                    self._pending.add(SYSTICK)

    _slice = 0

    def _slice_ends_a_ms(self) -> bool:
        self._slice = (self._slice + 1) % SLICES_A_MS
        return self._slice == 0

    def _bus(self) -> None:
        if (frame := self.can.transmit()) is not None:
            self.sent.append((self.now_ms, frame))
            self.bus.send(
                can.Message(
                    arbitration_id=frame.id, data=frame.data, is_extended_id=frame.is_extended,
                    is_remote_frame=frame.is_remote,
                )
            )  # fmt: skip
        if (message := self.bus.recv(0)) is not None:
            self.can.deliver(
                Frame(
                    message.arbitration_id, bytes(message.data), message.is_extended_id,
                    message.is_remote_frame,
                )
            )  # fmt: skip

    # -- interrupts

    def _is_enabled(self, number: int) -> bool:
        irq = number - 16
        return bool(self._system.get(ISER + 4 * (irq // 32), 0) >> irq % 32 & 1)

    def _take_interrupts(self) -> None:
        for _ in range(64):
            if self.can.wants_interrupt and self._is_enabled(CAN1_RX0):
                self._pending.add(CAN1_RX0)
            if self._serial_in and self._is_enabled(USART2_IRQ):
                self._pending.add(USART2_IRQ)
            if not self._pending:
                return
            while self.uc.reg_read(UC_ARM_REG_PRIMASK) & 1:
                self._execute(1)
            number = max(self._pending)
            self._pending.remove(number)
            self._handle(number)

    def _handle(self, number: int) -> None:
        """Run a handler on a frame's distance below the stack, and put the registers back."""
        saved, pc = self.uc.context_save(), self._pc
        self.uc.reg_write(UC_ARM_REG_SP, (self.uc.reg_read(UC_ARM_REG_SP) - 104) & ~7)
        self.uc.reg_write(UC_ARM_REG_LR, EXCEPTION_RETURN)
        (self._pc,) = struct.unpack("<I", self.uc.mem_read(FLASH + 4 * number, 4))
        self._is_returning = False
        while not self._is_returning:
            self._execute(SLICE_INSTRUCTIONS)
        self.uc.context_restore(saved)
        self._pc = pc

    def _interrupted(self, uc: Uc, number: int, _: object) -> None:
        self._is_returning = True
        uc.emu_stop()

    def _execute(self, count: int) -> None:
        try:
            self.uc.emu_start(self._pc | 1, EXCEPTION_RETURN & ~1, count=count)
        except UcError:
            if self.uc.reg_read(UC_ARM_REG_PC) | 0x1F != 0xFFFFFFFF:
                raise
        self._pc = self.uc.reg_read(UC_ARM_REG_PC)
        if self._pc | 0x1F == 0xFFFFFFFF:
            self._is_returning = True

    # -- peripherals

    def _read(self, uc: Uc, offset: int, size: int, _: object) -> int:
        if CAN1 <= offset < CAN1 + 0x400:
            return self.can.read(offset - CAN1)
        if offset == USART_SR:
            return SR_TXE | SR_TC | (SR_RXNE if self._serial_in else 0)
        if offset == USART_DR:
            return self._serial_in.popleft() if self._serial_in else 0
        return self._registers.get(offset, 0)

    def _write(self, uc: Uc, offset: int, size: int, value: int, _: object) -> None:
        if CAN1 <= offset < CAN1 + 0x400:
            self.can.write(offset - CAN1, value)
        elif offset == USART_DR:
            self._serial_out.append(value & 0xFF)
        elif offset == RCC_CR:
            ready = value & 1 << 24 and 1 << 25
            ready |= (1 << 17 if value & 1 << 16 else 0) if self._has_crystal else 0
            self._registers[offset] = value & ~(1 << 17 | 1 << 25) | ready
        elif offset == RCC_CFGR:
            self._registers[offset] = value & ~0xC | (value & 3) << 2
        elif offset == IWDG_KR:
            self.is_guarded |= value == KEY_START
            self.feeds += value == KEY_RELOAD
            self.starved_ms = 0
        elif offset == FLASH_KEYR:
            self._keys = [*self._keys[-1:], value]
            if tuple(self._keys) == FLASH_KEYS:
                self._registers[FLASH_CR] &= ~CR_LOCK
        elif offset == FLASH_SR:
            self._registers[offset] = self._registers.get(offset, 0) & ~value
        elif offset == FLASH_CR:
            self._set_flash(value)
        else:
            self._registers[offset] = value

    def _set_flash(self, value: int) -> None:
        if self._registers[FLASH_CR] & CR_LOCK:
            self.can.violations.append("flash set while it is locked")
            return
        self._registers[FLASH_CR] = value & ~CR_STRT
        if value & CR_STRT and value & CR_SER:
            first = ((value >> 3 & 0xF) - FIRST_SECTOR) * SECTOR_BYTES
            self._slots[first : first + SECTOR_BYTES] = b"\xff" * SECTOR_BYTES

    def _read_flash(self, uc: Uc, offset: int, size: int, _: object) -> int:
        return int.from_bytes(self._slots[offset : offset + size], "little")

    def _program(self, uc: Uc, offset: int, size: int, value: int, _: object) -> None:
        control = self._registers[FLASH_CR]
        if control & CR_LOCK or not control & CR_PG or not control & CR_PSIZE_32 or size != 4:
            self.can.violations.append(f"flash programmed with {control:#x}")
            return
        left = int.from_bytes(self._slots[offset : offset + 4], "little") & value
        self._slots[offset : offset + 4] = left.to_bytes(4, "little")

    def _read_system(self, uc: Uc, offset: int, size: int, _: object) -> int:
        return self._system.get(offset, 0)

    def _write_system(self, uc: Uc, offset: int, size: int, value: int, _: object) -> None:
        is_set_only = ISER <= offset < ISER + 4 * ISER_REGISTERS
        self._system[offset] = value | (self._system.get(offset, 0) if is_set_only else 0)

    # -- what the test asks for

    def poke(self, offset: int, value: int) -> None:
        """Change a register behind the firmware's back."""
        self._registers[offset] = value

    def peek(self, offset: int) -> int:
        """Return a register."""
        return self._registers.get(offset, 0)

    def serial(self, content: bytes) -> None:
        """Send bytes to the serial port."""
        self._serial_in.extend(content)

    def take_serial(self) -> bytes:
        """Return what the serial port sent."""
        content = bytes(self._serial_out)
        self._serial_out.clear()
        return content


def segments(elf: bytes) -> list[tuple[int, bytes]]:
    """Return what an ELF loads, by physical address."""
    at, size, count = struct.unpack_from("<I10xHH", elf, 28)
    found = []
    for i in range(count):
        kind, offset, _, address, length = struct.unpack_from("<5I", elf, at + i * size)
        if kind == 1 and length:
            found.append((address, elf[offset : offset + length]))
    return found


class Bench:
    """A chip, the car's end of its bus, and the requests that a test may make."""

    def __init__(self, image: Path) -> None:
        self._image = image
        self._chip: Chip | None = None
        self._car: can.BusABC | None = None
        self._slots = bytearray(b"\xff" * SLOTS_BYTES)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what was asked for."""
        do = asked.pop("do")
        if do == "flash":
            head = bytes.fromhex(asked["content"])
            self._slots[asked["offset"] : asked["offset"] + len(head)] = head
            return {"slots": [self._slots[at : at + SHOWN].hex() for at in (0, SECTOR_BYTES)]}
        if do == "start":
            self.close()
            self._chip = Chip(self._image, self._slots, **asked)
            self._car = can.Bus("bxcan", interface="virtual")
            return {}
        assert self._chip is not None
        assert self._car is not None
        chip, car = self._chip, self._car
        if do == "send":
            for number, digits, is_extended in asked["frames"]:
                car.send(
                    can.Message(
                        arbitration_id=number, data=bytes.fromhex(digits),
                        is_extended_id=is_extended,
                    )
                )  # fmt: skip
        elif do == "run":
            chip.run(asked["ms"])
        elif do == "serial":
            chip.serial(asked["text"].encode())
        elif do == "bus_off":
            chip.can.go_off()
        elif do == "acknowledge":
            chip.can.is_acknowledged = asked["is_on"]
        elif do == "poke":
            chip.poke(asked["offset"], asked["value"])
        elif do == "peek":
            return {"value": chip.peek(asked["offset"])}
        return self._told(chip, car)

    def close(self) -> None:
        """Take both ends off the bus."""
        if self._chip is not None and self._car is not None:
            self._chip.bus.shutdown()
            self._car.shutdown()

    def _told(self, chip: Chip, car: can.BusABC) -> dict[str, Any]:
        heard = []
        while (message := car.recv(0)) is not None:
            heard.append([message.arbitration_id, bytes(message.data).hex()])
        times = [ms for ms, _ in chip.sent]
        chip.sent.clear()
        assert len(times) == len(heard)
        return {
            "heard": heard, "time_ms": times, "serial": chip.take_serial().decode("ascii"),
            "accepted": chip.can.accepted, "filtered": chip.can.filtered,
            "overruns": chip.can.overruns, "violations": chip.can.violations, "feeds": chip.feeds,
            "is_off": chip.can.is_off, "bit_timing": chip.can.settings[BTR],
        }  # fmt: skip


def main() -> None:
    """Answer requests until there are no more."""
    bench = Bench(Path(sys.argv[1]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bench.answer(json.loads(line))) + "\n")
        sys.stdout.flush()
    bench.close()


if __name__ == "__main__":
    main()

"""A model of the CAN controller of the STM32F4 (bxCAN), strict where silicon is (RM0090, 32).

It receives nothing without an active filter, takes settings only in the modes that allow them, and
notes every access that silicon would ignore.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MCR, MSR, TSR, RF0R, RF1R, IER, ESR, BTR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C
TI0R, RI0R, RDT0R, RDL0R, RDH0R = 0x180, 0x1B0, 0x1B4, 0x1B8, 0x1BC
FMR, FM1R, FS1R, FFA1R, FA1R, F0R1, END = 0x200, 0x204, 0x20C, 0x214, 0x21C, 0x240, 0x320

INRQ, SLEEP, TXFP = 1, 2, 4
FINIT = 1
TXRQ, RTR, IDE = 1, 2, 4
BOFF = 4
FMPIE0 = 2
MAILBOXES, DEPTH, BANKS = 3, 3, 28
RECOVERY_STEPS = 12
"""128 times 11 bits, in frames."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on the bus."""

    id: int
    data: bytes
    is_extended: bool = False
    is_remote: bool = False


@dataclass(slots=True)
class Mailbox:
    """A transmit mailbox: TIxR, TDTxR, TDLxR, TDHxR."""

    words: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    is_pending: bool = False
    order: int = 0

    def frame(self) -> Frame:
        """Return the frame that it holds."""
        head, control, low, high = self.words
        data = low.to_bytes(4, "little") + high.to_bytes(4, "little")
        length = min(control & 15, 8)
        is_extended = bool(head & IDE)
        number = head >> 3 if is_extended else head >> 21
        return Frame(number, data[:length], is_extended, bool(head & RTR))


class BxCan:
    """The controller: registers on one side, a bus on the other."""

    def __init__(self) -> None:
        self.settings = {
            MCR: 0x00010002, IER: 0, BTR: 0x01230000, FMR: 0x2A1C0E01, FM1R: 0, FS1R: 0, FFA1R: 0,
            FA1R: 0, **{F0R1 + 4 * i: 0 for i in range(2 * BANKS)},
        }  # fmt: skip
        self.mailboxes = [Mailbox() for _ in range(MAILBOXES)]
        self.fifo: deque[Frame] = deque()
        self.violations: list[str] = []
        self.accepted = self.filtered = self.overruns = 0
        self.is_off = False
        self.is_acknowledged = True
        self._has_overrun = False
        self._finished = 0
        self._order = 0
        self._recovery = 0

    # -- the processor's side

    def read(self, offset: int) -> int:
        """Return a register."""
        if offset == MSR:
            return (0 if self.is_running else 1) | self.settings[MCR] & SLEEP | 0xC00
        if offset == TSR:
            free = sum(1 << (26 + i) for i, m in enumerate(self.mailboxes) if not m.is_pending)
            return free | self._finished
        if offset == RF0R:
            return len(self.fifo) | (len(self.fifo) == DEPTH) << 3 | self._has_overrun << 4
        if offset == ESR:
            return BOFF if self.is_off else 0
        if RI0R <= offset <= RDH0R:
            return self._head(offset)
        if TI0R <= offset < RI0R:
            box = self.mailboxes[(offset - TI0R) // 0x10]
            return box.words[offset % 0x10 // 4] | (offset % 0x10 == 0 and box.is_pending)
        if offset in self.settings:
            return self.settings[offset]
        return self._note(f"read of {offset:#x}")

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == MCR:
            self._set_mode(value)
        elif offset == TSR:
            self._finish(value)
        elif offset == RF0R:
            self._release(value)
        elif TI0R <= offset < RI0R:
            self._fill((offset - TI0R) // 0x10, offset % 0x10 // 4, value)
        elif offset == BTR and self.is_running:
            self._note("BTR written outside of initialisation")
        elif FM1R <= offset < END and offset != FA1R and not self._may_filter(offset):
            self._note(f"filter register {offset:#x} written while it is active")
        elif offset in self.settings:
            self.settings[offset] = value
        else:
            self._note(f"write of {offset:#x}")

    @property
    def is_running(self) -> bool:
        """Whether it is neither asleep nor in initialisation."""
        return not self.settings[MCR] & (INRQ | SLEEP)

    @property
    def wants_interrupt(self) -> bool:
        """Whether FIFO 0 calls."""
        return bool(self.fifo) and bool(self.settings[IER] & FMPIE0)

    # -- the bus's side

    def deliver(self, frame: Frame) -> None:
        """A frame was on the bus."""
        if not self.is_running or self.is_off:
            return
        if not self._passes(frame):
            self.filtered += 1
        elif len(self.fifo) == DEPTH:
            self.overruns += 1
            self._has_overrun = True
        else:
            self.accepted += 1
            self.fifo.append(frame)

    def transmit(self) -> Frame | None:
        """The bus has time for one frame: the one that wins, or None."""
        if self.is_off:
            self._recover()
            return None
        pending = [box for box in self.mailboxes if box.is_pending]
        if not self.is_running or not pending or not self.is_acknowledged:
            return None
        by_order = bool(self.settings[MCR] & TXFP)
        best = min(pending, key=lambda box: box.order if by_order else box.words[0] >> 1)
        best.is_pending = False
        self._finished |= 3 << 8 * self.mailboxes.index(best)
        return best.frame()

    def go_off(self) -> None:
        """Too many errors: the controller leaves the bus."""
        self.is_off = True
        self._recovery = -1

    def _recover(self) -> None:
        if self._recovery > 0 and self.is_running:
            self._recovery -= 1
            self.is_off = self._recovery > 0

    def _set_mode(self, value: int) -> None:
        was_setup = bool(self.settings[MCR] & INRQ)
        self.settings[MCR] = value
        if self.is_off and was_setup and not value & INRQ:
            self._recovery = RECOVERY_STEPS

    def _finish(self, value: int) -> None:
        for i, box in enumerate(self.mailboxes):
            if value & 0x80 << 8 * i and box.is_pending:
                box.is_pending = False
                self._finished |= 1 << 8 * i
            if value & 1 << 8 * i:
                self._finished &= ~(0xF << 8 * i)

    def _release(self, value: int) -> None:
        self._has_overrun = self._has_overrun and not value & 0x10
        if value & 0x20:
            if self.fifo:
                self.fifo.popleft()
            else:
                self._note("FIFO released while empty")

    def _fill(self, number: int, word: int, value: int) -> None:
        box = self.mailboxes[number]
        if box.is_pending:
            self._note(f"mailbox {number} written while it is pending")
            return
        box.words[word] = value & ~TXRQ if word == 0 else value
        if word == 0 and value & TXRQ:
            box.is_pending = True
            box.order = self._order
            self._order += 1

    def _may_filter(self, offset: int) -> bool:
        is_setup = bool(self.settings[FMR] & FINIT)
        bank = (offset - F0R1) // 8
        return is_setup or (offset >= F0R1 and not self.settings[FA1R] >> bank & 1)

    def _passes(self, frame: Frame) -> bool:
        if self.settings[FMR] & FINIT:
            return False
        active = [bank for bank in range(BANKS) if self.settings[FA1R] >> bank & 1]
        return any(self._bank_passes(bank, frame) for bank in active)

    def _bank_passes(self, bank: int, frame: Frame) -> bool:
        is_list = self.settings[FM1R] >> bank & 1
        is_wide = self.settings[FS1R] >> bank & 1
        if not is_list or is_wide or self.settings[FFA1R] >> bank & 1:
            self._note(f"bank {bank} is no list of four into FIFO 0: not modelled")
            return False
        words = (self.settings[F0R1 + 8 * bank], self.settings[F0R1 + 8 * bank + 4])
        entries = [word >> shift & 0xFFFF for word in words for shift in (0, 16)]
        wanted = frame.id << 5 | frame.is_remote << 4
        return not frame.is_extended and wanted in entries

    def _head(self, offset: int) -> int:
        if not self.fifo:
            return self._note("FIFO read while empty")
        frame = self.fifo[0]
        data = frame.data.ljust(8, b"\0")
        number = frame.id << 3 | IDE if frame.is_extended else frame.id << 21
        words = {
            RI0R: number | frame.is_remote << 1,
            RDT0R: len(frame.data),
            RDL0R: int.from_bytes(data[:4], "little"),
            RDH0R: int.from_bytes(data[4:], "little"),
        }
        return words[offset]

    def _note(self, text: str) -> int:
        self.violations.append(text)
        return 0

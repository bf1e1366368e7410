"""What a comparison found: where first, which signals, their bits, and how far they are apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

type Side = Literal["left", "right"]
type Kind = Literal["missing", "extra", "moved", "changed"]
type Value = float | int | str | None

SCHEMA_VERSION: Final = 1
EXIT_DIFFERENT: Final = 1


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """One signal that differs.

    Attributes:
        name: State by its C path, or ``<Message>.<Signal>``.
        unit: As SI spells it; empty where there is none.
        tick: First tick at which it differs.
        left: Value there; None where the sample is not available.
        right: Value there on the other side.
        left_bits: Its bits as hexadecimal digits, empty for a text.
        right_bits: Those of the other.
        distance: How many representable numbers lie between them, plus one; None if one of them is
            not a number. Positive and negative zero are one apart.
        distance_unit: ``ulp`` for floats, ``steps`` for integers.
        left_word: Word for a code, where there is one.
        right_word: Word for the other.
        count: Samples that differ, of those that were compared.
    """

    name: str
    unit: str
    tick: int
    left: Value
    right: Value
    left_bits: str
    right_bits: str
    distance: int | None
    distance_unit: str
    left_word: str | None = None
    right_word: str | None = None
    count: int = 1

    @property
    def text(self) -> str:
        """Return the difference in one line."""
        far = "" if self.distance is None else f", {self.distance:,} {self.distance_unit}"
        left = _told(self.left, self.left_word, self.left_bits)
        right = _told(self.right, self.right_word, self.right_bits)
        return f"{self.name} {left} against {right} {self.unit}".rstrip() + far


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """A frame that was sent by one side alone, at another tick, or with other data.

    Attributes:
        kind: ``missing`` (left alone sent it), ``extra`` (right alone), ``moved``, ``changed``.
        can_id: Identifier.
        name: Message.
        left_tick: When left sent it; None if it did not.
        right_tick: When right sent it; None if it did not.
        left_data: Payload in hexadecimal digits; empty where it is not known or was not sent.
        right_data: That of the other.
        signals: What differs between two frames of one tick.
    """

    kind: Kind
    can_id: int
    name: str
    left_tick: int | None
    right_tick: int | None
    left_data: str = ""
    right_data: str = ""
    signals: tuple[ValueDifference, ...] = ()

    @property
    def tick(self) -> int:
        """Return the tick at which one looks for it first."""
        ticks = [tick for tick in (self.left_tick, self.right_tick) if tick is not None]
        return min(ticks)

    @property
    def text(self) -> str:
        """Return the difference in one line."""
        what = f"{self.name} (0x{self.can_id:03X})"
        if self.kind == "moved":
            return f"{what} moved from tick {self.left_tick} to {self.right_tick}"
        if self.kind == "changed":
            data = f": {self.left_data} against {self.right_data}" if self.left_data else ""
            return f"{what} changed at tick {self.tick}{data}"
        return f"{what} {self.kind} at tick {self.tick}"


@dataclass(frozen=True, slots=True)
class NamedDifference:
    """One entry of the identities, or a total, that differs."""

    name: str
    left: str
    right: str

    @property
    def text(self) -> str:
        """Return the difference in one line."""
        return f"{self.name} {self.left or 'none'} against {self.right or 'none'}"


@dataclass(frozen=True, slots=True)
class OnlyIn:
    """A signal or message that one side alone has recorded."""

    side: Side
    name: str


@dataclass(frozen=True, slots=True)
class NanFound:
    """The first sample of a signal that is not a number: wrong by itself, even if both agree."""

    side: Side
    name: str
    tick: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what differs.

    Attributes:
        left: Name of one side.
        right: Name of the other.
        ticks: Ticks compared.
        frames: Frames sent that were compared.
        values: Samples compared, one by one.
        state_bytes: Bytes of state that were compared at each tick, by their digest.
        identity: What the two are, where they are not the same; no difference of behaviour.
        totals: Digests of the run and numbers of ticks, where they differ.
        differences: Signals that differ, the earliest first.
        frame_differences: The first frames that differ, in order.
        frame_counts: How many frames differ, by kind.
        only: What one side alone has.
        nan: Where a value that counts is not a number.
        tolerated: Samples accepted within a tolerance, by signal.
        left_out: Samples at times that one side alone has, by group; they were not compared.
    """

    left: str
    right: str
    ticks: int
    frames: int
    values: int = 0
    state_bytes: int = 0
    identity: tuple[NamedDifference, ...] = ()
    totals: tuple[NamedDifference, ...] = ()
    differences: tuple[ValueDifference, ...] = ()
    frame_differences: tuple[FrameDifference, ...] = ()
    frame_counts: Mapping[str, int] = field(default_factory=dict)
    only: tuple[OnlyIn, ...] = ()
    nan: tuple[NanFound, ...] = ()
    tolerated: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Say whether nothing that counts differs."""
        return not (self.totals or self.differences or self.frame_counts or self.only or self.nan)

    @property
    def exit_code(self) -> int:
        """Return 0 if equal, else 1."""
        return 0 if self.is_equal else EXIT_DIFFERENT

    @property
    def first_tick(self) -> int | None:
        """Return the first tick at which something differs, or None."""
        ticks = [difference.tick for difference in self.differences]
        ticks += [difference.tick for difference in self.frame_differences]
        ticks += [found.tick for found in self.nan]
        return min(ticks, default=None)

    @property
    def summary(self) -> str:
        """Return the outcome in one line: what was compared, or what differs first."""
        sides = f"{self.left} and {self.right}"
        if self.is_equal:
            return f"{sides}: equal at {self.compared}"
        if self.first_tick is not None:
            where = f"differ first at tick {self.first_tick:,}, {self.compared} compared"
            return f"{sides} {where}: {self._first_text()}"
        texts = [total.text for total in self.totals]
        texts += [f"{one.name} is in {getattr(self, one.side)} alone" for one in self.only]
        return f"{sides} differ, {self.compared} compared: {texts[0]}"

    @property
    def compared(self) -> str:
        """Return the counts of what was compared."""
        counts = [f"{self.ticks:,} ticks", f"{self.frames:,} frames"]
        return ", ".join([*counts, *([f"{self.values:,} values"] if self.values else [])])

    def _first_text(self) -> str:
        tick = self.first_tick
        texts = [d.text for d in self.differences if d.tick == tick]
        texts += [d.text for d in self.frame_differences if d.tick == tick]
        texts += [
            f"{n.name} is not a number in {getattr(self, n.side)}"
            for n in self.nan
            if n.tick == tick
        ]
        return texts[0]

    def as_document(self) -> dict[str, object]:
        """Return the comparison as one JSON object."""
        return {
            "schema": "d7xr.compare",
            "version": SCHEMA_VERSION,
            "left": self.left,
            "right": self.right,
            "is_equal": self.is_equal,
            "summary": self.summary,
            "first_tick": self.first_tick,
            "ticks": self.ticks,
            "frames": self.frames,
            "values": self.values,
            "state_bytes": self.state_bytes,
            "identity": _rows(self.identity),
            "totals": _rows(self.totals),
            "differences": _rows(self.differences),
            "frame_differences": _rows(self.frame_differences),
            "frame_counts": dict(self.frame_counts),
            "only": _rows(self.only),
            "nan": _rows(self.nan),
            "tolerated": dict(self.tolerated),
            "left_out": dict(self.left_out),
        }


def value_difference(
    name: str, unit: str, tick: int, left: np.generic | str | None, right: np.generic | str | None,
    *, words: Mapping[int, str] | None = None, count: int = 1,
) -> ValueDifference:  # fmt: skip
    """Describe two samples that differ; None stands for a sample that is not available."""
    is_float = any(isinstance(value, np.floating) for value in (left, right))
    return ValueDifference(
        name=name,
        unit=unit,
        tick=tick,
        left=_plain(left),
        right=_plain(right),
        left_bits=bits(left),
        right_bits=bits(right),
        distance=distance(left, right),
        distance_unit="ulp" if is_float else "steps",
        left_word=_word(left, words),
        right_word=_word(right, words),
        count=count,
    )


def distance(left: np.generic | str | None, right: np.generic | str | None) -> int | None:
    """Return how many steps of the number format lie between two samples.

    For floats these are units in the last place, counted across powers of two and across zero.

    Returns:
        0 for equal bits; None where there is no distance: a text, no sample, not a number, or
        samples of two formats.

    Example:
        >>> distance(np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0)))
        1
    """
    if isinstance(left, np.floating) and isinstance(right, np.floating):
        if left.dtype != right.dtype or np.isnan(left) or np.isnan(right):
            return None
        return abs(_place(left) - _place(right))
    if isinstance(left, np.integer | np.bool_) and isinstance(right, np.integer | np.bool_):
        return abs(int(left) - int(right))
    return None


def bits(value: np.generic | str | None) -> str:
    """Return the bits of a sample as hexadecimal digits, the most significant first."""
    if not isinstance(value, np.generic):
        return ""
    native = np.asarray(value)
    return "0x" + native.astype(native.dtype.newbyteorder(">")).tobytes().hex()


def counted(differences: Iterable[FrameDifference]) -> dict[str, int]:
    """Return how many frames differ, by kind, in alphabetical order."""
    return dict(sorted(Counter(difference.kind for difference in differences).items()))


def _place(value: np.floating[Any]) -> int:
    """Return the place of a float in the order of all floats; negative zero lies below zero."""
    sign = 1 << (8 * value.dtype.itemsize - 1)
    raw = int(bits(value), 16)
    return raw if raw < sign else sign - 1 - raw


def _plain(value: np.generic | str | None) -> Value:
    """Return a float32 as the shortest decimal that stands for it, all else as it is."""
    if isinstance(value, np.floating):
        return float(str(value))
    return int(value) if isinstance(value, np.integer | np.bool_) else value  # type: ignore[return-value]


def _word(value: np.generic | str | None, words: Mapping[int, str] | None) -> str | None:
    return words.get(int(value)) if words and isinstance(value, np.integer) else None


def _told(value: Value, word: str | None, bits: str) -> str:
    if value is None:
        return "not available"
    text = str(value) if word is None else f"{word} ({value})"
    return f"{text} ({bits})" if bits else text


def _rows(entries: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]

"""The unit in this process: the firmware's own C, compiled in; the only module that touches it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr import _core
from d7xr.frames import FRAME_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_ffi: Final = _core.ffi
_lib: Final = _core.lib

_CHUNK_TICKS: Final = 4096
"""Ticks for one crossing into C: the worst case of their changes and frames stays in cache."""

RUN_DIGEST_SEED: Final = int(_lib.d7xr_digest_seed)

CHANGE_DTYPE: Final = np.dtype([("tick", "<u8"), ("field", "<u4"), ("value", "<u4")])

_ENUM_OF: Final = {
    "flight_mode.state": "flight_mode_state_t",
    "flight_mode.cause": "flight_mode_cause_t",
    "flight_mode.detector_mode": "flight_mode_detector_t",
    "torque.reason": "torque_reason_t",
    "torque.runner_up": "torque_reason_t",
    "torque.recovering": "torque_reason_t",
    "cooling.state": "cooling_state_t",
    "demand.pedal": "demand_pedal_t",
    "fault.severity": "fault_severity_t",
    **{f"temperature[{i}].state": "temperature_state_t" for i in range(4)},
}
"""State is bytes in C; which value table a byte belongs to is said here."""

_UNIT_OF: Final = {
    "mps2": "m/s^2", "m2ps4": "m^2/s^4", "radps2": "rad/s^2", "radps": "rad/s", "rpm": "rpm",
    "mps": "m/s", "mm": "mm", "m": "m", "Nm": "Nm", "degC": "degC", "kPa": "kPa", "kW": "kW",
    "gps": "g/s", "mlps": "ml/s", "pct": "%", "ratio": "-", "V": "V", "A": "A", "L": "L",
    "ms": "ms", "ticks": "ms", "K": "K", "s": "s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One value in the unit's state.

    Attributes:
        name: Its C path without the outer struct, for example ``flight_mode.state``.
        unit: Unit by the suffix of its name; empty where it has none.
        offset: Place in the state, bytes.
        ctype: ``float``, ``uint32_t``, ``uint16_t`` or ``uint8_t``.
        choices: Text of each code, or None.
        meaning: What the header says of it.
    """

    name: str
    unit: str
    offset: int
    ctype: str
    choices: Mapping[int, str] | None
    meaning: str

    @property
    def size(self) -> int:
        """Width in bytes."""
        return {"float": 4, "uint32_t": 4, "uint16_t": 2, "uint8_t": 1}[self.ctype]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tunable number, or a small array of them, from the calibration table."""

    id: int
    name: str
    unit: str
    minimum: float
    maximum: float
    default: float | int | tuple[float | int, ...]
    meaning: str
    source: str
    ctype: str
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a calibration: a value out of range, or a broken rule."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the fault table."""

    number: int
    name: str
    severity: str
    set_ms: int
    heal_ms: int
    saw: str
    does: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a stretch of ticks gave.

    Attributes:
        tick: Ticks of the recorded rows, int64, shape ``(m,)``.
        columns: Recorded fields by name, in their own type, each of shape ``(m,)``.
        changes: Changes of the watched fields, ``CHANGE_DTYPE``; the first tick reports them all.
            ``value`` is the bits of the field, widened with zeros.
        sent_tick: Tick of each frame that the unit sent, int64, shape ``(k,)``.
        sent: These frames, ``FRAME_DTYPE``, shape ``(k,)``.
        digest: Digest of the state after each tick, uint32, shape ``(ticks,)``; None if not asked.
        run_digest: Digest of the whole run up to here (see run_digest.h).
    """

    tick: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    changes: NDArray[np.void]
    sent_tick: NDArray[np.int64]
    sent: NDArray[np.void]
    digest: NDArray[np.uint32] | None
    run_digest: int


class Ecu:
    """One unit: frames go in, a millisecond passes, frames come out.

    Two units that got the same frames are equal in every byte. A snapshot is a copy of these bytes;
    a fork goes on from them by itself.

    Args:
        calibration: The set to start with, as bytes of the C struct; None takes the built-in one. A
            set that breaks a range or a rule is refused as on the car: the built-in one is used,
            and the fault ``CalibrationRefused`` says so.

    Raises:
        ValueError: The bytes are not as many as the set has.

    Example:
        >>> ecu = Ecu()
        >>> ecu.tick()
        >>> ecu.text("flight_mode.state")
        'Ground'
    """

    __slots__ = ("_calibration", "_run_digest", "_tick", "_vcu")

    def __init__(self, calibration: bytes | None = None) -> None:
        """Start the unit."""
        blob = calibration_default() if calibration is None else calibration
        self._calibration = _calibration_from(blob)
        self._vcu = _ffi.new("vcu_t *")
        _lib.vcu_init(self._vcu, self._calibration)
        self._tick = 0
        self._run_digest = RUN_DIGEST_SEED

    @property
    def tick_count(self) -> int:
        """Ticks since start."""
        return self._tick

    @property
    def digest(self) -> int:
        """Digest of the state as it is now."""
        return int(_lib.vcu_digest(self._vcu))

    @property
    def run_digest(self) -> int:
        """Digest of everything that the unit sent and was, by ``run``, since start."""
        return self._run_digest

    def receive(self, can_id: int, data: bytes) -> None:
        """Hand in one classic data frame with an 11-bit identifier."""
        frame = _ffi.new("can_frame_t *")
        frame.id = can_id
        frame.length = len(data)
        _ffi.memmove(frame.data, data, len(data))
        _lib.vcu_receive(self._vcu, frame)

    def tick(self, count: int = 1) -> None:
        """Let ``count`` milliseconds pass; frames that nobody fetches are counted as overrun."""
        for _ in range(count):
            _lib.vcu_tick(self._vcu)
        self._tick += count

    def transmit(self) -> list[tuple[int, bytes]]:
        """Fetch the frames that are due, as identifier and data."""
        frame = _ffi.new("can_frame_t *")
        frames: list[tuple[int, bytes]] = []
        while _lib.vcu_transmit(self._vcu, frame):
            frames.append((int(frame.id), bytes(_ffi.buffer(frame.data, frame.length))))
        return frames

    def snapshot(self) -> bytes:
        """Return the whole state, calibration included."""
        return bytes(_ffi.buffer(self._vcu))

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot of a unit of the same build.

        Raises:
            ValueError: The snapshot has another size, so another build made it.
        """
        if len(snapshot) != _ffi.sizeof("vcu_t"):
            raise ValueError(
                f"a snapshot has {_ffi.sizeof('vcu_t')} bytes, this one {len(snapshot)}"
            )
        _ffi.memmove(self._vcu, snapshot, len(snapshot))
        self._tick = int(self._vcu.tick_count)

    def fork(self) -> Ecu:
        """Return a unit that goes on from here by itself."""
        other = Ecu.__new__(Ecu)
        other._calibration = self._calibration
        other._vcu = _ffi.new("vcu_t *")
        _ffi.memmove(other._vcu, self._vcu, _ffi.sizeof("vcu_t"))
        other._tick = self._tick
        other._run_digest = self._run_digest
        return other

    def __getitem__(self, name: str) -> float | int:
        """Read one field of the state by its name.

        Raises:
            KeyError: There is no such field.
        """
        field = _field(name)
        raw = _ffi.buffer(self._vcu)[field.offset : field.offset + field.size]
        value = np.frombuffer(raw, dtype=_DTYPE_OF[field.ctype])[0]
        return float(value) if field.ctype == "float" else int(value)

    def text(self, name: str) -> str:
        """Read one field in words: the text of its code, or its value with unit."""
        field, value = _field(name), self[name]
        if field.choices is not None:
            return field.choices.get(int(value), str(value))
        return f"{value:g} {field.unit}".rstrip()

    @staticmethod
    def fields() -> tuple[Field, ...]:
        """Return every field of the state, in the order of its bytes; padding is left out."""
        return _fields()

    def run(
        self,
        frame: NDArray[np.void],
        frame_tick: NDArray[np.int64],
        ticks: int,
        *,
        record: Sequence[str] = (),
        every_ticks: int = 10,
        watch: Sequence[str] = (),
        with_digests: bool = False,
    ) -> Run:
        """Run a stretch of ticks in C, without a Python step in between.

        Args:
            frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
            frame_tick: Tick of each, counted from the first tick of this stretch, shape ``(n,)``,
                never decreasing. The frames of a tick are received before it runs.
            ticks: How many ticks to run.
            record: Fields to record at every tick that is a multiple of ``every_ticks``.
            every_ticks: Distance of the recorded ticks.
            watch: Fields of which every change is kept.
            with_digests: Keep the digest of the state after every tick.

        Raises:
            KeyError: A field does not exist.
            ValueError: Times decrease, or the columns do not belong together.
        """
        if frame.shape != frame_tick.shape or frame.ndim != 1:
            raise ValueError(f"need equal (n,) shapes: {frame.shape}, {frame_tick.shape}")
        if frame_tick.size and np.any(np.diff(frame_tick) < 0):
            raise ValueError("ticks of the frames decrease")
        if every_ticks < 1:
            raise ValueError(f"every_ticks must be 1 or more, not {every_ticks}")
        batch = _Batch(self._tick, frame, frame_tick, record, watch, every_ticks, with_digests)
        batch.c.run_digest = self._run_digest
        for first in range(0, ticks, _CHUNK_TICKS):
            batch.run(self._vcu, min(_CHUNK_TICKS, ticks - first))
        self._tick += ticks
        self._run_digest = int(batch.c.run_digest)
        return batch.result(self._run_digest)


_DTYPE_OF: Final = {"float": "<f4", "uint32_t": "<u4", "uint16_t": "<u2", "uint8_t": "u1"}


class _Batch:
    """The buffers of one stretch, and the C struct that points into them."""

    def __init__(
        self, tick: int, frame: NDArray[np.void], frame_tick: NDArray[np.int64],
        record: Sequence[str], watch: Sequence[str], every_ticks: int, with_digests: bool,
    ) -> None:  # fmt: skip
        self._record = [_field(name) for name in record]
        self._watch = [_field(name) for name in watch]
        self._rows = -(-_CHUNK_TICKS // every_ticks) + 1
        self._row = np.zeros((len(record), self._rows), dtype=np.uint32)
        self._change = np.zeros(_CHUNK_TICKS * len(watch), dtype=CHANGE_DTYPE)
        self._last = np.zeros(len(watch), dtype=np.uint32)
        per_tick = int(_lib.BUS_SENT_COUNT)
        self._sent = np.zeros(_CHUNK_TICKS * per_tick + 1, dtype=FRAME_DTYPE)
        self._sent_tick = np.zeros(_CHUNK_TICKS * per_tick + 1, dtype=np.int64)
        self._digest = np.zeros(_CHUNK_TICKS if with_digests else 0, dtype=np.uint32)
        self._every_ticks = every_ticks
        self._frame = np.ascontiguousarray(frame, dtype=FRAME_DTYPE)
        self._frame_tick = np.asarray(frame_tick, dtype=np.int64) + tick
        self._first_tick = tick

        self.c = _ffi.new("batch_t *")
        self._alive = [_c_fields(self._record), _c_fields(self._watch)]
        self._point("frame", "can_frame_t *", self._frame)
        self._point("frame_tick", "int64_t *", self._frame_tick)
        self._point("last", "uint32_t *", self._last)
        self._point("row", "uint32_t *", self._row)
        self._point("change", "batch_change_t *", self._change)
        self._point("sent", "can_frame_t *", self._sent)
        self._point("sent_tick", "int64_t *", self._sent_tick)
        if with_digests:
            self._point("digest", "uint32_t *", self._digest)
        self.c.frames = len(self._frame)
        self.c.record, self.c.records = self._alive[0], len(record)
        self.c.watch, self.c.watches = self._alive[1], len(watch)
        self.c.every_ticks = every_ticks
        self.c.row_capacity = self._rows
        self.c.tick = tick

        self._ticks: list[NDArray[np.int64]] = []
        self._row_parts: list[NDArray[np.uint32]] = []
        self._change_parts: list[NDArray[np.void]] = []
        self._sent_parts: list[NDArray[np.void]] = []
        self._sent_tick_parts: list[NDArray[np.int64]] = []
        self._digest_parts: list[NDArray[np.uint32]] = []

    def _point(self, member: str, ctype: str, column: NDArray[Any]) -> None:
        """Let a member point into a column; this object keeps the column alive."""
        setattr(self.c, member, _ffi.cast(ctype, column.ctypes.data))

    def run(self, vcu: Any, ticks: int) -> None:  # noqa: ANN401 - a cffi handle has no type
        first = int(self.c.tick)
        _lib.batch_run(self.c, vcu, ticks)
        rows, changes, sents = int(self.c.rows), int(self.c.changes), int(self.c.sents)
        start = -(-first // self._every_ticks) * self._every_ticks
        self._ticks.append(start + self._every_ticks * np.arange(rows, dtype=np.int64))
        self._row_parts.append(self._row[:, :rows].copy())
        self._change_parts.append(self._change[:changes].copy())
        self._sent_parts.append(self._sent[:sents].copy())
        self._sent_tick_parts.append(self._sent_tick[:sents].copy())
        self._digest_parts.append(self._digest[:ticks].copy())

    def result(self, run_digest: int) -> Run:
        row = _joined([*self._row_parts, self._row[:, :0]], axis=1)
        return Run(
            tick=_joined([*self._ticks, np.zeros(0, np.int64)]),
            columns={
                field.name: _as_type(row[number], field.ctype)
                for number, field in enumerate(self._record)
            },
            changes=_joined([*self._change_parts, self._change[:0]]),
            sent_tick=_joined([*self._sent_tick_parts, self._sent_tick[:0]]),
            sent=_joined([*self._sent_parts, self._sent[:0]]),
            digest=_joined([*self._digest_parts, self._digest[:0]]) if self._digest.size else None,
            run_digest=run_digest,
        )


def _joined(parts: Sequence[NDArray[Any]], axis: int = 0) -> NDArray[Any]:
    joined = np.concatenate(parts, axis=axis)
    joined.flags.writeable = False
    return joined


def _as_type(bits: NDArray[np.uint32], ctype: str) -> NDArray[Any]:
    return bits.view("<f4") if ctype == "float" else bits.astype(_DTYPE_OF[ctype])


def _c_fields(fields: Sequence[Field]) -> Any:  # noqa: ANN401 - a cffi array has no type
    return _ffi.new("batch_field_t[]", [(field.offset, field.size) for field in fields])


def chain_digest(
    run_digest: int, first_tick: int, digest: NDArray[np.uint32],
    sent_tick: NDArray[np.int64], sent: NDArray[np.void],
) -> int:  # fmt: skip
    """Carry a run's digest over a stretch that ran on another target (see run_digest.h).

    Args:
        run_digest: The chain so far; ``RUN_DIGEST_SEED`` before the first tick.
        first_tick: Tick at which the stretch began.
        digest: Digest of the state after each of its ticks, shape ``(ticks,)``.
        sent_tick: Tick of each frame sent, counted from the first of the stretch, shape ``(k,)``.
        sent: These frames, ``FRAME_DTYPE``, shape ``(k,)``.
    """
    columns = [
        np.ascontiguousarray(digest, dtype=np.uint32),
        np.ascontiguousarray(sent, dtype=FRAME_DTYPE),
        np.ascontiguousarray(sent_tick, dtype=np.int64),
    ]
    types = ("uint32_t *", "can_frame_t *", "int64_t *")
    pointers = [
        _ffi.cast(ctype, column.ctypes.data) for ctype, column in zip(types, columns, strict=True)
    ]
    return int(_lib.batch_chain(run_digest, first_tick, len(digest), *pointers, len(sent)))


# ---- what the state consists of


def _unit_of(name: str) -> str:
    """Return the unit that a C name ends in; longer suffixes first, ``_Nmps`` is not ``_mps``."""
    member = re.sub(r"\[\d+\]$", "", name).removesuffix(".value").rsplit(".", 1)[-1]
    is_bare = "_" not in member  # a member that is nothing but its unit, as temperature[0].degC
    return _UNIT_OF.get(member.rsplit("_", 1)[-1], "") if not is_bare or member == "degC" else ""


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


@cache
def choices_of(enum: str) -> dict[int, str]:
    """Return the texts of a C enum: common prefix and ``..._COUNT`` dropped, in CamelCase."""
    names = {
        int(code): name
        for code, name in sorted(_ffi.typeof(enum).elements.items())
        if not name.endswith("_COUNT")
    }
    words = [name.split("_") for name in names.values()]
    shared = 0
    while all(len(w) > shared + 1 and w[shared] == words[0][shared] for w in words):
        shared += 1
    return {code: _camel("_".join(name.split("_")[shared:])) for code, name in names.items()}


@cache
def _meanings() -> dict[tuple[str, str], str]:
    lines = _ffi.string(_lib.core_meanings).decode("ascii").splitlines()
    split = (line.split("\t") for line in lines)
    return {(struct, member): text for struct, member, text in split}


def _walk(ctype: Any, path: str, offset: int, meaning: str) -> Iterator[Field]:  # noqa: ANN401
    if ctype.kind == "primitive":
        enum = _ENUM_OF.get(path)
        texts = choices_of(enum) if enum is not None else None
        yield Field(path, _unit_of(path), offset, ctype.cname, texts, meaning)
    elif ctype.kind == "array":
        size = _ffi.sizeof(ctype.item)
        for index in range(ctype.length):
            yield from _walk(ctype.item, f"{path}[{index}]", offset + index * size, meaning)
    else:
        for member, field in ctype.fields:
            if member.startswith("reserved") or member == "by_index":
                continue
            inner = f"{path}.{member}" if path and member else path or member
            text = _meanings().get((ctype.cname, member), meaning if member == "value" else "")
            yield from _walk(field.type, inner, offset + field.offset, text)


@cache
def _fields() -> tuple[Field, ...]:
    found: list[Field] = []
    for member, field in _ffi.typeof("vcu_t").fields:
        if member != "calibration":
            path = "" if member == "control" else member
            found.extend(_walk(field.type, path, field.offset, ""))
    return tuple(found)


@cache
def _fields_by_name() -> dict[str, Field]:
    return {field.name: field for field in _fields()}


def _field(name: str) -> Field:
    try:
        return _fields_by_name()[name]
    except KeyError:
        raise KeyError(f"the unit has no field '{name}'; see `d7xr signals`") from None


# ---- what the tables of the firmware say


def _text(pointer: Any) -> str:  # noqa: ANN401 - a cffi string has no type
    return str(_ffi.string(pointer).decode("ascii"))


def calibration_default() -> bytes:
    """Return the built-in set as bytes of the C struct."""
    return bytes(_ffi.buffer(_ffi.addressof(_lib.calibration_default)))


@cache
def calibration_parameters() -> tuple[Parameter, ...]:
    """Return the table of tunable numbers, in the order of the struct."""
    blob = calibration_default()
    rows = (_lib.describe_parameter[i] for i in range(int(_lib.describe_parameters)))
    found: list[Parameter] = []
    for row in rows:
        ctype = _text(row.type)
        column = np.frombuffer(
            blob, dtype=_DTYPE_OF[ctype], count=row.count, offset=row.offset_bytes
        )
        values = tuple(_shortest(value) for value in column)
        found.append(
            Parameter(
                id=int(row.id),
                name=f"{_text(row.module)}.{_text(row.name)}",
                unit=_text(row.unit),
                minimum=float(_shortest(np.float32(row.min))),
                maximum=float(_shortest(np.float32(row.max))),
                default=values if row.is_array else values[0],
                meaning=_text(row.meaning),
                source=_text(row.source),
                ctype=ctype,
                offset=int(row.offset_bytes),
                count=int(row.count),
            )
        )
    return tuple(found)


def _shortest(value: Any) -> float | int:  # noqa: ANN401 - a numpy scalar of either kind
    """Return a float32 as the shortest decimal that stands for it, an integer as it is."""
    return float(str(value)) if isinstance(value, np.floating) else int(value)


def calibration_check(blob: bytes) -> tuple[Finding, ...]:
    """Judge a set as the unit does, and name everything that is wrong with it."""
    cal = _calibration_from(blob)
    findings: list[Finding] = []
    for parameter in calibration_parameters():
        column = np.frombuffer(
            blob, dtype=_DTYPE_OF[parameter.ctype], count=parameter.count, offset=parameter.offset
        )
        lowest, highest = np.float32(parameter.minimum), np.float32(parameter.maximum)
        for value in column[~((column >= lowest) & (column <= highest))]:
            text = (
                f"{parameter.name} = {_shortest(value):g} is not in "
                f"{parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}"
            )
            findings.append(Finding("range", parameter.name, text))
    if not findings and not _lib.calibration_is_in_range(cal):
        raise AssertionError("the unit refuses a range that the host accepts")
    for number in range(int(_lib.describe_rules)):
        if not _lib.calibration_keeps_rule(cal, number):
            rule = _lib.describe_rule[number]
            name = _text(rule.name).replace("_", "-")
            findings.append(Finding("rule", name, _text(rule.text)))
    return tuple(findings)


def calibration_hash(blob: bytes) -> int:
    """Return the number by which a set is known on the bus and in every record."""
    return int(_lib.calibration_hash(_calibration_from(blob)))


def _calibration_from(blob: bytes) -> Any:  # noqa: ANN401 - a cffi handle has no type
    if len(blob) != _ffi.sizeof("vcu_calibration_t"):
        raise ValueError(
            f"a calibration has {_ffi.sizeof('vcu_calibration_t')} bytes, this one {len(blob)}"
        )
    cal = _ffi.new("vcu_calibration_t *")
    _ffi.memmove(cal, blob, len(blob))
    return cal


@cache
def faults() -> tuple[Fault, ...]:
    """Return the fault table."""
    rows = enumerate(_lib.describe_fault[i] for i in range(int(_lib.describe_faults)))
    return tuple(
        Fault(number, _camel(_text(row.name)), _camel(_text(row.severity)),
              int(row.set_ms), int(row.heal_ms), _text(row.saw), _text(row.does))
        for number, row in rows
    )  # fmt: skip


def received_messages() -> tuple[str, ...]:
    """Return the groups of supervised messages, in the order of ``bus.accepted_count``."""
    return tuple(choices_of("inputs_group_t").values())


def core_identity(calibration: bytes | None = None) -> dict[str, str]:
    """Return who this build is, and which calibration it would run with."""
    blob = calibration_default() if calibration is None else calibration
    return {
        "build_id": f"{int(_lib.describe_build_id):08x}",
        "layout_hash": f"{int(_lib.describe_layout_hash):08x}",
        "calibration_id": f"{calibration_hash(blob):08x}",
        "compiler": _text(_lib.describe_compiler),
        "flags": _text(_lib.core_flags),
    }


if _ffi.sizeof("can_frame_t") != FRAME_DTYPE.itemsize:  # pragma: no cover - a broken build
    raise ImportError("the compiled core has another frame layout; build it again: make setup")

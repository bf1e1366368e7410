"""The comparison is worth what it catches: machines that differ in one bit somewhere."""

import os
import signal
import struct
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.compare import Comparison, back_to_back
from d7xr.ecu import Ecu, calibration_default, calibration_parameters, core_identity
from d7xr.errors import InconclusiveError, RigError
from d7xr.target.base import Answer
from d7xr.target.emulated import Emulated
from d7xr.target.sil import Sil
from tests.recordings import REPOSITORY
from tests.targets import arm
from tests.targets.corpus import Stretch, demo

TICKS = 30_000


@pytest.fixture(scope="module")
def drive() -> Stretch:
    """The demo until it has landed from its first flight."""
    return demo().beginning(TICKS)


def compared(left: Sil, right: Sil | Emulated, drive: Stretch) -> Comparison:
    return back_to_back(left, right, drive.frame, drive.tick, drive.ticks, calibration_default())


class Altered(Sil):
    """A unit whose calibration, frames or answers differ from what the host wanted.

    Args:
        parameter: Number of the calibration whose last bit is flipped.
        frame: Frame, counted from the first of the run, of which one bit is flipped.
        drop: Frame sent, counted from the first of the run, that never arrives.
        late: Frame sent that arrives a tick late.
        invent: Whether a frame comes that nobody sent.
    """

    name = "altered"

    def __init__(
        self, *, parameter: str | None = None, frame: int | None = None,
        drop: int | None = None, late: int | None = None, invent: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._parameter, self._frame = parameter, frame
        self._drop, self._late, self._invent = drop, late, invent
        self._received = 0

    def __enter__(self) -> Self:
        return self

    def start(self, calibration: bytes) -> None:
        self._received = 0
        blob = bytearray(calibration)
        for parameter in calibration_parameters():
            if parameter.name == self._parameter:
                blob[parameter.offset] ^= 1
        super().start(bytes(blob))

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        fed = frame.copy()
        if self._frame is not None and 0 <= self._frame - self._received < len(fed):
            fed["data"][self._frame - self._received, 0] ^= 1
        self._received += len(fed)
        answer = super().run(fed, frame_tick, ticks)
        tick, sent = answer.sent_tick.copy(), answer.sent.copy()
        if self._late is not None:
            tick[self._late] += 1
        if self._invent:
            tick, sent = np.append(tick, tick[-1]), np.append(sent, sent[-1:])
            sent["id"][-1] = 0x7FF
        if self._drop is not None:
            tick, sent = np.delete(tick, self._drop), np.delete(sent, self._drop)
        return Answer(answer.digest, tick, sent)


def test_two_equal_machines_are_equal_and_it_is_said_what_was_compared(drive: Stretch) -> None:
    found = compared(Sil(), Sil(), drive)

    assert found.is_equal
    assert found.summary == f"sil and sil: equal at 30,000 ticks, {found.frames:,} frames"
    assert found.ticks == TICKS
    assert found.frames > 9_000


def test_a_build_with_fused_products_is_caught_with_field_and_distance(
    drive: Stretch, contracted_image: Path
) -> None:
    with Emulated(contracted_image) as contracted:
        found = compared(Sil(), contracted, drive)

    assert not found.is_equal
    assert found.exit_code == 1
    first = found.differences[0]
    assert first.tick == found.first_tick
    assert first.distance_unit == "ulp"
    assert first.distance
    assert first.left_bits != first.right_bits
    for part in (first.name, first.left_bits, first.right_bits, "ulp", f"tick {first.tick:,}"):
        assert part in found.summary


def test_a_calibration_with_one_other_bit_is_caught_at_the_first_tick(drive: Stretch) -> None:
    parameter = next(p for p in calibration_parameters() if p.ctype == "float" and p.count == 1)

    found = compared(Sil(), Altered(parameter=parameter.name), drive)

    assert found.first_tick == 0
    first = found.differences[0]
    assert (first.name, first.distance) == (f"calibration {parameter.name}", 1)
    assert "calibration_hash" in {difference.name for difference in found.differences}


@pytest.mark.parametrize("number", [0, 5_000, 25_000])
def test_a_flipped_bit_in_one_frame_is_caught_at_the_tick_of_that_frame(
    drive: Stretch, number: int
) -> None:
    found = compared(Sil(), Altered(frame=number), drive)

    assert found.first_tick == drive.tick[number]
    assert found.differences
    assert {difference.name for difference in found.differences} <= {f.name for f in Ecu.fields()}


def test_a_lost_frame_is_missing_by_name_and_tick(drive: Stretch) -> None:
    found = compared(Sil(), Altered(drop=7), drive)

    assert found.frame_counts == {"missing": 1}
    lost = found.frame_differences[0]
    assert lost.kind == "missing"
    assert lost.name != "unknown"
    assert lost.text in found.summary


def test_a_late_frame_has_moved_and_is_not_called_lost(drive: Stretch) -> None:
    found = compared(Sil(), Altered(late=3), drive)

    assert found.frame_counts == {"moved": 1}
    moved = found.frame_differences[0]
    assert moved.left_tick is not None
    assert moved.right_tick == moved.left_tick + 1


def test_a_frame_that_nobody_sent_is_extra(drive: Stretch) -> None:
    found = compared(Sil(), Altered(invent=True), drive)

    assert found.frame_counts == {"extra": 1}
    assert found.frame_differences[0].can_id == 0x7FF


def test_comparing_nothing_is_inconclusive(drive: Stretch) -> None:
    nothing = Stretch(drive.frame[:0], drive.tick[:0], 0)

    with pytest.raises(InconclusiveError, match="nothing was compared") as caught:
        compared(Sil(), Sil(), nothing)

    assert caught.value.exit_code == 4


def test_an_emulator_that_dies_mid_run_is_reported_and_never_waited_for(
    drive: Stretch, emulated: Emulated
) -> None:
    emulated.start(calibration_default())
    emulated.run(drive.frame[:0], drive.tick[:0], 100)
    process = emulated._process
    assert process is not None
    process.kill()
    process.wait()

    with pytest.raises(RigError, match=r"the emulator .* ended with status -9"):
        compared(Sil(), emulated, drive)


def test_an_emulator_that_says_nothing_is_given_up(
    emulated: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("d7xr.target.emulated._ANSWER_S", 0.1)
    process = emulated._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)

    with pytest.raises(RigError, match="said nothing for"):
        emulated.start(calibration_default())

    assert process.returncode == -signal.SIGKILL


def test_an_image_of_another_build_is_refused_with_both_names(
    replay_image: Path, tmp_path: Path
) -> None:
    ours = int(core_identity()["build_id"], 16)
    content = replay_image.read_bytes()
    foreign = tmp_path / "replay.elf"
    foreign.write_bytes(content.replace(struct.pack("<I", ours), struct.pack("<I", 0x0BADBEEF)))
    assert foreign.read_bytes() != content

    with (
        pytest.raises(RigError, match=f"is build 0badbeef.*this host is build {ours:08x}"),
        Emulated(foreign),
    ):
        pass


@pytest.mark.parametrize(
    "variable", ["EXTRA_CFLAGS=-ffp-contract=fast", "OPTIMISE=-O2", "D7XR_ARITH=-fno-math-errno"]
)
def test_an_image_of_other_flags_has_another_identity(variable: str) -> None:
    arm.require()
    # A folder each: another process may build with other flags meanwhile.
    folder = REPOSITORY / "build" / f"firmware-{variable.partition('=')[0].lower()}"

    image = arm.built(folder / "replay.elf", variable)

    with pytest.raises(RigError, match="; this host is build"), \
            Emulated(image):  # fmt: skip
        pass
    assert variable.removeprefix("EXTRA_CFLAGS=") in (folder / "flags.txt").read_text()


def test_a_missing_image_is_refused_with_the_command_that_builds_it(
    tmp_path: Path, replay_image: Path
) -> None:
    with (
        pytest.raises(RigError, match=r"no firmware image.*\nbuild it: make firmware"),
        Emulated(tmp_path / "absent.elf"),
    ):
        pass


def test_a_missing_emulator_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with (
        pytest.raises(RigError, match=r"no qemu-system-arm.*\napt-get install qemu-system-arm"),
        Emulated(),
    ):
        pass

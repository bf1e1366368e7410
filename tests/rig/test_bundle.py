"""What is kept of a failure, to the last byte."""

from pathlib import Path

import numpy as np

from d7xr import calibration
from d7xr.ecu import calibration_default, calibration_parameters
from d7xr.errors import RigError
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, FRAME_REMOTE
from d7xr.hil.bundle import calibration_toml, write_bundle
from d7xr.hil.witness import Witness
from d7xr.target.sil import Sil
from d7xr.trace import read_trace


class Talking(Sil):
    """A unit behind a port that keeps its bytes and does not tell its state."""

    console = b"\xe2\x82reset\r\n\xff"

    def snapshot(self) -> bytes:
        raise RigError("no state over this link")


def bundle(folder: Path, unit: Witness, test: str = "test_x.py::test_y[board]") -> Path:
    return write_bundle(folder, test, unit, cause="it broke", identity={"build_id": "0a0b0c"})


def test_pain_26_bytes_of_the_port_are_kept_as_they_came(tmp_path: Path) -> None:
    folder = bundle(tmp_path, Witness(Talking()))

    assert (folder / "console.bin").read_bytes() == b"\xe2\x82reset\r\n\xff"
    assert not (folder / "snapshot.bin").exists()
    assert "no snapshot: no state over this link" in (folder / "cause.txt").read_text()


def test_an_older_bundle_of_the_same_test_stays(tmp_path: Path) -> None:
    unit = Witness(Sil())

    names = [bundle(tmp_path, unit).name for _ in range(3)]

    assert names == [f"test-x-py-test-y-board{end}" for end in ("", "_2", "_3")]


def test_every_set_comes_back_byte_by_byte_from_its_file(tmp_path: Path) -> None:
    # Given the built-in set, and one in which every number is as large as it may be
    largest = bytearray(calibration_default())
    for number in calibration_parameters():
        dtype = "<f4" if number.ctype == "float" else "<u4"
        column = np.full(number.count, number.maximum, dtype=dtype)
        largest[number.offset : number.offset + column.nbytes] = column.tobytes()

    # When they are written and read, then nothing is lost
    for blob in (calibration_default(), bytes(largest)):
        path = tmp_path / "set.toml"
        path.write_text(calibration_toml(blob))
        assert calibration.examine(path)[0].blob == blob


def test_frames_of_every_kind_are_read_back_with_their_ticks(tmp_path: Path) -> None:
    # Given a unit that heard a data frame, a long identifier and a remote frame in three ticks
    frames = np.zeros(3, FRAME_DTYPE)
    frames["id"] = (0x0A0, 0x1ABCDE0, 0x123)
    frames["length"] = (8, 3, 2)
    frames["flags"] = (0, FRAME_EXTENDED, FRAME_REMOTE)
    frames["data"][:2, :3] = (1, 2, 255)
    unit = Witness(Sil())
    unit.run(ticks=1000)
    unit.run(frames, np.array([0, 1, 2]), ticks=500)

    # When the bundle is read, then they stand where they were, between first and last tick
    trace = read_trace(bundle(tmp_path, unit) / "frames.log")
    assert (trace.time_us - trace.time_us[0]).tolist() == [0, 1000000, 1001000, 1002000, 1499000]
    assert trace.id[1:4].tolist() == [0x0A0, 0x1ABCDE0, 0x123]
    assert trace.length[1:4].tolist() == [8, 3, 2]
    assert trace.flags[1:4].tolist() == [0, FRAME_EXTENDED, FRAME_REMOTE]
    assert trace.data[2, :3].tolist() == [1, 2, 255]


def test_what_broke_the_rig_is_in_the_bundle_though_it_was_never_answered(tmp_path: Path) -> None:
    class Breaking(Sil):
        def run(self, frame, frame_tick, ticks):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            raise RigError("gone")

    unit = Witness(Breaking())
    frames = np.zeros(1, FRAME_DTYPE)
    frames["id"], frames["length"] = 0x0A0, 8
    try:
        unit.run(frames, np.zeros(1, np.int64), 1)
    except RigError:
        folder = bundle(tmp_path, unit)

    assert "0A0#0000000000000000" in (folder / "frames.log").read_text()
    assert (folder / "digests.txt").read_text() == ""

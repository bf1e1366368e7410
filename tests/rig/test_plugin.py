"""The plug-in at work.

Trouble is told from failure, the first trouble stops the rest, and a failure leaves all that is
needed to see it again.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from d7xr.ecu import Ecu
from tests.cli.bench import runner
from tests.rig.bench import Ran, run_python

SUITE = """
import numpy as np
import pytest

from d7xr.errors import LinkError
from d7xr.frames import Frames


@pytest.mark.hil
@pytest.mark.req("HIL-001", "FM-012")
def test_good(replay, recorder):
    done = replay(to_ms=800)
    assert done.is_equal, done.summary
    assert len(recorder.sent)


TARGETS = []


def test_a_target_is_opened(ecu):
    TARGETS.append(ecu.target)


def test_it_stays_open_for_the_next_test(ecu):
    assert ecu.target is TARGETS[-1]


def test_each_unit_is_fresh(ecu, recorder):
    assert ecu.tick == 0
    assert len(ecu.run(ticks=5).digest) == 5


@pytest.mark.needs("serial", "power")
def test_beyond(rig):
    raise AssertionError("it must not run")


@pytest.mark.needs("seriall")
def test_mistyped(rig):
    raise AssertionError("it must not run")


def test_bad(replay, drive, ecu):
    assert replay(drive, from_ms=1000, to_ms=1300).is_equal
    ecu.run(ticks=50)
    assert ecu.tick == 0, "the behaviour is wrong"


def test_spoilt_in_silence(ecu, drive):
    frames = drive.frame[:40].copy()
    frames["data"][:, 7] ^= 1
    ecu.run(frames, np.zeros(40, np.int64), 1)


@pytest.mark.upsets("bus.rejected_count")
def test_spoilt_on_purpose(ecu, drive):
    frames = drive.frame[:40].copy()
    frames["data"][:, 7] ^= 1
    ecu.run(frames, np.zeros(40, np.int64), 1)
    TARGETS.append(ecu.target)


def test_a_target_that_was_upset_is_opened_anew(ecu, drive):
    ecu.run(drive.frame[:2], np.zeros(2, np.int64), 1)
    assert ecu.target is not TARGETS[-1]


def test_without_a_unit():
    pass


def test_trouble(ecu, drive):
    ecu.run(drive.frame[:10], np.zeros(10, np.int64), 3)
    raise LinkError("the port vanished", hint="plug it in")


def test_later(ecu):
    raise AssertionError("it must not run")


@pytest.mark.needs("power")
def test_later_and_beyond(rig):
    raise AssertionError("it must not run")


def test_later_without_a_unit():
    pass
"""

CONFTEST = """
import pytest
from d7xr.demo import demo_trace_path
from d7xr.hil.replaying import load_drive

@pytest.fixture(scope="session")
def drive():
    return load_drive(demo_trace_path())
"""

COMMON = ("-m", "pytest", "-p", "d7xr.pytest_plugin", "-p", "no:d7xr", "-p", "no:randomly",
          "-p", "no:cacheprovider", "-c", "none.ini", "--rootdir=.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has run, and what it left."""

    folder: Path
    ran: Ran
    cases: dict[str, ET.Element]

    def outcome(self, name: str) -> str:
        """Return passed, failure, error or skipped."""
        kinds = [
            child.tag for child in self.cases[name] if child.tag not in {"properties", "system-out"}
        ]
        return kinds[0] if kinds else "passed"

    def text(self, name: str, kind: str) -> str:
        """Return the text of an outcome."""
        element = self.cases[name].find(kind)
        assert element is not None
        return f"{element.get('message')}\n{element.text}"

    def properties(self, name: str) -> dict[str, str]:
        """Return what was recorded with a test."""
        found = self.cases[name].iter("property")
        return {str(each.get("name")): str(each.get("value")) for each in found}

    def bundle(self, name: str) -> Path:
        """Return what was kept of a test."""
        return self.folder / self.properties(name)["bundle"]


def run(folder: Path, suite: str, *words: str, **variables: str) -> Session:
    """Run a suite in a folder."""
    (folder / "test_it.py").write_text(suite)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "none.ini").write_text("[pytest]\n")
    ran = run_python(folder, *COMMON, "--junit-xml=it.xml", *words, **variables)
    report = folder / "it.xml"
    cases = ET.parse(report).iter("testcase") if report.exists() else ()
    return Session(folder, ran, {str(case.get("name")).split("[")[0]: case for case in cases})


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One session on the unit in this process, of all kinds of tests."""
    folder = tmp_path_factory.mktemp("session")
    return run(folder, SUITE, "--d7xr-target=sil", "--d7xr-bundles=kept", "--strict-markers")


def test_a_good_test_passes_and_says_on_what_and_for_what(session: Session) -> None:
    assert session.outcome("test_good") == "passed"
    assert session.outcome("test_each_unit_is_fresh") == "passed"
    told = session.properties("test_good")
    assert told["target"] == "sil"
    assert re.fullmatch("[0-9a-f]{6}", told["build_id"])
    assert re.fullmatch("[0-9a-f]{4}", told["layout_hash"])
    requirements = [e.get("value") for e in session.cases["test_good"].iter("property")
                    if e.get("name") == "requirement"]  # fmt: skip
    assert requirements == ["HIL-001", "FM-012"]


def test_what_the_place_cannot_do_is_skipped_by_name_and_counted(session: Session) -> None:
    assert "sil has no power, serial" in session.text("test_beyond", "skipped")
    assert "skipped 1: sil has no power, serial" in session.ran.out


def test_a_capability_that_does_not_exist_is_an_error_with_the_nearest(session: Session) -> None:
    assert "needs('seriall'): no such capability" in session.text("test_mistyped", "error")
    assert "nearest: serial" in session.text("test_mistyped", "error")


def test_wrong_behaviour_is_a_failure(session: Session) -> None:
    assert "the behaviour is wrong" in session.text("test_bad", "failure")


def test_counters_that_rise_fail_the_test_as_part_of_its_call(session: Session) -> None:
    text = session.text("test_spoilt_in_silence", "failure")

    assert re.search(r"bus.rejected_count is [1-9]\d* after the test", text)
    assert session.outcome("test_spoilt_on_purpose") == "passed"


def test_a_target_stays_open_until_a_test_spoils_it(session: Session) -> None:
    assert session.outcome("test_it_stays_open_for_the_next_test") == "passed"
    assert session.outcome("test_a_target_that_was_upset_is_opened_anew") == "passed"


def test_trouble_of_the_rig_is_an_error_without_a_traceback(session: Session) -> None:
    text = session.text("test_trouble", "error")

    assert "the port vanished" in text
    assert "plug it in" in text
    assert "Traceback" not in text
    assert "def test_trouble" not in session.ran.out


def test_pain_24_the_first_trouble_stops_what_is_left_with_its_cause(session: Session) -> None:
    text = session.text("test_later", "error")

    assert "sil failed before: the port vanished (in test_it.py::test_trouble[sil])" in text
    assert "plug it in" in text
    assert session.outcome("test_later_and_beyond") == "skipped"
    assert session.outcome("test_later_without_a_unit") == "passed"


def test_the_account_ends_with_the_cause_and_the_remedy(session: Session) -> None:
    lines = session.ran.out.splitlines()
    last = next(n for n, line in enumerate(lines) if line.startswith("rig trouble, sil: "))

    assert "the port vanished" in lines[last]
    assert lines[last + 1] == "plug it in"
    assert re.search(r"sil: build_id \w{6}, .* ticks run, 1,0\d\d compared", session.ran.out)
    assert "3 failed" not in session.ran.out
    assert session.ran.code == 1


def test_the_bundle_of_a_failure_holds_all_that_it_takes(session: Session) -> None:
    folder = session.bundle("test_bad")

    assert sorted(path.name for path in folder.iterdir()) == [
        "calibration.toml", "cause.txt", "digests.txt", "frames.log", "sent.log", "snapshot.bin",
    ]  # fmt: skip
    cause = (folder / "cause.txt").read_text()
    assert cause.startswith("test: test_it.py::test_bad[sil]\ntarget: sil\nbuild_id: ")
    assert "the behaviour is wrong" in cause
    assert f"on the desk: d7xr replay kept/{folder.name}/frames.log --calibration" in cause


def test_trouble_leaves_a_bundle_too_without_asking_the_dead(session: Session) -> None:
    folder = session.bundle("test_trouble")

    assert not (folder / "snapshot.bin").exists()
    assert "no snapshot: the target is gone" in (folder / "cause.txt").read_text()
    assert len((folder / "frames.log").read_text().splitlines()) == 12


def test_a_bundle_replays_to_the_very_state_in_which_the_test_failed(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given the bundle of a failure after some hundred ticks
    folder = session.bundle("test_bad")
    ticks = (folder / "digests.txt").read_text().splitlines()
    assert len(ticks) > 300

    # When it is replayed by the command that the bundle names
    told = runner(capsys)(
        "replay", folder / "frames.log", "--calibration", folder / "calibration.toml", "--json"
    )

    # Then it lives through the same ticks
    assert told.code in {0, 4}
    assert told.document["ticks"] == len(ticks)

    # And the same frames give the state that was kept
    from d7xr.trace import read_trace

    frames = read_trace(folder / "frames.log").frames()
    ecu = Ecu()
    ecu.run(frames.frame, frames.tick, frames.ticks)
    assert ecu.snapshot() == (folder / "snapshot.bin").read_bytes()
    assert ticks[-1] == f"{len(ticks) - 1} {ecu.digest:08x}"


def test_two_targets_run_each_test_twice(tmp_path: Path) -> None:
    suite = "def test_it(ecu):\n    assert len(ecu.run(ticks=3).digest) == 3\n"

    done = run(tmp_path, suite, "-v", "--d7xr-target=sil", "--d7xr-target=sil2")
    assert done.ran.code == 4
    assert "no target 'sil2'" in done.ran.err
    assert "nearest: sil" in done.ran.err


def test_a_skip_is_a_failure_where_hardware_is_required(tmp_path: Path) -> None:
    suite = "import pytest\n@pytest.mark.needs('serial')\ndef test_it(rig): pass\n"

    done = run(tmp_path, suite, "--d7xr-require-hw", D7XR_TARGET="sil")

    assert done.ran.code == 1
    assert "--d7xr-require-hw allows no skip" in done.ran.out


def test_too_many_skips_fail_the_session(tmp_path: Path) -> None:
    suite = """
import pytest
@pytest.mark.needs("serial")
@pytest.mark.parametrize("n", [1, 2])
def test_it(rig, n): pass
def test_other(ecu): pass
"""
    done = run(tmp_path, suite, "--d7xr-skips-max=1", "-o", "d7xr_target=sil")

    assert done.ran.code == 1
    assert "2 skips, at most 1 are allowed" in done.ran.out


def test_a_board_without_a_rig_file_says_how_to_make_one(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_it(ecu): pass\n", "--d7xr-target=board")

    assert done.ran.code == 4
    assert "copy hil/rig.example.toml" in done.ran.err


def test_a_board_that_is_not_there_is_an_error_of_every_test_with_one_cause(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text('[board.a]\nlink = "slcan:///dev/serial/by-id/none"\n')
    suite = "def test_one(ecu): pass\ndef test_two(ecu): pass\n"

    done = run(tmp_path, suite, "--d7xr-target=a", "--d7xr-rig=rig.toml")

    assert "no /dev/serial/by-id/none" in done.text("test_one", "error")
    assert "a failed before: board a: no /dev" in done.text("test_two", "error")
    assert "a: nobody answered" in done.ran.out

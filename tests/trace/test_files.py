"""Files that cannot be read: what, where, what to do; exit code 2."""

import gzip
from pathlib import Path

import pytest

from d7xr.trace import FORMATS, read_trace
from tests.trace.helpers import kinds, problem, put, read_text, refusal

LOG = b"(1.000000) can0 123#1122\n(2.000000) can0 124#1122\n"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.log"

    assert refusal(lambda: read_trace(path)) == (f"{path}: no such file", "check the path")


def test_a_folder_is_told(tmp_path: Path) -> None:
    assert refusal(lambda: read_trace(tmp_path)) == (
        f"{tmp_path}: is a folder",
        "name one trace file in it",
    )


def test_a_path_through_a_file_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, LOG, "a.log") / "b.log"

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}: cannot be read: Not a directory"


def test_a_forbidden_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)  # file modes do not stop the superuser
    path = tmp_path / "secret.log"

    assert refusal(lambda: read_trace(path)) == (
        f"{path}: may not be read",
        "check the file's permissions",
    )


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_empty_file_is_refused_whatever_its_suffix(form: object, tmp_path: Path) -> None:
    path = put(tmp_path, b"", f"empty{getattr(form, 'suffix', '')}")

    assert refusal(lambda: read_trace(path)) == (
        f"{path}: is empty",
        "record it again, or name another file",
    )


def test_an_empty_gzip_file_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, gzip.compress(b""), "empty.log.gz")

    assert refusal(lambda: read_trace(path))[0] == f"{path}: is empty"


@pytest.mark.parametrize("kept", [5, 12, 30, -9, -1])
def test_a_gzip_stream_cut_short_is_refused(kept: int, tmp_path: Path) -> None:
    path = put(tmp_path, gzip.compress(LOG)[:kept], "cut.log.gz")

    message, hint = refusal(lambda: read_trace(path))

    assert message == f"{path}: the gzip stream is cut short"
    assert hint == "copy the file again; `gzip -t` checks it"


def test_a_damaged_gzip_stream_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LOG))
    packed[-6] ^= 0xFF

    path = put(tmp_path, bytes(packed), "bad.log.gz")

    assert refusal(lambda: read_trace(path))[0].startswith(
        f"{path}: the gzip stream is damaged (CRC check failed"
    )


def test_gzip_is_told_by_content_not_by_suffix(tmp_path: Path) -> None:
    assert len(read_trace(put(tmp_path, gzip.compress(LOG), "a.log"))) == 2
    assert len(read_trace(put(tmp_path, LOG, "b.log.gz"))) == 2


def test_a_suffix_that_lies_is_told(tmp_path: Path) -> None:
    trace = read_text(tmp_path, LOG.decode(), "drive.asc")

    assert trace.format == "candump"
    assert problem(trace, "suffix").text == "named .asc, but its content is candump log"


@pytest.mark.parametrize("name", ["drive.log", "drive.LOG", "drive.log.gz", "drive"])
def test_a_suffix_that_tells_the_truth_or_nothing_is_no_problem(name: str, tmp_path: Path) -> None:
    assert kinds(read_text(tmp_path, LOG.decode(), name)) == {}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x7fELF\x02\x01", "unknown format: it begins with '\\x7fELF\\x02\\x01'"),
        (b"PK\x03\x04....", "is a zip archive, not a trace that is read here"),
        (b"SQLite format 3\0", "is an SQLite database, not a trace that is read here"),
        (b"(1.0)  can0  123   [2]  11 22\n", "is candump's screen output, not"),
        (b"can0  123   [2]  11 22\n", "is candump's screen output, not"),
        (b'VERSION ""\n\nBO_ 1 X: 8 Y\n', "is a DBC database, not a trace, not"),
        (b"; only comments\n", "unknown format: it begins with '; only comments'"),
        (b"\n\n  \n", "unknown format: it begins with ''"),
        (b"x" * 200, "unknown format: it begins with '" + "x" * 57 + "...'"),
    ],
)
def test_an_unknown_format_is_refused_with_what_was_seen(
    content: bytes, what: str, tmp_path: Path
) -> None:
    path = put(tmp_path, content, "odd.log")

    message, hint = refusal(lambda: read_trace(path))

    assert message.startswith(f"{path}: {what}")
    assert hint.startswith("d7xr reads candump .log, Vector .asc and .blf, PEAK .trc")

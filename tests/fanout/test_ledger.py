"""The file of rows survives what happens to a file."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr.errors import ConfigError, EnvironmentFault, UsageError
from d7xr.fanout import Failure, Ledger, Row

ROWS = (
    Row("one", "5 bytes", {"flights": 3, "name": "a\nb", "share": 0.1}),
    Row("two", "", error=Failure("trace", "cut short", None, 2)),
    Row("three", "", {}),
)


def written(path: Path) -> Path:
    with Ledger.opened(path, {"rate": 100}) as ledger:
        for row in ROWS:
            ledger.add(row)
    return path


def test_it_gives_back_what_was_written(tmp_path: Path) -> None:
    path = written(tmp_path / "deep" / "rows.jsonl")

    with Ledger.opened(path, {"rate": 100}) as ledger:
        assert tuple(ledger.rows.values()) == ROWS


@given(cut=st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_a_file_cut_anywhere_loses_the_cut_row_at_most(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "rows.jsonl")
    content = path.read_bytes()
    kept = content[: max(0, len(content) - cut)]
    path.write_bytes(kept)

    with Ledger.opened(path, {"rate": 100}) as ledger:
        whole = max(0, kept.count(b"\n") - 1)
        assert tuple(ledger.rows.values()) == ROWS[:whole]
        ledger.add(Row("next", ""))

    with Ledger.opened(path, {"rate": 100}) as ledger:
        assert tuple(ledger.rows.values()) == (*ROWS[:whole], Row("next", ""))


def test_the_later_of_two_rows_of_one_name_holds(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl")
    with Ledger.opened(path, {"rate": 100}) as ledger:
        ledger.add(Row("one", "7 bytes"))

    with Ledger.opened(path, {"rate": 100}) as ledger:
        assert ledger.rows["one"] == Row("one", "7 bytes")
        assert len(ledger.rows) == len(ROWS)


def test_another_request_is_refused_and_told_by_its_difference(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl")

    with (
        pytest.raises(UsageError, match="was begun with rate 100, not 50"),
        Ledger.opened(path, {"rate": 50}),
    ):
        pass


def test_two_runs_never_write_to_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with (
        Ledger.opened(path, {}),
        pytest.raises(UsageError, match="written by another run"),
        Ledger.opened(path, {}),
    ):
        pass


@pytest.mark.parametrize("content", [b"hello\n", b"[]\n", b'{"schema": "other"}\n'])
def test_a_file_that_is_no_ledger_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match="is no list of rows"), Ledger.opened(path, {}):
        pass
    assert path.read_bytes() == content


def test_a_spoilt_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl")
    lines = path.read_text().splitlines()
    lines[2] = json.dumps({"name": "two"})
    path.write_text("\n".join(lines) + "\n")

    with (
        pytest.raises(ConfigError, match=r"rows\.jsonl:3: is no row"),
        Ledger.opened(path, {"rate": 100}),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(EnvironmentFault, match="cannot write"),
        Ledger.opened(tmp_path / "file" / "rows.jsonl", {}),
    ):
        pass

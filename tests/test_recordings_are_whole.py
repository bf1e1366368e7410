"""The recordings that other tests rely on are the ones that were measured."""

import csv
import hashlib
from pathlib import Path

from tests.recordings import recordings

FEWEST_FILES = 80


def damaged(folder: Path) -> tuple[int, list[str]]:
    """Count the rows of a manifest and say which files are missing or differ from their row."""
    found: list[str] = []
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        path = folder / row["path"]
        if not path.is_file():
            found.append(f"{row['path']}: missing")
        elif path.stat().st_size != int(row["bytes"]):
            found.append(f"{row['path']}: {path.stat().st_size} bytes, not {row['bytes']}")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            found.append(f"{row['path']}: other content than was measured")
    return len(rows), found


def test_every_recording_is_there_with_its_size_and_its_content() -> None:
    count, found = damaged(recordings())

    assert not found
    assert count >= FEWEST_FILES


def test_a_missing_a_shorter_and_a_changed_recording_are_each_noticed(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"four").hexdigest()
    rows = [f"{name}\t4\t{digest}" for name in ("whole", "gone", "short", "changed")]
    (tmp_path / "manifest.tsv").write_text("\n".join(["path\tbytes\tsha256", *rows, ""]))
    (tmp_path / "whole").write_bytes(b"four")
    (tmp_path / "short").write_bytes(b"fou")
    (tmp_path / "changed").write_bytes(b"five")

    assert damaged(tmp_path) == (
        4,
        [
            "gone: missing",
            "short: 3 bytes, not 4",
            "changed: other content than was measured",
        ],
    )

"""What the rig's own tests share."""

from pathlib import Path

import pytest

from tests.rig.bench import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """The only folder on the path but for the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Programs(folder)


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks of its own for each test."""
    folder = tmp_path / "locks"
    monkeypatch.setattr("d7xr.hil.lock.lock_folder", lambda: folder)
    return folder

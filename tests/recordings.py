"""Where the real recordings lie, and what to do when they are absent."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def recordings() -> Path:
    """Return the folder of recordings.

    It is named by ``D7XR_RECORDINGS`` or lies beside the repository. Without it a test skips with a
    sentence; in CI it fails, since a skipped proof is none.
    """
    folder = Path(os.environ.get("D7XR_RECORDINGS") or REPOSITORY.parent / "shared" / "data")
    if (folder / "manifest.tsv").is_file():
        return folder
    message = "recordings not found: set D7XR_RECORDINGS or provide ../shared/data"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)

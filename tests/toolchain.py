"""Compilers beyond the one that builds the package, and what to do when one is absent."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

REMEDY = "clang 19 with its sanitizers not found: apt-get install clang-19 libclang-rt-19-dev"


def clang() -> str:
    """Return the name of clang 19, which has the sanitizers of the firmware's second build.

    Where it is missing the test skips with the command that installs it; in CI it fails, since a
    skipped proof is none.
    """
    if shutil.which("clang-19") and _has_sanitizers("clang-19"):
        return "clang-19"
    if os.environ.get("CI") == "true":
        pytest.fail(REMEDY)
    pytest.skip(REMEDY)


def _has_sanitizers(compiler: str) -> bool:
    library = f"libclang_rt.asan-{platform.machine()}.a"
    answer = subprocess.run(
        [compiler, f"-print-file-name={library}"], capture_output=True, text=True, check=True
    )
    return Path(answer.stdout.strip()).is_file()

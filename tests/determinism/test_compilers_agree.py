"""All compilers give the same bytes; one that fuses is caught; the sanitizers stay silent."""

import subprocess
from pathlib import Path

import pytest

from tests import toolchain
from tests.determinism.builds import (
    FLAGS,
    Drive,
    compile_driver,
    digests_of,
    garbage,
    has_fused_multiply,
    rich_drive,
    run_driver,
)
from tests.gates.checks.flags import read_flags

DRIVES = [rich_drive(), garbage()]


def assert_equal(driver: Path) -> None:
    for drive in DRIVES:
        ours, theirs = drive.digests(), digests_of(driver, drive)
        differing = (ours != theirs).nonzero()[0]
        assert not differing.size, (
            f"{differing.size} digests differ, the first at {differing[0]} ms"
        )


@pytest.mark.parametrize("flags", [("-O0",), ("-O2",), ("-O3", "-march=native")], ids=" ".join)
def test_gcc_gives_the_same_bytes(tmp_path: Path, codec: Path, flags: tuple[str, ...]) -> None:
    assert_equal(compile_driver(tmp_path, codec, flags=flags))


FUSING = ("-mavx2", "-mfma") if has_fused_multiply() else ()
"""What a fused multiplication needs; clang has doubts about -march=native on some machines."""


@pytest.mark.parametrize("flags", [("-O0",), ("-O2",), ("-O3", *FUSING)], ids=" ".join)
def test_clang_gives_the_same_bytes(tmp_path: Path, codec: Path, flags: tuple[str, ...]) -> None:
    assert_equal(compile_driver(tmp_path, codec, compiler=toolchain.clang(), flags=flags))


def test_canary_a_compiler_that_fuses_is_caught(tmp_path: Path, codec: Path) -> None:
    if not has_fused_multiply():
        pytest.skip("this machine cannot fuse a multiplication and an addition")
    arithmetic = ["-ffp-contract=fast", "-fno-math-errno"]
    flags = ("-O2", "-march=native")
    driver = compile_driver(tmp_path, codec, flags=flags, arithmetic=arithmetic)

    assert (rich_drive().digests() != digests_of(driver, rich_drive())).any()


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> Path:
    """The unit that stops at the first undefined behaviour or memory error."""
    kinds = "address,undefined,float-cast-overflow,float-divide-by-zero"
    flags = ("-O1", "-g", f"-fsanitize={kinds}", "-fno-sanitize-recover=all")
    folder = tmp_path_factory.mktemp("sanitized")
    return compile_driver(folder, codec, compiler=toolchain.clang(), flags=flags)


@pytest.mark.parametrize("drive", [*DRIVES, garbage(6, 30_000)], ids=["rich", "garbage", "more"])
def test_the_sanitizers_find_nothing(sanitized: Path, drive: Drive) -> None:
    done = run_driver(sanitized, drive)

    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.parametrize(
    ("how", "finding"),
    [("overflow", "signed integer overflow"), ("bounds", "heap-buffer-overflow")],
)
def test_canary_the_sanitizers_find_what_they_are_for(
    sanitized: Path, how: str, finding: str
) -> None:
    done = subprocess.run([str(sanitized), how], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert finding in done.stderr


def test_the_flags_of_arithmetic_are_what_makes_it_so() -> None:
    assert "-ffp-contract=off" in read_flags(FLAGS)["D7XR_ARITH"]

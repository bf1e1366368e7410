"""``make setup`` and ``make test`` say what to install on machines that lack something."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gates.checks.sources import REPOSITORY


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A tree with the tools alone, and beside it a folder of programs without Python."""
    (tmp_path / "tree" / "tools").mkdir(parents=True)
    for name in ("setup.sh", "toolchain.sh"):
        shutil.copy(REPOSITORY / "tools" / name, tmp_path / "tree" / "tools")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "cat", "dirname", "grep", "mkdir", "tail"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def plant(bare: Path, name: str, script: str) -> None:
    """Put a program into the folder of programs."""
    path = bare / "bin" / name
    path.write_text(f"#!{bare / 'bin' / 'bash'}\n{script}\n")
    path.chmod(0o755)


def run_tool(bare: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the tools with those programs only."""
    return subprocess.run(
        [bare / "bin" / "bash", bare / "tree" / "tools" / name, *words],
        env={"PATH": str(bare / "bin")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def set_up(bare: Path, what: str) -> subprocess.CompletedProcess[str]:
    """Run one part of the set-up."""
    return run_tool(bare, "setup.sh", what)


def test_without_python_it_says_which_one_to_install(bare: Path) -> None:
    done = set_up(bare, "dependencies")

    assert done.returncode == 3
    assert done.stderr.startswith("setup: Python 3.12 or newer is needed; install it (Debian")


def test_an_old_python_is_no_python(bare: Path) -> None:
    plant(bare, "python3", "exit 1")

    done = set_up(bare, "dependencies")

    assert "Python 3.12 or newer is needed" in done.stderr


def test_a_python_without_its_venv_module_is_named(bare: Path) -> None:
    plant(bare, "python3", 'case "$*" in *venv*) exit 1 ;; esac')

    done = set_up(bare, "dependencies")

    assert done.returncode == 3
    assert done.stderr.startswith("setup: python3 cannot make virtual environments")


def test_without_a_compiler_it_says_which_one_to_install(bare: Path) -> None:
    done = set_up(bare, "package")

    assert done.returncode == 3
    assert done.stderr.startswith("setup: a C compiler is needed; install one")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("building; torque.c:7:1: error: expected ;; pip: failed; see above", "error: expected ;"),
        ("no space left; pip: failed", "no space left"),
    ],
)
def test_what_a_failed_program_said_is_shown(bare: Path, said: str, shown: str) -> None:
    plant(bare, "gcc", "exit 0")
    python = bare / "tree" / ".venv" / "bin"
    python.mkdir(parents=True)
    plant(bare, "python", f"echo '{said.replace('; ', chr(10))}'; exit 1")
    (bare / "bin" / "python").rename(python / "python")

    done = set_up(bare, "package")

    assert done.returncode == 3
    assert shown in done.stderr
    assert "building the firmware failed" in done.stderr


def test_without_tools_and_without_rights_one_sentence_says_how_to_get_them(bare: Path) -> None:
    plant(bare, "id", "echo 1000")
    plant(bare, "apt-get", "exit 99")

    done = run_tool(bare, "toolchain.sh")

    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(
        "skipped: apt-get install clang-19 libclang-rt-19-dev gcc-arm-none-eabi qemu-system-arm "
        "valgrind\n"
    )
    assert not done.stdout


def test_root_gets_tools_installed_after_a_second_look_at_the_list_of_packages(bare: Path) -> None:
    # Given a machine whose list of packages is empty until it is updated
    runtime = bare / "runtime.a"
    plant(bare, "uname", "echo x86_64")
    plant(bare, "id", "echo 0")
    clang = f"#!{bare}/bin/bash\necho {runtime}\n"
    (bare / "clang-19").write_text(clang)
    (bare / "clang-19").chmod(0o755)
    (bare / "bin" / "cp").symlink_to(shutil.which("cp") or "cp")
    plant(
        bare,
        "apt-get",
        f"""echo "$*" >>{bare}/asked
case "$1" in
    update) : >{bare}/updated ;;
    install) [ -e {bare}/updated ] || exit 100; cp {bare}/clang-19 {bare}/bin; : >{runtime}
        cp {bare}/clang-19 {bare}/bin/arm-none-eabi-gcc
        cp {bare}/clang-19 {bare}/bin/qemu-system-arm
        cp {bare}/clang-19 {bare}/bin/valgrind ;;
esac""",
    )

    done = run_tool(bare, "toolchain.sh")

    assert (done.returncode, done.stderr) == (0, "")
    asked = [line.split()[0] for line in (bare / "asked").read_text().splitlines()]
    assert asked == ["install", "update", "install"]

    # When it is asked again, then nothing is installed again
    assert run_tool(bare, "toolchain.sh").stdout == ""
    assert len((bare / "asked").read_text().splitlines()) == 3


def test_without_a_cross_compiler_make_says_how_to_get_one() -> None:
    done = subprocess.run(
        ["make", "-s", "-f", "firmware/board/board.mk", "CROSS=no-such-"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "no no-such-gcc on this machine: apt-get install gcc-arm-none-eabi" in done.stderr

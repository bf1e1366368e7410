"""The front of the command line: verbs, common options, and one place where failures end."""

import os
import subprocess
import sys
from importlib import import_module

import pytest

from d7xr import __version__, cli
from d7xr.cli import VERBS, output
from d7xr.errors import LinkError
from tests.cli.bench import Command


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, d7xr: Command) -> None:
    ending = d7xr(verb, "--help")

    assert (ending.code, ending.err) == (0, "")
    assert ending.out.startswith(f"usage: d7xr {verb}")
    assert "--json" in ending.out
    assert callable(import_module(f"d7xr.cli.{verb}").run)


def test_help_lists_every_verb_and_every_exit_code(d7xr: Command) -> None:
    ending = d7xr("--help")

    assert ending.code == 0
    assert all(f"    {verb} " in ending.out for verb in VERBS)
    assert all(f"{code} " in ending.out for code in (0, 1, 2, 3, 4, 130))


def test_the_version_is_one_line(d7xr: Command) -> None:
    assert d7xr("--version").out == f"d7xr {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ([], "no verb given", "d7xr demo"),
        (["replya"], "no verb 'replya'", "did you mean `d7xr replay`?"),
        (["replay"], "the following arguments are required: TRACE", "d7xr replay --help"),
        (["replay", "x.log", "--chanel", "1"], "unrecognized arguments: --chanel 1", "--help"),
        (["replay", "x.log", "--channel", "one"], "invalid int value: 'one'", "--help"),
        (["replay", "x.log", "--chan", "1"], "unrecognized arguments", "--help"),
        (["calibration"], "arguments are required: ACTION", "d7xr calibration --help"),
    ],
)
def test_a_usage_error_says_what_and_what_to_do(
    words: list[str], message: str, hint: str, d7xr: Command
) -> None:
    ending = d7xr(*words)

    assert (ending.code, ending.out) == (2, "")
    first, second = ending.err.splitlines()
    assert message in first
    assert hint in second


def test_with_json_even_an_error_is_one_document(d7xr: Command) -> None:
    ending = d7xr("replay", "no_such.log", "--json")

    assert ending.code == 2
    assert ending.document["error"].keys() == {"kind", "message", "hint"}
    assert ending.document["error"]["kind"] == "trace"
    assert {"schema", "version"} < ending.document.keys()
    assert "no_such.log" in ending.err


@pytest.mark.parametrize("words", [["--json", "doctor"], ["doctor", "--json"]])
def test_common_options_stand_before_or_behind_the_verb(words: list[str], d7xr: Command) -> None:
    assert d7xr(*words).document["schema"] == "d7xr.doctor"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr("d7xr.cli.doctor.run", run)


def test_each_kind_of_error_has_its_exit_code(
    d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, LinkError("no board", hint="plug it in"))

    ending = d7xr("doctor")

    assert (ending.code, ending.err) == (3, "d7xr: no board\n  plug it in\n")


def test_an_interrupt_is_130(d7xr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())

    assert d7xr("doctor").code == 130


def test_an_unexpected_fault_is_two_lines_and_its_traceback_only_on_request(
    d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ZeroDivisionError("by zero"))

    short, long = d7xr("doctor"), d7xr("doctor", "-vv")

    assert (short.code, long.code) == (3, 3)
    assert short.err.splitlines()[0] == "d7xr: ZeroDivisionError: by zero"
    assert "run again with -vv" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in long.err
    assert d7xr("doctor", "--json").document["error"]["kind"] == "unexpected"


def test_an_error_of_the_system_names_its_file(
    d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, PermissionError(13, "Permission denied", "/etc/secret"))

    ending = d7xr("doctor")

    assert (ending.code, ending.err) == (3, "d7xr: /etc/secret: Permission denied\n")


def test_a_reader_that_leaves_early_changes_nothing() -> None:
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "-m", "d7xr", "signals"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (0, "")


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "d7xr", "--version"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, f"d7xr {__version__}\n")


@pytest.mark.parametrize(
    ("environment", "words", "is_coloured"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--no-color"], False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str],
    words: list[str],
    is_coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    args = cli._parse(["doctor", *words])
    assert args is not None

    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    on_terminal = output.may_colour(args)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)

    assert on_terminal is is_coloured
    assert not output.may_colour(args)

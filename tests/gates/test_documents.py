"""README, Makefile and the other texts keep their word."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from d7xr.cli import VERBS, main
from tests.gates.checks import report
from tests.gates.checks.documents import (
    bad_rules,
    commands,
    machine_paths,
    make_rules,
    places,
    unknown_commands,
)
from tests.gates.checks.sources import REPOSITORY, texts

FEWEST_COMMANDS = 10
FEWEST_PLACES = 6
FEWEST_TEXTS = 150

DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def text(name: str) -> str:
    """Read a file of the repository's root."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def options(capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    """Return the long options of each verb and of its own verbs, as their help names them."""
    found: dict[str, set[str]] = {}
    for verb in ("", *VERBS):
        said = _help(capsys, *([verb] if verb else []))
        actions = re.findall(r"^    ([a-z]+) ", said, re.MULTILINE) if "ACTION" in said else []
        for text_of_help in (said, *(_help(capsys, verb, action) for action in actions)):
            words = re.sub(r"[,\[\]]", " ", text_of_help).split()
            found.setdefault(verb, set()).update(w for w in words if w.startswith("--"))
    return found


def _help(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = unknown_commands(text(name), set(make_rules(text("Makefile"))), options(capsys))

    assert not found, report(found)


def test_the_readme_names_commands_and_places_and_the_places_exist() -> None:
    readme = text("README.md")

    assert len(commands(readme)) >= FEWEST_COMMANDS
    assert len(places(readme)) >= FEWEST_PLACES
    assert not [place for place in places(readme) if not (REPOSITORY / place).exists()]


def test_the_python_example_in_the_readme_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", text("README.md"), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}

    exec(compile(example, "README.md", "exec"), names)

    assert "ecu" in names


def test_recipes_are_short_and_every_target_is_explained() -> None:
    makefile = text("Makefile")

    found = bad_rules(makefile)

    assert not found, report(found)
    assert {"run", "setup", "test", "lint", "format", "clean", "help"} <= set(make_rules(makefile))


def test_make_help_lists_every_target() -> None:
    # This test may itself run under make, which would then tell about folders and pass its flags.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True
    ).stdout

    explained = {target for target, (told, _) in make_rules(text("Makefile")).items() if told}
    assert {line.split()[1] for line in said.splitlines()} == explained


def test_no_text_names_a_place_on_one_machine() -> None:
    looked_at = texts(REPOSITORY)

    found = [finding for path in looked_at for finding in machine_paths(path)]

    assert not found, report(found)
    assert len(looked_at) >= FEWEST_TEXTS


def test_ci_refuses_to_run_without_recordings(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", REPOSITORY / ".ci" / "run"],
        env={**os.environ, "D7XR_RECORDINGS": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr.startswith("recordings not found: set D7XR_RECORDINGS")
    assert not done.stdout


def test_canary_commands_that_do_not_exist_are_found() -> None:
    markdown = (
        "Call `make rum` or `make run V=1`.\n"
        "```sh\nd7xr replay a.log --mapp x --out=here   # --not-an-option\nd7xr fly\n```\n"
        "A word like `d7xr` and a file `d7xr.dbc` are no commands.\n"
    )

    found = unknown_commands(markdown, {"run"}, {"": {"--help"}, "replay": {"--out"}})

    assert [str(finding) for finding in found] == [
        "d7xr replay a.log --mapp x --out=here: there is no '--mapp'",
        "d7xr fly: there is no 'fly'",
        "make rum: there is no 'rum'",
    ]


def test_canary_a_long_recipe_and_a_silent_target_are_found() -> None:
    makefile = "run: setup ## go\n\ta\n\tb\n\tc\n\td\n\nsetup: x\n\ta\n\nX := 1\nbuild/x: y\n\ta\n"

    assert [str(finding) for finding in bad_rules(makefile)] == [
        "run: recipe has 4 lines, may 3",
        "setup: has no help text",
    ]


def test_canary_somebodys_folder_is_found(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    folder = "/".join(["", "home", "ann", "d7xr"])
    path.write_text(f"see {folder}\nsee https://example.org{folder} and ./work/x and a/tmp/b\n")

    assert [finding.place for finding in machine_paths(path)] == ["notes.md:1"]

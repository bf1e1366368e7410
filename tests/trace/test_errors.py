"""The tree of errors: kinds, exit codes, and what is printed."""

import pickle

import pytest

from d7xr import errors


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.TraceError, 2),
        (errors.LinkError, 3),
        (errors.RigError, 3),
        (errors.EnvironmentFault, 3),
        (errors.InconclusiveError, 4),
    ],
)
def test_each_kind_has_its_exit_code_and_survives_a_process_border(
    kind: type[errors.D7xrError], exit_code: int
) -> None:
    error = kind("what, where", hint="what to do")

    assert kind.exit_code == exit_code
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.message, copy.hint) == (kind, "what, where", "what to do")


def test_the_hint_stands_on_a_second_line() -> None:
    assert str(errors.TraceError("what, where", hint="what to do")) == "what, where\nwhat to do"
    assert str(errors.TraceError("what, where")) == "what, where"


def test_kinds_are_distinct_words() -> None:
    kinds = [kind.kind for kind in errors.D7xrError.__subclasses__()]

    assert len(set(kinds)) == len(kinds) == 8

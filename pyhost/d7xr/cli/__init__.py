"""The command ``d7xr``: one module per verb, loaded only when its verb is given.

A verb's module has ``add_parser(subparsers)`` and ``run(args) -> int``; it parses, calls and
prints. Every failure ends here, in one place: what is wrong on standard error, with ``--json`` also
an object on standard output, and the exit code of its kind.
"""

import argparse
import errno
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from d7xr.cli import output
from d7xr.errors import D7xrError, EnvironmentFault, UsageError

VERBS: Final[Mapping[str, str]] = {
    "info": "what is in a trace: frames, rates, gaps, problems",
    "replay": "a trace through the unit: what it decided and why",
    "explain": "why the unit did what it did at a moment of a run, in sentences",
    "faults": "what each fault means, and what a unit remembers of them",
    "decode": "the signals of any trace by any DBC, to MF4, Parquet or CSV",
    "campaign": "break every input in every way; does the unit notice, react, heal",
    "simulate": "a simulated car in closed loop with the unit: truth beside belief",
    "sweep": "many draws of a scenario in closed loop: rates, quantiles, worst cases",
    "demo": "replay the shipped drive and compare with its truth",
    "compare": "two runs: equal, or the first difference by tick, signal and bits",
    "signals": "every bus signal and internal state, with unit and meaning",
    "calibration": "show, check or diff calibration sets",
    "doctor": "what is installed, what works, and what repairs it",
    "hil": "the rig's test-suite, on a board or an emulated one",
    "flash": "write the firmware to a board of the rig file",
}
"""Verb -> its line of help. The module is ``d7xr.cli.<verb>``."""

EXIT_INTERRUPTED: Final = 130
EXIT_UNEXPECTED: Final = 3

_EPILOG: Final = """\
exit codes:
  0 pass   1 verdict failed or behaviour differs   2 usage or configuration
  3 rig or environment   4 inconclusive   130 interrupted

`d7xr VERB --help` explains a verb. Results go to standard output, all else to standard error.
"""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, so that a usage error ends like any other.

    Options are written out: an abbreviation would change its meaning with the next option.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - whatever the parent takes
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; those of the process if None.

    Returns:
        The exit code.

    Example:
        >>> main(["calibration", "check", "no_such_file.toml"])
        2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_json = "--json" in arguments
    try:
        args = _parse(arguments)
        if args is None:
            return 0
        _start_log(args.verbosity)
        code = int(args.run(args))
        output.flush()
    except D7xrError as error:
        output.error(error, is_json=is_json)
        code = error.exit_code
    except KeyboardInterrupt:
        output.note("interrupted")
        code = EXIT_INTERRUPTED
    except OSError as error:
        fault = EnvironmentFault(_told(error), hint=_advice(error))
        output.error(fault, is_json=is_json)
        code = fault.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody sees a traceback unasked
        code = _unexpected(error, arguments, is_json=is_json)
    return code


def _parse(arguments: list[str]) -> argparse.Namespace | None:
    """Return the parsed arguments, or None where help or version was asked and printed."""
    verb = next((a for a in arguments if not a.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        from difflib import get_close_matches

        near = get_close_matches(verb, VERBS, n=1)
        raise UsageError(
            f"no verb '{verb}'",
            hint=f"did you mean `d7xr {near[0]}`?" if near else "see `d7xr --help`",
        )
    parser = _Parser(
        prog="d7xr",
        description="The vehicle control unit of a rally-raid car, run from recorded CAN traces.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verbosity=0, is_quiet=False, json=False, no_color=False, run=None)
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    _add_common(parser)
    verbs = parser.add_subparsers(metavar="VERB", parser_class=_Parser)
    for name, text in VERBS.items():
        if name == verb:
            module = import_module(f"d7xr.cli.{name}")
            module.add_parser(verbs)
            chosen = verbs.choices[name]
            chosen.set_defaults(run=module.run)
            _add_common_to_all(chosen)
        else:
            verbs.add_parser(name, help=text)
    try:
        args = parser.parse_args(arguments)
    except SystemExit:  # help was printed
        return None
    if args.version:
        from d7xr import __version__

        output.emit(f"d7xr {__version__}")
        return None
    args.command = shlex.join(["d7xr", *arguments])
    if args.run is None:
        raise UsageError("no verb given", hint="see `d7xr --help`; to begin with: `d7xr demo`")
    return args


def _add_common_to_all(parser: argparse.ArgumentParser) -> None:
    """Give a verb, and its own verbs if it has some, the options that all verbs share."""
    _add_common(parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _add_common_to_all(child)


def _add_common(parser: argparse.ArgumentParser) -> None:
    """Add the common options that the verb has not added itself.

    Defaults are suppressed: an option given before the verb must survive the verb's parser.
    """
    unset = argparse.SUPPRESS
    has = parser._option_string_actions
    if "--json" not in has:
        parser.add_argument(
            "--json", action="store_true", default=unset, help="one JSON document on stdout"
        )
    if "-v" not in has:
        parser.add_argument(
            "-v", "--verbose", dest="verbosity", action="count", default=unset,
            help="say more; -vv also shows tracebacks",
        )  # fmt: skip
    if "-q" not in has:
        parser.add_argument(
            "-q", "--quiet", dest="is_quiet", action="store_true", default=unset,
            help="no progress, no notes",
        )  # fmt: skip
    if "--no-color" not in has:
        parser.add_argument(
            "--no-color", action="store_true", default=unset, help="plain text, as with NO_COLOR"
        )


def _start_log(verbosity: int) -> None:
    if verbosity:
        import logging

        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        logging.getLogger("d7xr").setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)


def _unexpected(error: Exception, arguments: list[str], *, is_json: bool) -> int:
    """Report what should not happen: one line, and the traceback where it was asked for."""
    is_traced = "-vv" in arguments or arguments.count("-v") + arguments.count("--verbose") > 1
    hint = "this is a fault of d7xr: please report it"
    if not is_traced:
        hint += "; run again with -vv for the traceback"
    told = D7xrError(f"{type(error).__name__}: {error}", hint=hint)
    output.error(told, is_json=is_json, kind="unexpected")
    if is_traced:
        import traceback

        output.note("".join(traceback.format_exception(error)).rstrip())
    return EXIT_UNEXPECTED


def _told(error: OSError) -> str:
    """Return what the system says, with the file it says it of."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _advice(error: OSError) -> str | None:
    no_room = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return "free some space or name another folder" if error.errno in no_room else None

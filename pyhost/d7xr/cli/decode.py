"""``d7xr decode TRACE --dbc FILE``: the signals of any trace by any database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from d7xr.database import Database
    from d7xr.decoding import Account, SignalSummary
    from d7xr.decoding_files import Progress, Surveyed

_FORMATS = ("mf4", "parquet", "csv")
_MOST_UNKNOWN = 8


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "decode",
        help="the signals of any trace by any DBC, to MF4, Parquet or CSV",
        description="Decode a recorded CAN trace, classic or FD, by a DBC, and print each signal "
        "with its range. With --out the signals are written, with units, words and comments; "
        "values are those of cantools to the last bit. What is not decoded is counted. The trace "
        "is read block by block and may be of any length: once to see all of it, once more to "
        "write. Until MF4 and Parquet are whole, their rows wait in files beside them. Held in "
        "memory are a gzipped MF4, and an MF4 that only asammdf reads.",
    )
    parser.add_argument(
        "trace", type=Path, metavar="TRACE", help=".log .asc .blf .trc .csv .mf4, also gzipped"
    )
    parser.add_argument("--dbc", type=Path, metavar="X.dbc", help="the database; default: our bus")
    parser.add_argument("--channel", type=int, metavar="N", help="channel of the trace, from 0")
    parser.add_argument(
        "--message", default="", metavar="LIST",
        help="messages to decode, by name with * and ?; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to write; without it nothing is written"
    )
    parser.add_argument(
        "--format", default="mf4", metavar="LIST", help="of mf4, parquet, csv; default: mf4"
    )


def run(args: argparse.Namespace) -> int:
    """Read, decode, write, print."""
    from d7xr.cli import progress
    from d7xr.database import Database
    from d7xr.decoding_files import survey

    formats, patterns = _listed(args.format), _listed(args.message)
    _refuse_formats(formats)
    database = Database.load(args.dbc)
    with progress.rows_shown(args) as show:
        seen = survey(
            args.trace, database, channel=args.channel, patterns=patterns, on_progress=show
        )
        folder = None if args.out is None else _write(args, seen, database, formats, show)
    if args.json:
        output.emit_json(_document(args, seen.account, database, folder))
    else:
        output.render(args, *_parts(args, seen.account, folder), is_list=True)
    return 0


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _refuse_formats(formats: tuple[str, ...]) -> None:
    from d7xr.errors import UsageError
    from d7xr.recording import require_formats

    for name in formats:
        if name not in _FORMATS:
            hint = f"choose from {', '.join(_FORMATS)}"
            raise UsageError(f"a decoded trace is not written as '{name}'", hint=hint)
    require_formats(formats)


def _write(
    args: argparse.Namespace,
    seen: Surveyed,
    database: Database,
    formats: tuple[str, ...],
    show: Callable[[Progress], None],
) -> Path:
    from d7xr import __version__
    from d7xr.runfolder import RunFolder, faults_told, sha256_of

    identity = {
        "product": "d7xr",
        "version": __version__,
        "trace": args.trace.name,
        "trace_sha256": sha256_of(args.trace),
        "database": database.path.name,
        "database_sha256": sha256_of(database.path),
    }
    folder = RunFolder.begin(args.out)
    try:
        with faults_told(folder.partial):
            seen.write(folder.partial, formats, identity, show)
        folder.write_json("decoded.json", _document(args, seen.account, database, None))
    finally:
        folder.abandon_if_empty()
    return folder.complete()


def _document(
    args: argparse.Namespace,
    decoded: Account,
    database: Database,
    folder: Path | None,
) -> dict[str, object]:
    document: dict[str, object] = {
        "schema": "d7xr.decode",
        "version": 1,
        "trace": args.trace.name,
        "database": database.path.name,
        "frames": decoded.frames,
        "frames_decoded": decoded.decoded,
        "left_out": dict(decoded.left_out),
        "unknown": dict(decoded.unknown),
        "notes": list(decoded.notes),
        "messages": [asdict(message) for message in decoded.messages],
    }
    return document if folder is None else document | {"folder": str(folder)}


def _parts(
    args: argparse.Namespace, decoded: Account, folder: Path | None
) -> Iterator[RenderableType]:
    left_out = sum(decoded.left_out.values())
    yield f"{args.trace.name}  {decoded.decoded:,} of {decoded.frames:,} frames decoded"
    yield _table(decoded)
    if left_out:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in decoded.left_out.items())
        yield f"not decoded: {reasons}"
    if decoded.unknown:
        most = list(decoded.unknown.items())[:_MOST_UNKNOWN]
        spelt = ", ".join(f"{identifier} {count:,}" for identifier, count in most)
        rest = len(decoded.unknown) - len(most)
        yield f"not in the database: {spelt}" + (f" and {rest} more" if rest else "")
    for note in decoded.notes:
        yield f"database: {note}"
    if folder is not None:
        yield f"written to {folder}"


def _table(decoded: Account) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id", justify="right")
    table.add_column("signal")
    for heading in ("samples", "least", "greatest", "last"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    for message in decoded.messages:
        for number, signal in enumerate(message.signals):
            table.add_row(message.id_text if not number else "", *_cells(signal))
    return table


def _cells(signal: SignalSummary) -> tuple[str, ...]:
    """Return a signal's row; of samples that are not all there it says how many are."""
    samples = f"{signal.valid:,}"
    if signal.valid != signal.samples:
        samples += f" of {signal.samples:,}"
    values = (signal.least, signal.greatest, signal.last)
    texts = ["-" if v is None else v if isinstance(v, str) else f"{v:.7g}" for v in values]
    return (signal.name, samples, *texts, signal.unit)

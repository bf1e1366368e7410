"""``d7xr calibration``: show, check and diff calibration sets, and load one into a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse

    from d7xr.calibration import CalibrationSet, Value
    from d7xr.ecu import Parameter

EXIT_DIFFERENT = 1
EXIT_REFUSED = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "calibration",
        help="show, check or diff calibration sets, or load one into a unit",
        description="Calibration sets: TOML files of values by name, an event of the season, or "
        "`default`; over each a car can be laid.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="every value with unit, range, default and meaning")
    show.add_argument("set", nargs="?", default="default", metavar="SET", help="default: default")
    check = actions.add_parser("check", help="exit 0 if the set is safe, else 2 and all findings")
    check.add_argument("set", metavar="SET")
    diff = actions.add_parser("diff", help="exit 0 if two sets are equal, else 1 and the values")
    diff.add_argument("one", metavar="A")
    diff.add_argument("other", metavar="B")
    load = actions.add_parser(
        "load",
        help="give a unit a set to keep",
        description="The unit judges the set itself, keeps it in its flash and begins anew with "
        "it. Power may fail at any moment: the old set or the new one is left. Not while the "
        "engine runs. `default` is the firmware's own set.",
    )
    load.add_argument("set", metavar="SET")
    for action in (show, check, load):
        action.add_argument(
            "--car", metavar="CAR", help="laid over the set: a file, or car_1 to car_3"
        )
    load.add_argument(
        "--target", required=True, metavar="TARGET",
        help="serial:PORT or can:INTERFACE:CHANNEL; board-emulated forgets it when it ends",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    return {"show": _show, "check": _check, "diff": _diff, "load": _load}[args.action](args)


def _show(args: argparse.Namespace) -> int:
    from d7xr.calibration import load
    from d7xr.ecu import calibration_parameters

    shown = load(args.set, args.car)
    parameters = calibration_parameters()
    if args.json:
        rows = [_row(parameter, shown.values[parameter.name]) for parameter in parameters]
        output.emit_json(_document("show", shown) | {"parameters": rows})
    else:
        _print_table(args, shown, parameters)
    return 0


def _check(args: argparse.Namespace) -> int:
    from d7xr.calibration import examine

    checked, findings = examine(args.set, args.car)
    if args.json:
        rows = [
            {"kind": f.kind, "name": f.name, "text": f.text, "where": f.where} for f in findings
        ]
        output.emit_json(
            _document("check", checked) | {"is_accepted": not findings, "findings": rows}
        )
    elif findings:
        output.emit("\n".join([f"refused, {len(findings)} to correct:", *map(str, findings)]))
    else:
        count = len(checked.values)
        output.emit(f"{checked.name}: accepted, {count} values in range, all rules hold")
    return EXIT_REFUSED if findings else 0


def _diff(args: argparse.Namespace) -> int:
    from d7xr.calibration import difference, load, text_of
    from d7xr.ecu import calibration_parameters

    one, other = load(args.one), load(args.other)
    found = difference(one, other)
    if args.json:
        rows = [{"name": name, "a": a, "b": b} for name, a, b in found]
        output.emit_json(
            {"schema": "d7xr.calibration.diff", "version": 1, "a": one.name, "b": other.name}
            | {"is_equal": not found, "compared": len(one.values), "differences": rows}
        )
    elif found:
        units = {parameter.name: parameter.unit for parameter in calibration_parameters()}
        width = max(len(name) for name, _, _ in found)
        lines = [f"{n:{width}}  {text_of(a)} -> {text_of(b)} {units[n]}" for n, a, b in found]
        output.emit("\n".join(lines))
    else:
        output.emit(f"equal: {len(one.values)} values compared")
    return EXIT_DIFFERENT if found else 0


def _load(args: argparse.Namespace) -> int:
    from d7xr.calibration import load
    from d7xr.target.choice import started_free
    from d7xr.target.upload import load as give

    chosen = load(args.set, args.car)
    with started_free(args.target) as link:
        told = give(link, chosen.blob)
    if args.json:
        output.emit_json(
            _document("load", chosen) | {"target": args.target, "calibration_id": told}
        )
    else:
        output.emit(f"{args.target} keeps {chosen.name} and runs with it: calibration {told}")
    return 0


def _document(action: str, shown: CalibrationSet) -> dict[str, object]:
    return {
        "schema": f"d7xr.calibration.{action}",
        "version": 1,
        "name": shown.name,
        "description": shown.description,
        "author": shown.author,
        "parent": shown.parent,
    }


def _row(parameter: Parameter, value: Value) -> dict[str, object]:
    return {
        "id": parameter.id,
        "name": parameter.name,
        "value": value,
        "unit": parameter.unit,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "default": parameter.default,
        "meaning": parameter.meaning,
        "source": parameter.source,
    }


def _print_table(
    args: argparse.Namespace, shown: CalibrationSet, parameters: tuple[Parameter, ...]
) -> None:
    from rich.table import Table

    from d7xr.calibration import default_set, text_of

    defaults = default_set().values
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    for heading in ("value", "unit", "range"):
        table.add_column(heading, overflow="fold")
    table.add_column("meaning", overflow="fold", ratio=1)
    for parameter in parameters:
        value = shown.values[parameter.name]
        table.add_row(
            parameter.name,
            text_of(value) + (" *" if value != defaults[parameter.name] else ""),
            parameter.unit,
            f"{parameter.minimum:g} .. {parameter.maximum:g}",
            parameter.meaning,
        )
    changed = sum(shown.values[p.name] != defaults[p.name] for p in parameters)
    closing = f"{shown.name}: {len(parameters)} parameters, {changed} differ from the default (*)"
    output.render(args, table, f"\n{closing}", is_list=True)

"""``d7xr faults``: what each fault means, and what a unit remembers of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d7xr.cli import output
from d7xr.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from d7xr.ecu import Ecu, Fault
    from d7xr.memory import Frame, Remembered

_MOST = 255
_WIDTH = 98


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "faults",
        help="what each fault means, and what a unit remembers of them",
        description="List all faults, explain one, or tell what the unit remembers: how often each "
        "came, for how many driving cycles it has stayed away, and the car when it first came.",
    )
    parser.add_argument(
        "fault", nargs="?", metavar="CODE|NAME", help="one fault: P2138, PedalDisagree, its number"
    )
    parser.add_argument(
        "--run", dest="folder", type=Path, metavar="RUN",
        help="what the unit remembered at the end of a run of `d7xr replay --out`",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=Path, metavar="FILE",
        help="what is in a memory of `d7xr replay --memory`",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.ecu import faults

    chosen = (_named(args.fault),) if args.fault is not None else faults()
    ecu = _unit(args)
    if ecu is None:
        _tell_table(args, chosen)
    else:
        _tell_memory(args, ecu, chosen)
    return 0


def _named(text: str) -> Fault:
    from difflib import get_close_matches

    from d7xr.ecu import faults

    names = {key.lower(): f for f in faults() for key in (f.name, f.code, str(f.number))}
    found = names.get(text.lower())
    if found is None:
        near = get_close_matches(text.lower(), names, n=1)
        raise UsageError(
            f"no fault '{text}'",
            hint=f"did you mean {names[near[0]].name}?" if near else "`d7xr faults` lists them",
        )
    return found


def _unit(args: argparse.Namespace) -> Ecu | None:
    """Return a unit that remembers what was asked for; None: the table alone is."""
    from d7xr import memory
    from d7xr.ecu import Ecu

    if args.folder is not None and args.memory is not None:
        raise UsageError("--run and --memory are two memories", hint="name one of them")
    path = args.memory
    if args.folder is not None:
        path = args.folder / memory.IN_A_RUN
        if not args.folder.is_dir():
            raise UsageError(f"{args.folder} is no run folder", hint="see `d7xr replay --out`")
    if path is None:
        return None
    ecu = Ecu()
    if not memory.begin(ecu, path):
        raise UsageError(f"there is no {path}", hint="a run or memory of this version has one")
    return ecu


def _tell_table(args: argparse.Namespace, chosen: tuple[Fault, ...]) -> None:
    if args.json:
        rows = [asdict(fault) for fault in chosen]
        output.emit_json({"schema": "d7xr.faults", "version": 1, "faults": rows})
    elif args.fault is not None:
        output.emit(_explained(chosen[0]))
    else:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("code", "name", "severity", "what the unit saw"):
            table.add_column(column, no_wrap=column != "what the unit saw")
        for fault in chosen:
            table.add_row(fault.code, fault.name, fault.severity, fault.saw)
        output.render(
            args, table, f"\n{len(chosen)} faults; one of them: d7xr faults CODE", is_list=True
        )


def _explained(fault: Fault) -> str:
    rows = [
        ("the unit saw", fault.saw),
        ("it does", fault.does),
        ("the crew", fault.crew),
        ("it is set", set_rule(fault)),
        ("it heals", heal_rule(fault)),
    ]
    title = f"{fault.code} {fault.name}: {fault.severity.lower()}, {fault.number} on the bus"
    return "\n".join([title, *_rows(rows)])


def set_rule(fault: Fault) -> str:
    """Return in words when a condition makes a fault."""
    rule = f"when that has held for {_time(fault.set_ms)}"
    if fault.set_times:
        rule += f", or came {fault.set_times} times without having been gone for "
        rule += _time(fault.heal_ms)
    if fault.kind == "Missing":
        rule += "; not while the car's nodes wake up"
    return rule


def heal_rule(fault: Fault) -> str:
    """Return in words when a fault is over."""
    where = ", but only with the key off" if fault.heals == "Key" else ""
    return f"when that has been gone for {_time(fault.heal_ms)}{where}"


def _time(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms"


def _rows(rows: list[tuple[str, str]]) -> list[str]:
    from textwrap import fill

    width = max(len(name) for name, _ in rows) + 2
    return [
        fill(text, _WIDTH, initial_indent=f"  {name:{width}}", subsequent_indent=" " * (width + 2))
        for name, text in rows
    ]


def _tell_memory(args: argparse.Namespace, ecu: Ecu, chosen: tuple[Fault, ...]) -> None:
    from d7xr import memory

    wanted = {fault.number for fault in chosen}
    found = [one for one in memory.remembered(ecu) if one.fault.number in wanted]
    operating_s = memory.operating_s(ecu)
    if args.json:
        rows = [{**asdict(one), "fault": asdict(one.fault)} for one in found]
        document: dict[str, Any] = {"schema": "d7xr.fault_memory", "version": 1}
        output.emit_json(document | {"operating_s": operating_s, "remembered": rows})
        return
    lines = [f"{len(found)} remembered after {_hours(operating_s)} of operation"]
    for one in found:
        lines += ["", f"{one.fault.code} {one.fault.name}: {one.fault.severity.lower()}"]
        lines += _rows(_history(one))
    output.emit("\n".join(lines))


def _history(one: Remembered) -> list[tuple[str, str]]:
    often = f"{one.count} times" if one.count > 1 else "once"
    if one.count == _MOST:
        often = f"{_MOST} times or more"
    cycles = "cycle" if one.away_cycles == 1 else "cycles"
    away = f", gone for {one.away_cycles} whole driving {cycles}" if one.away_cycles else ""
    frame = "not kept: more severe ones needed the room" if one.frame is None else _scene(one.frame)
    return [
        ("the unit saw", one.fault.saw),
        ("it came", often + away),
        ("at first", frame),
        ("the crew", one.fault.crew),
    ]


def _scene(frame: Frame) -> str:
    known = [
        ("{:.0f} rpm", frame.engine_speed_rpm),
        ("{:.1f} m/s", frame.ground_speed_mps),
        ("coolant {:.0f} degC", frame.coolant_degC),
        ("{:.1f} V", frame.battery_V),
    ]
    values = [pattern.format(value) for pattern, value in known if value is not None]
    if frame.gear is not None:
        values.append(f"gear {frame.gear.removeprefix('Gear')}")
    values += [f"pedal {frame.pedal_pct:.0f} %", f"{frame.granted_Nm:.0f} Nm granted"]
    if frame.reason != "None":
        values.append(f"held by {frame.reason}")
    if frame.flight_state != "Ground":
        values.append(f"Flight Mode {frame.flight_state}")
    return f"after {_hours(frame.at_s)}, driving cycle {frame.cycle}: {', '.join(values)}"


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {left:02} s"

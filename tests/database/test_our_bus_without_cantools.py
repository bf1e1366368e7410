"""Our own bus is read without cantools, and exactly as cantools reads it."""

import random
from pathlib import Path

import pytest

from d7xr import dbc_plain
from d7xr.dbc import Message, own_dbc_path, parse_dbc
from d7xr.errors import ConfigError

TEXT = own_dbc_path().read_text(encoding="ascii")
HERE = Path("bus.dbc")


def plainly(text: str) -> tuple[Message, ...] | None:
    """Return what is read without cantools; None where that is not possible."""
    if dbc_plain.read(text) is None:
        return None
    return parse_dbc(text.encode("ascii"), HERE, is_own=True)[0]


def by_cantools(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Message, ...] | None:
    with monkeypatch.context() as patch:
        patch.setattr(dbc_plain, "read", lambda _: None)
        try:
            return parse_dbc(text.encode("ascii"), HERE, is_own=True)[0]
        except ConfigError:
            return None


def test_our_bus_is_plain_and_reads_as_cantools_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plainly(TEXT) == by_cantools(TEXT, monkeypatch)
    assert len(plainly(TEXT) or ()) > 15


@pytest.mark.parametrize("seed", range(12))
def test_a_changed_number_is_read_as_cantools_reads_it_or_left_to_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    text = list(TEXT)
    for _ in range(3):
        at = rng.choice([i for i, char in enumerate(text) if char.isdigit()])
        text[at] = rng.choice("0123456789")

    read = plainly("".join(text))

    assert read is None or read == by_cantools("".join(text), monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0|12@1+ (0.5,-500)", "7|12@0+ (0.5,-500)"),  # Motorola order
        ("SG_ LimitReason :", "SG_ LimitReason M :"),
        ("SG_ LimitReason :", "SG_ LimitReason m0 :"),
        ("BO_ 144 TorqueCommand: 8", "BO_ 144 TorqueCommand: 64"),
        ("BO_ 144 ", "BO_ 2147483792 "),  # 29 bits
        ("36|5@1+", "35|5@1+"),  # overlaps its neighbour
        ("41|5@1+", "41|0@1+"),
        ("VAL_ 144 ShiftInhibit", "VAL_ 144 NotThere"),
        ("BU_: VCU", "SIG_VALTYPE_ 144 LimitReason : 1;\nBU_: VCU"),
        ("(0.5,-500)", "(5e-1,-500)"),
    ],
)
def test_what_is_not_plain_is_left_to_cantools(old: str, new: str) -> None:
    assert old in TEXT
    assert dbc_plain.read(TEXT.replace(old, new)) is None


def test_two_messages_of_one_identifier_are_left_to_cantools() -> None:
    assert dbc_plain.read(TEXT.replace("BO_ 160 ", "BO_ 144 ", 1)) is None


def test_nothing_is_no_database() -> None:
    assert dbc_plain.read("") is None

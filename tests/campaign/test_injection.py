"""A broken input changes what it says, and nothing else."""

import numpy as np
import pytest

from d7xr.campaign.injection import DELAY_US, Kind, Limits, broken
from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.frames import Frames
from d7xr.inputs import sources

OWN = Database.own()
SPAN_us = (100_000, 200_000)
LIMITS = Limits(-30.0, 145.0, 300.0)


def thermal() -> Frames:
    """Return the temperatures of half a second, each on its own way."""
    time_us = np.arange(0, 500_000, 20_000)
    step = np.arange(time_us.size)
    values = {
        "CoolantIn_degC": 90.0 + step, "CoolantOut_degC": 80.0 + step,
        "EngineOil_degC": 100.0 + step, "ChargeAir_degC": 40.0 + step,
    }  # fmt: skip
    return OWN.encode_columns("ThermalState", time_us, values, counter_start=9)


def hurt(kind: Kind, signal: str | None = "CoolantIn_degC") -> Frames:
    message = OWN.message("ThermalState")
    return broken(
        thermal(), message, None if signal is None else message.signal(signal), kind, SPAN_us,
        limits=LIMITS, random=np.random.default_rng(1),
    )  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.FROZEN, Kind.NOISY, Kind.MINIMUM, Kind.MAXIMUM])
def test_a_broken_signal_leaves_neighbours_counter_and_time_alone(kind: Kind) -> None:
    before, after = thermal(), hurt(kind)
    old, new = (OWN.decode_columns(f, "ThermalState") for f in (before, after))
    is_hit = (before.time_us >= SPAN_us[0]) & (before.time_us < SPAN_us[1])

    assert np.array_equal(before.time_us, after.time_us)
    for name in old:
        if name not in {"CoolantIn_degC", "ThermalState_Crc"}:
            assert np.array_equal(old[name].values, new[name].values), name
    changed = old["CoolantIn_degC"].values != new["CoolantIn_degC"].values
    assert not changed[~is_hit].any()
    assert changed[is_hit].sum() >= is_hit.sum() - 1


def test_each_kind_says_what_its_name_says() -> None:
    value = {
        kind: OWN.decode_columns(hurt(kind), "ThermalState")["CoolantIn_degC"]
        for kind in (Kind.FROZEN, Kind.MINIMUM, Kind.MAXIMUM, Kind.OUT_OF_RANGE, Kind.NOT_AVAILABLE)
    }

    assert set(value[Kind.FROZEN].values[5:10]) == {95.0}
    assert set(value[Kind.MINIMUM].values[5:10]) == {-30.0}
    assert set(value[Kind.MAXIMUM].values[5:10]) == {145.0}
    assert set(value[Kind.OUT_OF_RANGE].values[5:10]) == {300.0}
    assert not value[Kind.NOT_AVAILABLE].valid[5:10].any()


def test_the_unit_accepts_a_frozen_message_and_refuses_a_hung_or_corrupt_one() -> None:
    def counted(kind: Kind) -> tuple[int, int]:
        ecu = Ecu()
        frames = hurt(kind, None)
        ecu.run(frames.frame, frames.time_us // 1000, 600)
        group = [s.message for s in sources()].index("ThermalState")
        number = sources()[group].input.group
        return int(ecu[f"bus.accepted_count[{number}]"]), int(ecu[f"bus.rejected_count[{number}]"])

    whole = len(thermal())
    assert counted(Kind.FROZEN) == (whole, 0)
    assert counted(Kind.WRONG_CRC) == (whole - 5, 5)
    assert counted(Kind.WRONG_COUNTER) == (whole - 4, 4)
    assert counted(Kind.DROPPED) == (whole - 5, 0)


def test_a_delayed_message_comes_late_and_never_behind_its_successors() -> None:
    after = hurt(Kind.DELAYED, None)

    assert np.all(np.diff(after.time_us) >= 0)
    value = OWN.decode_columns(after, "ThermalState")["CoolantIn_degC"].values
    assert np.all(np.diff(value) > 0)
    assert DELAY_US > 0


def test_every_input_has_its_own_signal() -> None:
    for source in sources():
        message = OWN.message(source.message)
        signal = message.signal(source.signal)
        values = {s.name: float("nan") for s in message.values}
        middle = (source.input.minimum + source.input.maximum) / 2
        values[source.signal] = 1.0 if signal.choices.keys() & {0, 1} else middle
        values |= {s.name: 1.0 for s in message.values if s.name.endswith("Status")}
        frames = OWN.encode_columns(source.message, [0], values)
        ecu = Ecu()

        ecu.run(frames.frame, np.zeros(1, np.int64), 1)

        usable = [s for s in sources() if ecu[f"inputs.{s.input.name}.is_valid"]]
        others = {s.signal for s in usable} - {source.signal, "EngineStatus"}
        assert source in usable, source
        assert not others, (source, others)

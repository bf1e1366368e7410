"""What becomes of another car's frames: values, validity, times."""

from pathlib import Path

import numpy as np
import pytest

from d7xr.database import Database
from tests.database.bench import frames_of
from tests.mapping.bench import (
    ENGINE,
    GEARBOX,
    LEFT,
    WHEELS,
    column,
    engine,
    mapped,
    mapped_frames,
    wheels,
)

FL = "WheelSpeeds.WheelSpeedFL_radps"


def test_a_value_is_scaled_into_our_unit(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT, [(5_000_000, WHEELS, wheels(10_000))])
    assert column(result, FL) == [(0, 86.8)]  # 100 km/h
    assert result.source["Wheels.Left"].values.tolist() == [100.0]
    assert result.used == ("Wheels.Left",)


def test_an_offset_is_in_our_unit(tmp_path: Path) -> None:
    body = LEFT + "offset = 10.0"
    assert column(mapped(tmp_path, body, [(0, WHEELS, wheels(10_000))]), FL) == [(0, 96.8)]


def test_a_code_that_is_no_value_never_becomes_motion(tmp_path: Path) -> None:
    body = LEFT + "not_available_raw = [65534, 65535]"
    rows = [(i * 10_000, WHEELS, wheels(raw)) for i, raw in enumerate([100, 65534, 65535, 200])]
    result = mapped(tmp_path, body, rows)
    assert [value for _, value in column(result, FL)] == [0.88, None, None, 1.72]
    assert result.counts[FL].not_available == 2
    assert result.counts[FL].valid == 2


def test_a_quality_signal_decides(tmp_path: Path) -> None:
    body = LEFT + 'valid_when = { signal = "LeftOk", equals_raw = [2, 3] }'
    rows = [(i * 10_000, WHEELS, wheels(100, ok)) for i, ok in enumerate([3, 1, 2, 0])]
    result = mapped(tmp_path, body, rows)
    assert [value for _, value in column(result, FL)] == [0.88, None, 0.88, None]
    assert result.counts[FL].unqualified == 2


@pytest.mark.parametrize("good_raw", [0, 3])
def test_a_frame_too_short_for_its_quality_signal_is_not_trusted(
    tmp_path: Path, good_raw: int
) -> None:
    body = LEFT + f'valid_when = {{ signal = "LeftOk", equals_raw = [{good_raw}] }}'
    result = mapped(tmp_path, body, [(0, WHEELS, wheels(100)[:2])])
    assert column(result, FL) == [(0, None)]
    assert result.silent == (FL,)


def test_a_value_outside_its_range_is_no_value(tmp_path: Path) -> None:
    body = LEFT + "valid_min = 1.0\nvalid_max = 2.0"
    rows = [(i * 10_000, WHEELS, wheels(raw)) for i, raw in enumerate([99, 100, 200, 201])]
    result = mapped(tmp_path, body, rows)
    assert [value is not None for _, value in column(result, FL)] == [False, True, True, False]
    assert result.counts[FL].out_of_range == 2


def test_a_frame_too_short_for_its_signal_brings_no_value(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT, [(0, WHEELS, b"\x01"), (10_000, WHEELS, wheels(100))])
    assert column(result, FL) == [(0, None), (10, 0.88)]
    assert result.counts[FL].absent == 1


def test_a_value_beyond_our_range_is_limited_and_counted(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT, [(0, WHEELS, wheels(60_000))])
    assert column(result, FL) == [(0, 327.6)]
    assert result.counts[FL].saturated == 1


GEAR = """
[signal."GearboxState.Gear"]
source = "Gearbox.Position"
unit = ""
values = { 0 = "Park", 1 = "Gear1", 14 = "NotAvailable" }
"""


def test_codes_become_our_names_and_others_are_no_value(tmp_path: Path) -> None:
    rows = [(i * 10_000, GEARBOX, bytes([code])) for i, code in enumerate([0, 1, 7, 14])]
    result = mapped(tmp_path, GEAR, rows)
    assert [value for _, value in column(result, "GearboxState.Gear")] == [10, 1, None, None]
    assert result.counts["GearboxState.Gear"].unnamed == 2


def test_steps_name_the_span_that_a_value_lies_in(tmp_path: Path) -> None:
    body = """
[signal."EngineState.EngineStatus"]
source = "Engine.Speed"
unit = "rpm"
steps = [[50, "Stopped"], [100, "Cranking"], [400, "Running"]]
"""
    speeds_rpm = [0, 50, 99, 100, 399, 400, 6000]
    rows = [(i * 10_000, ENGINE, engine(rpm)) for i, rpm in enumerate(speeds_rpm)]
    result = mapped(tmp_path, body, rows)
    status = [value for _, value in column(result, "EngineState.EngineStatus")]
    assert status == [None, 0, 0, 1, 1, 2, 2]


def test_time_is_counted_from_the_first_frame_of_the_trace_in_whole_milliseconds(
    tmp_path: Path,
) -> None:
    rows = [
        (1_000_700, 0x7FF, b""),  # feeds nothing, but is tick 0
        (1_002_699, WHEELS, wheels(100)),  # 1.999 ms later
        (1_002_700, WHEELS, wheels(200)),
    ]
    result = mapped(tmp_path, LEFT, rows)
    assert result.origin_us == 1_000_700
    assert result.frames.time_us.tolist() == [1_001_700, 1_002_700]
    assert (result.used_count, result.unused_count) == (2, 1)


def test_the_last_of_several_values_in_a_millisecond_is_sent_once(tmp_path: Path) -> None:
    rows = [(0, WHEELS, wheels(100)), (400, WHEELS, wheels(200)), (900, WHEELS, wheels(300))]
    assert column(mapped(tmp_path, LEFT, rows), FL) == [(0, 2.6)]


def test_two_sources_fill_one_message_each_as_fresh_as_it_is(tmp_path: Path) -> None:
    body = """
[message.ThermalState]
max_hold_ms = 30
[signal."ThermalState.CoolantIn_degC"]
source = "Engine.Temperature"
unit = "degC"
[signal."ThermalState.EngineOil_degC"]
source = "Wheels.Right"
unit = "rad/s"
scale = 1
max_hold_ms = 10
"""
    rows = [
        (0, ENGINE, engine(0, 130)),
        (20_000, WHEELS, wheels(0, right_raw=70)),
        (30_000, ENGINE, engine(0, 131)),
        (61_000, WHEELS, wheels(0, right_raw=71)),
    ]
    result = mapped(tmp_path, body, rows)
    coolant, oil = (
        [value for _, value in column(result, f"ThermalState.{name}_degC")]
        for name in ("CoolantIn", "EngineOil")
    )
    assert coolant == [90, 90, 91, None]  # 31 ms old at the last
    assert oil == [None, 70, 70, 71]


def test_a_value_is_held_for_one_of_our_cycles_if_nothing_is_said(tmp_path: Path) -> None:
    body = LEFT + '[signal."WheelSpeeds.WheelSpeedFR_radps"]\nsource = "Engine.Speed"\n'
    body += 'unit = "rpm"\nscale = 1\n'
    rows = [(0, WHEELS, wheels(100)), (10_000, ENGINE, engine(5)), (11_000, ENGINE, engine(5))]
    assert [v for _, v in column(mapped(tmp_path, body, rows), FL)] == [0.88, 0.88, None]


def test_nothing_newer_than_the_source_is_invented(tmp_path: Path) -> None:
    rows = [(0, WHEELS, wheels(100)), (500_000, WHEELS, wheels(200))]
    assert [ms for ms, _ in column(mapped(tmp_path, LEFT, rows), FL)] == [0, 500]


RESENT = LEFT + "[message.WheelSpeeds]\nresend_ms = 10\nmax_hold_ms = 35\n"


def test_a_message_is_repeated_only_on_request_and_only_while_it_is_fresh(tmp_path: Path) -> None:
    rows = [(0, WHEELS, wheels(100)), (75_000, WHEELS, wheels(200)), (90_000, 0x7FF, b"")]
    result = mapped(tmp_path, RESENT, rows)
    old, new = 0.88, 1.72
    assert column(result, FL) == [(0, old), (10, old), (20, old), (30, old), (75, new), (85, new)]


def test_an_arrival_starts_the_period_anew_and_wins_over_a_repetition(tmp_path: Path) -> None:
    rows = [(t * 1000, WHEELS, wheels(100)) for t in (0, 10, 17, 30)]
    times = [ms for ms, _ in column(mapped(tmp_path, RESENT, rows), FL)]
    assert times == [0, 10, 17, 27, 30]


def test_an_invalid_value_is_said_once_and_not_repeated(tmp_path: Path) -> None:
    body = RESENT.replace("scale = 0.868", "scale = 0.868\nnot_available_raw = [65535]")
    rows = [(0, WHEELS, wheels(65535)), (40_000, WHEELS, wheels(100))]
    assert column(mapped(tmp_path, body, rows), FL) == [(0, None), (40, 0.88)]


def test_a_constant_rides_along_with_what_is_fed(tmp_path: Path) -> None:
    body = GEAR + '[constant]\n"GearboxState.TransferRange" = "High"\n'
    rows = [(0, GEARBOX, b"\1"), (25_000, GEARBOX, b"\1")]
    result = mapped(tmp_path, body, rows)
    assert column(result, "GearboxState.TransferRange") == [(0, 0), (25, 0)]


def test_a_message_of_constants_alone_comes_at_its_own_cycle_time(tmp_path: Path) -> None:
    body = LEFT + '[constant]\n"DriverDemand.KillSwitch" = "Run"\n"AmbientState.Battery_V" = 13.8\n'
    result = mapped(tmp_path, body, [(7_000, WHEELS, wheels(1)), (32_999, WHEELS, wheels(1))])
    assert column(result, "DriverDemand.KillSwitch") == [(0, 0), (10, 0), (20, 0)]
    assert column(result, "AmbientState.Battery_V") == [(0, 13.8)]
    assert result.assumed == ("DriverDemand.KillSwitch = Run", "AmbientState.Battery_V = 13.8")


def test_what_is_believed_is_listed(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT + 'assumed = "tyre 0.32 m"', [(0, WHEELS, wheels(1))])
    assert result.assumed == (f"{FL}: tyre 0.32 m",)


def test_what_nothing_feeds_is_missing_and_sent_as_not_available(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT, [(0, WHEELS, wheels(100))])
    assert FL not in result.missing
    assert "WheelSpeeds.WheelSpeedFR_radps" in result.missing
    assert "InertialAccel.SpecificForceZ_mps2" in result.missing
    assert column(result, "WheelSpeeds.WheelSpeedFR_radps") == [(0, None)]
    assert not any(name.endswith(("_Ctr", "_Crc")) for name in result.missing)
    spoken = {name.split(".")[0] for name in result.missing}
    assert not spoken & {"TorqueCommand", "FlightStatus", "Sync", "StateDigest"}


def test_a_source_that_never_speaks_is_missing_and_silent(tmp_path: Path) -> None:
    result = mapped(tmp_path, LEFT + GEAR, [(0, WHEELS, wheels(100))])
    assert result.silent == ("GearboxState.Gear",)
    assert "GearboxState.Gear" in result.missing
    assert result.counts["GearboxState.Gear"].samples == 0


def test_an_empty_trace_gives_no_frames_and_misses_everything(tmp_path: Path) -> None:
    body = LEFT + '[constant]\n"DriverDemand.KillSwitch" = "Run"\n'
    result = mapped(tmp_path, body, [])
    assert len(result.frames) == 0
    assert FL in result.missing
    assert "DriverDemand.KillSwitch" in result.missing


def test_every_frame_has_the_next_counter_and_a_right_checksum(tmp_path: Path) -> None:
    rows = [(i * 10_000, WHEELS, wheels(100)) for i in range(20)]
    sent = mapped(tmp_path, LEFT, rows).frames
    again = Database.own().encode_columns("WheelSpeeds", sent.time_us, {FL.split(".")[1]: 0.88})
    assert (sent.frame["data"] == again.frame["data"]).all()


def test_frames_of_all_messages_come_in_order_of_time_then_of_our_database(tmp_path: Path) -> None:
    rows = []
    for ms in range(200):
        rows += [(ms * 1000, GEARBOX, b"\1"), (ms * 1000 + 100, WHEELS, wheels(1))]
    sent = mapped(tmp_path, LEFT + GEAR, rows).frames
    assert sent.frame["id"].tolist() == [176, 192] * 200
    assert sent.time_us.tolist() == [ms * 1000 for ms in range(200) for _ in range(2)]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 10**6, 200)).tolist()
    rows = [
        (t, int(i), rng.bytes(8)) for t, i in zip(times, rng.integers(255, 260, 200), strict=True)
    ]
    first, second = (mapped_frames(tmp_path, RESENT + GEAR, frames_of(rows)) for _ in range(2))
    assert first.frames.frame.tobytes() == second.frames.frame.tobytes()
    assert first.frames.time_us.tobytes() == second.frames.time_us.tobytes()

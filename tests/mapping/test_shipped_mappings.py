"""The shipped mappings work on the drives they are named after."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.mapping import MappedFrames, Mapping, apply, find_mapping, list_mappings, load_mapping
from tests.database.bench import candump, cantools_database, frames_of, measured
from tests.recordings import recordings

DRIVES = {"ford_s550": "s550_drive.log", "subaru_wrx": "wrx_drive.log"}


def mapping_of(name: str) -> Mapping:
    return load_mapping(find_mapping(name))


def database_of(name: str) -> Database:
    return Database.load(recordings() / "dbc" / mapping_of(name).dbc)


@cache
def drive(name: str) -> tuple[list[tuple[int, int, bytes]], MappedFrames]:
    rows = candump(recordings() / "can" / DRIVES[name])
    return rows, apply(mapping_of(name), frames_of(rows), database_of(name))


def canedge(part: int) -> Frames:
    """Return the second channel of a part of the road car's drive."""
    import can

    with can.LogReader(recordings() / "can" / f"canedge_drive_{part}.mf4") as reader:
        rows = [(m.timestamp, m.arbitration_id, bytes(m.data)) for m in reader if m.channel == 2]
    return frames_of((round(time_s * 1e6), identifier, data) for time_s, identifier, data in rows)


@pytest.mark.parametrize("name", list_mappings())
def test_each_says_what_it_is_and_fits_its_database(name: str) -> None:
    mapping = mapping_of(name)
    assert mapping.name
    assert mapping.description
    nothing = apply(mapping, frames_of([]), database_of(name))
    assert len(nothing.frames) == 0
    assert set(mapping.signals) == set(nothing.silent)


@pytest.mark.parametrize("name", DRIVES)
def test_source_columns_equal_cantools(name: str) -> None:
    rows, result = drive(name)
    content = (recordings() / "dbc" / mapping_of(name).dbc).read_bytes()
    judge = cantools_database(content)
    first_us = rows[0][0]
    compared = 0
    for source, column in result.source.items():
        message_name, signal = source.split(".")
        message = judge.get_message_by_name(message_name)
        said = cache(lambda data, message=message: measured(message, data))
        mine = [(t, said(data)[signal]) for t, i, data in rows if i == message.frame_id]
        assert column.time_us.tolist() == [t for t, _ in mine]
        assert column.values.tolist() == [value for _, value in mine]
        compared += len(mine)
    assert compared >= 40_000
    assert result.origin_us == first_us


@pytest.mark.parametrize("name", DRIVES)
def test_every_usable_value_reaches_our_bus_within_half_a_step(name: str) -> None:
    _, result = drive(name)
    mapping, own = mapping_of(name), Database.own()
    compared = 0
    for target, rule in mapping.signals.items():
        if rule.values is not None or rule.steps is not None or not result.counts[target].valid:
            continue
        message, signal = target.split(".")
        arrived = result.source[rule.source]
        sent = own.decode_columns(result.frames, message)[signal]
        tick = (arrived.time_us - result.origin_us) // 1000
        last_of_tick = np.append(np.diff(tick) > 0, True)
        at = np.searchsorted(sent.time_us, result.origin_us + tick[last_of_tick] * 1000)
        value = arrived.values[last_of_tick] * (rule.scale or 1.0) + rule.offset
        is_used = sent.valid[at]
        described = own.message(message).signal(signal)
        half = described.scale / 2 + 1e-9
        assert (np.abs(sent.values[at] - value)[is_used] <= half).all(), target
        compared += int(is_used.sum())
    assert compared >= 40_000


def test_the_ford_brings_engine_wheels_motion_and_coolant() -> None:
    _, result = drive("ford_s550")
    fed = set(result.counts) - set(result.silent)
    assert len(fed) == 24
    assert result.silent == ()
    for name in ("CoolantIn_degC", "EngineOil_degC"):
        assert result.counts[f"ThermalState.{name}"].valid == 704
    assert result.counts["WheelSpeeds.WheelSpeedFL_radps"].valid == 4651
    assert result.counts["FuelSenders.FuelSenderA_L"].out_of_range == 18
    assert all(count.saturated == 0 for count in result.counts.values())


@pytest.mark.parametrize("name", DRIVES)
def test_no_ground_speed_is_taken_from_wheels(name: str) -> None:
    _, result = drive(name)
    assert "VehicleMotion.GroundSpeed_mps" in result.missing


def test_the_ford_rests_at_one_g_and_never_reads_weightless() -> None:
    _, result = drive("ford_s550")
    force = Database.own().decode_columns(result.frames, "InertialAccel")["SpecificForceZ_mps2"]
    values_mps2 = force.values[force.valid]
    assert abs(float(np.median(values_mps2)) - 9.81) < 0.1
    assert float(values_mps2.min()) == pytest.approx(6.75, abs=0.01)
    assert force.valid.mean() > 0.99


def test_a_repetition_bridges_lost_frames_and_no_more() -> None:
    _, result = drive("ford_s550")
    own = Database.own()
    for message, hold_ms in (("WheelSpeeds", 50), ("InertialAccel", 100), ("EngineState", 70)):
        first = own.message(message).values[0]
        rule = mapping_of("ford_s550").signals[f"{message}.{first.name}"]
        arrived = result.source[rule.source].time_us
        column = own.decode_columns(result.frames, message)[first.name]
        last = arrived[np.searchsorted(arrived, column.time_us + 999, side="right") - 1]
        age_ms = (column.time_us - last) / 1000
        assert age_ms[column.valid & (column.time_us >= arrived[0])].max() <= hold_ms


@pytest.mark.parametrize("raw", [32766, 32767])
def test_a_ford_wheel_that_reads_327_66_never_becomes_motion(raw: int) -> None:
    speeds_raw = [0, 100, raw, raw, 200]
    rows = [(i * 10_000, 0x217, value.to_bytes(2, "big") * 4) for i, value in enumerate(speeds_raw)]
    result = apply(mapping_of("ford_s550"), frames_of(rows), database_of("ford_s550"))
    columns = Database.own().decode_columns(result.frames, "WheelSpeeds")
    for corner in ("FL", "FR", "RL", "RR"):
        wheel = columns[f"WheelSpeed{corner}_radps"]
        assert wheel.values[wheel.valid].max() <= 2.0
        assert wheel.valid.tolist() == [True, True, False, False, True]
        assert result.counts[f"WheelSpeeds.WheelSpeed{corner}_radps"].not_available == 2


def test_the_subaru_reads_forward_when_it_speeds_up_and_has_no_vertical_force() -> None:
    _, result = drive("subaru_wrx")
    own = Database.own()
    wheel = own.decode_columns(result.frames, "WheelSpeeds")["WheelSpeedFL_radps"]
    force = own.decode_columns(result.frames, "InertialAccel")["SpecificForceX_mps2"]
    time_s = np.arange(2, 88, 0.02)
    speed_mps = np.interp(time_s, (wheel.time_us - result.origin_us) / 1e6, wheel.values * 0.32)
    force_mps2 = np.interp(time_s, (force.time_us - result.origin_us) / 1e6, force.values)
    window = np.ones(50) / 50  # one second
    change_mps2 = np.gradient(np.convolve(speed_mps, window, "same"), 0.02)[50:-50]
    smooth_mps2 = np.convolve(force_mps2, window, "same")[50:-50]
    assert np.corrcoef(change_mps2, smooth_mps2)[0, 1] > 0.8
    assert 0.7 < np.polyfit(change_mps2, smooth_mps2, 1)[0] < 1.1
    assert "InertialAccel.SpecificForceZ_mps2" in result.missing


def test_the_subaru_gear_7_is_no_gear_and_its_stuck_fuel_level_no_level() -> None:
    _, result = drive("subaru_wrx")
    assert result.counts["GearboxState.Gear"].not_available == 259
    assert result.silent == ("FuelSenders.FuelSenderA_L",)
    assert result.counts["FuelSenders.FuelSenderA_L"].out_of_range == 4513


@pytest.mark.slow
@pytest.mark.parametrize(("part", "invalid"), [(1, 1), (2, 1), (3, 1), (4, 0), (5, 0)])
def test_the_canedge_glitch_is_dropped_and_gravity_points_up(part: int, invalid: int) -> None:
    result = apply(mapping_of("canedge_car"), canedge(part), database_of("canedge_car"))
    count = result.counts["InertialAccel.SpecificForceZ_mps2"]
    assert (count.unqualified, count.absent) == (invalid, 0)
    force = Database.own().decode_columns(result.frames, "InertialAccel")
    up_mps2 = force["SpecificForceZ_mps2"]
    assert 9.4 < up_mps2.values[up_mps2.valid].mean() < 9.9
    assert up_mps2.values[up_mps2.valid].min() > 2.0  # the glitch reads -64
    fault = force["AccelStatus"]
    assert np.isin(fault.values[fault.valid], [1, 3]).all()
    assert result.unused_count == 0


def test_canedge_speed_without_a_fix_is_no_speed() -> None:
    result = apply(mapping_of("canedge_car"), canedge(1), database_of("canedge_car"))
    assert result.counts["VehicleMotion.GroundSpeed_mps"].unqualified == 106
    assert result.counts["VehicleMotion.GroundSpeed_mps"].valid == 404


def test_mapping_files_are_package_data() -> None:
    folder = {find_mapping(name).parent for name in list_mappings()}
    assert folder == {Path(find_mapping("ford_s550")).parent}
    assert folder.pop().name == "mappings"

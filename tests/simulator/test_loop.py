"""Car and unit in closed loop: the same on every target, and again from the trace it leaves."""

from pathlib import Path

import pytest

from d7xr import session
from d7xr.ecu import calibration_default
from d7xr.errors import ConfigError
from d7xr.simulator import scenario, simulation
from d7xr.simulator.loop import Control, Drive, Loop
from d7xr.simulator.simulation import Options
from d7xr.target.sil import Sil

JUMP = "table_top"


def driven(name: str, control: Control = "unit", lasts_s: float | None = None) -> Drive:
    return loop_of(name, control, lasts_s).drive(calibration_default())


def loop_of(name: str, control: Control = "unit", lasts_s: float | None = None) -> Loop:
    import msgspec

    told = scenario.load(name).scenario
    if lasts_s is not None:
        told = msgspec.structs.replace(told, lasts_s=lasts_s)
    return Loop(told, name, control=control)


def test_the_same_scenario_gives_the_same_drive() -> None:
    assert driven(JUMP).run_digest == driven(JUMP).run_digest


def test_a_tick_at_a_time_through_the_interface_of_targets_is_the_loop_in_c() -> None:
    here = driven(JUMP, lasts_s=4.0)

    with Sil() as unit:
        elsewhere = loop_of(JUMP, lasts_s=4.0).drive_on(unit, calibration_default())

    assert elsewhere.run_digest == here.run_digest
    assert elsewhere.flights == here.flights
    assert elsewhere.metrics == here.metrics


def test_the_trace_of_a_simulation_replays_to_the_same_digest_and_verdict(tmp_path: Path) -> None:
    simulated = simulation.run(
        Options(JUMP, out=tmp_path / "run", formats=("parquet",)), clock=lambda: 0.0
    )

    replayed = session.run(
        session.Options(tmp_path / "run" / simulation.TRACE_NAME), clock=lambda: 0.0
    )

    assert replayed.outcome.digest == simulated.drive.run_digest
    assert replayed.outcome.ticks == simulated.drive.ticks
    assert replayed.events == simulated.replayed.events
    laws = {law.name: (law.judgement, law.evidence) for law in simulated.replayed.verdict.laws}
    again = {law.name: (law.judgement, law.evidence) for law in replayed.verdict.laws}
    again.pop("states_are_finite")  # over all states there, over the recorded ones here
    assert again.items() <= laws.items()
    assert replayed.verdict.judgement == simulated.replayed.verdict.judgement == "pass"


def test_a_story_may_change_the_calibration_and_leaves_the_set_beside_its_trace(
    tmp_path: Path,
) -> None:
    story = tmp_path / "softer.toml"
    story.write_text(scenario.load(JUMP).text + "\n[calibration.flight_mode]\nprecut_ratio = 0.8\n")

    simulated = simulation.run(
        Options(str(story), out=tmp_path / "run", formats=("parquet",)), clock=lambda: 0.0
    )

    assert simulated.drive.run_digest != driven(JUMP).run_digest
    trace, own = tmp_path / "run" / simulation.TRACE_NAME, simulation.CALIBRATION_NAME
    again = session.Options(trace, calibration=str(tmp_path / "run" / own))
    replayed = session.run(again, clock=lambda: 0.0)
    assert replayed.outcome.digest == simulated.drive.run_digest


def test_a_story_with_a_set_that_is_not_safe_is_refused(tmp_path: Path) -> None:
    story = tmp_path / "wild.toml"
    story.write_text(
        scenario.load(JUMP).text + "\n[calibration.flight_mode]\nprecut_ratio = 8.0\nfoo = 1\n"
    )

    with pytest.raises(ConfigError, match="2 findings") as caught:
        simulation.run(Options(str(story)), clock=lambda: 0.0)

    assert "wild: [calibration]" in str(caught.value)


def test_truth_stands_in_the_recording_beside_what_the_unit_believed(tmp_path: Path) -> None:
    simulation.run(
        Options(JUMP, out=tmp_path / "run", formats=("csv",), rate_hz=10), clock=lambda: 0.0
    )

    texts = [path.read_text() for path in (tmp_path / "run").rglob("*.csv")]
    assert any("truth.speed_mps" in text for text in texts)
    assert any("flight_mode.evidence.speed_mps" in text for text in texts)


@pytest.mark.parametrize("name", ["dune_crest_flat_out_fourth", "drop_off", JUMP])
def test_the_unit_lands_softer_than_a_cut_on_free_fall_and_than_nobody(name: str) -> None:
    unit, cut, nobody = (
        driven(name, control).metrics["peak_shaft_ratio"]
        for control in ("unit", "free_fall_cut", "none")
    )

    assert unit < min(cut, nobody)


def test_simple_fans_all_start_at_once_and_draw_more_current() -> None:
    told = scenario.load("hot_dune_day_fouled_radiator").scenario

    unit, simple = (
        Loop(told, fans=fans).drive(calibration_default()).metrics
        for fans in ("unit", "hysteresis")
    )

    assert simple["supply_most_A"] > unit["supply_most_A"] + 50.0


def test_the_duty_that_the_unit_sends_for_a_full_fan_turns_it_at_full_speed() -> None:
    import msgspec

    told = scenario.load("heat").scenario
    switched = msgspec.structs.replace(told.sensors, fans="all_on")
    loop = Loop(msgspec.structs.replace(told, lasts_s=20.0, sensors=switched))

    loop.drive(calibration_default())

    for radps in loop._c.vehicle.heat.fan_radps:
        assert radps * 30.0 / 3.1416 == pytest.approx(2800.0, rel=0.06)


def test_what_a_seen_take_off_needs_is_no_intervention_on_the_ground() -> None:
    told = driven(JUMP)

    assert told.flights[0].reduced_ms == 0  # held before the last tyre left the ground
    assert told.interventions == 0

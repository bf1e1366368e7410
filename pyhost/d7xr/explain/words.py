"""Every sentence that an explanation is made of, beside the unit's names for its reasons.

The keys are the words of the C enums; a test compares them, so that a new reason cannot stay
without a sentence. What stands in braces is filled in from the recorded states (see moment.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Reason:
    """What is said of one reason for a torque bound.

    Attributes:
        noun: How it is called in a sentence.
        because: Why its bound is what it is; empty where the noun says it all.
        cases: The same in cases that differ; torque.py says which is which.
    """

    noun: str
    because: str = ""
    cases: Mapping[str, str] = field(default_factory=dict)


def _derate(what: str, index: int) -> Reason:
    """Return what is said of a temperature: the sentences differ in its name and place alone."""
    words = Reason(
        "<what>",
        "The <what> is at {temperature[<i>].degC}: torque is taken from "
        "{cal:derate.start_degC[<i>]} on, half of it at {cal:derate.half_degC[<i>]}, "
        "by {cal:derate.fall_Nmps} at most.",
        {
            "limp": "The <what> is at {temperature[<i>].degC} and has been above "
            "{cal:derate.limp_degC[<i>]}: {cal:derate.limp_ratio} of full torque are left until it "
            "is below {cal:derate.half_degC[<i>]}.",
            "after": "The <what> is back at {temperature[<i>].degC}, but torque is given back by "
            "no more than {cal:derate.rise_Nmps}.",
        },
    )

    def filled(text: str) -> str:
        return text.replace("<what>", what).replace("<i>", str(index))

    cases = {case: filled(text) for case, text in words.cases.items()}
    return Reason(filled(words.noun), filled(words.because), cases)


REASONS: Final[Mapping[str, Reason]] = {
    "None": Reason("no limit"),
    "Driver": Reason(
        "doubt about the pedal",
        cases={
            "Disagree": "The pedal tracks read {first} and {second}: the lower one counts, and "
            "{cal:demand.single_track_ratio} of it, until they have agreed for "
            "{cal:demand.track_heal_ms}.",
            "Single": "One pedal track is lost; of the other, {cal:demand.single_track_ratio} "
            "count.",
            "Lost": "No pedal track is to be believed, for {demand.lost_ticks} now: the last "
            "demand holds for {cal:demand.link_hold_ms} and goes to overrun over "
            "{cal:demand.link_ramp_ms}.",
        },
    ),
    "Gearbox": Reason("gearbox", "The gearbox bears {cal:torque.gearbox_max_Nm} at its input."),
    "Restrictor": Reason(
        "air restrictor",
        "The restrictor chokes at {intake.choked_flow_gps}, which makes {intake.power_cap_kW}, "
        "and {intake.torque_cap_Nm} at {intake.speed_rpm}.",
        {
            "assumed": "The restrictor chokes at {intake.choked_flow_gps} with worse air assumed "
            "where none is measured, which makes {intake.power_cap_kW}, and "
            "{intake.torque_cap_Nm} at {intake.speed_rpm}."
        },
    ),
    "RevSoft": Reason(
        "soft engine speed limit",
        "The engine turns at {inputs.engine_speed_rpm.value}: torque is taken from "
        "{cal:torque.rev_soft_rpm} on, all of it at {cal:torque.rev_soft_end_rpm}.",
    ),
    "RevHard": Reason(
        "hard engine speed limit",
        "The engine has reached {cal:torque.rev_hard_rpm} and is cut until it is "
        "{cal:torque.rev_hysteresis_rpm} slower.",
    ),
    "Coolant": _derate("coolant", 0),
    "EngineOil": _derate("engine oil", 1),
    "ChargeAir": _derate("charge air", 2),
    "GearboxOil": _derate("gearbox oil", 3),
    "Traction": Reason("grip of the wheels"),
    "FuelLow": Reason("low fuel"),
    "FlightSuspect": Reason(
        "suspected flight",
        "A flight is suspected: spark leaves {cal:flight_mode.precut_ratio} of the demand, and no "
        "more than the {flight_mode.ceiling_Nm} granted when the suspicion began.",
        {
            "rough": "A flight is suspected on rough road: torque is not cut, but may not rise "
            "above the {flight_mode.ceiling_Nm} granted when the suspicion began."
        },
    ),
    "FlightAir": Reason(
        "flight",
        "In the air the wheels are to turn as the ground will come back to them: they turn at "
        "{flight_mode.evidence.wheel_speed_radps}, the ground at "
        "{flight_mode.evidence.reference_radps}, so {flight_mode.bound_Nm} are left.",
        {
            "alone": "This flight rests on specific force alone: no more than "
            "{cal:flight_mode.precut_ratio} of the demand is left.",
            "blind": "No wheel tells its speed: {cal:flight_mode.precut_ratio} of the demand are "
            "left.",
        },
    ),
    "FlightLanding": Reason(
        "landing",
        "The car is touching down: the {flight_mode.ceiling_Nm} of that moment are held for "
        "{cal:flight_mode.landing_hold_ms}.",
    ),
    "FlightRamp": Reason(
        "ramp after a flight",
        "Torque comes back by {cal:flight_mode.restore_Nmps} and stands at "
        "{flight_mode.ceiling_Nm}.",
        {
            "waits": "Torque stays at {flight_mode.ceiling_Nm} until wheels and ground agree "
            "within {cal:flight_mode.agree_ratio}, or for {cal:flight_mode.agree_wait_ms} at "
            "most: they differ by {flight_mode.overspeed_ratio}.",
            "leaving": "Torque stays at {flight_mode.ceiling_Nm}, since the car may be leaving "
            "the ground again.",
        },
    ),
    "SensorLimp": Reason(
        "lost sensor",
        cases={
            "temperature": "The {what} temperature is not believed: {cal:derate.lost_ratio} of "
            "full torque, and no more than before the loss.",
            "gearbox": "No gear is known: the gearbox gets {cal:torque.gearbox_lost_Nm} at most.",
        },
    ),
    "Level2": Reason(
        "independent monitor", "The independent monitor permits no more from the raw inputs."
    ),
    "Link": Reason(
        "silent engine",
        "The engine has not told its speed for {torque.link_ticks}: torque holds for "
        "{cal:demand.link_hold_ms} and goes to nothing over {cal:demand.link_ramp_ms}.",
    ),
    "Stop": Reason(
        "stop",
        cases={
            "kill": "The kill switch is at Stop.",
            "ignition": "The ignition is off.",
            "both": "The kill switch is at Stop, and the ignition is off.",
        },
    ),
    "Slew": Reason("rate limit", "Granted torque rises by {cal:torque.rise_Nmps} at most."),
}
"""LimitReason -> what is said of it."""

TORQUE: Final[Mapping[str, str]] = {
    "all": "The driver gets what he asks for: {torque.granted_Nm}.",
    "bound": "Of the {torque.demand_Nm} that the driver asks for, {torque.granted_Nm} are "
    "granted: the {noun} wins ({torque.reason}).",
    "overrun": "The driver asks for {torque.demand_Nm} and gets {torque.granted_Nm}: no bound "
    "takes overrun away.",
    "rising": "Of the {torque.demand_Nm} that the driver asks for, {torque.granted_Nm} are "
    "granted: nothing binds any more, but torque rises by {cal:torque.rise_Nmps} at most after "
    "the {noun} ({torque.reason}).",
    "slew": "Of the {torque.demand_Nm} that the driver asks for, {torque.granted_Nm} are granted: "
    "nothing binds, but torque rises by {cal:torque.rise_Nmps} at most ({torque.reason}).",
    "below": "Its bound is {bound_Nm}; torque is still rising to it by {cal:torque.rise_Nmps}.",
    "healing": "The cause is gone; the bound is withdrawn by {cal:torque.heal_Nmps}, so that no "
    "step follows.",
    "since": "That has been so for {since:torque.reason}.",
    "runner_up": "Next comes the {noun} ({torque.runner_up}) at {bound_Nm}, {torque.margin_Nm} "
    "higher.",
    "runner_up_equal": "The {noun} ({torque.runner_up}) asks for the same.",
    "nearest": "The nearest bound is the {noun} ({torque.runner_up}) at {bound_Nm}, "
    "{torque.margin_Nm} above the demand.",
    "alone": "No other bound is handed in.",
    "pedal": "The pedal asks for {demand.pedal_ratio} at {demand.speed_rpm}, where "
    "{demand.full_load_Nm} are full load.",
    "cut": "Combustion is off: {why}.",
    "air_path": "The air path keeps {torque.air_path_Nm} ready, so that giving back needs no "
    "turbo spool.",
}

CUTS: Final[Mapping[str, str]] = {
    "rev": "the hard engine speed limit",
    "stop": "stop",
    "flight": "the wheels are more than {cal:flight_mode.cut_overspeed_ratio} faster than the "
    "ground",
}

FLIGHT_STATES: Final[Mapping[str, str]] = {
    "Ground": "The car is on the ground.",
    "Suspect": "The car may be leaving the ground, for {flight_mode.state_ticks} now.",
    "Air": "The car flies, for {flight_mode.air_ticks} now.",
    "Landing": "The car is touching down after {flight_mode.record.air_time_ms} in the air.",
    "Ramp": "The car has landed, and torque is being given back, for {flight_mode.state_ticks} "
    "now.",
}
"""FlightState -> what is said of it."""

FLIGHT_CAUSES: Final[Mapping[str, str]] = {
    "Start": "Nothing has spoken of a flight since start.",
    "LowForce": "The vertical specific force has been below {cal:flight_mode.suspect_below_mps2} "
    "for {flight_mode.low_suspect_ticks}.",
    "ForceBack": "The specific force came back above {cal:flight_mode.clear_above_mps2} without a "
    "landing.",
    "SuspectTimeout": "The last suspicion was dropped: nobody confirmed it within "
    "{cal:flight_mode.suspect_max_ms}.",
    "DampersAgree": "Low specific force and the dampers agreed on it.",
    "WheelsAgree": "Low specific force and the wheels agreed on it.",
    "NobodyToAsk": "It rests on specific force alone, for there are no dampers to ask.",
    "DamperHit": "A damper compresses faster than {cal:flight_mode.compress_rate_mps}.",
    "ForcePeak": "The vertical specific force has passed {cal:flight_mode.impact_above_mps2}.",
    "HoldOver": "The landing was held for {cal:flight_mode.landing_hold_ms}.",
    "AirTimeout": "The flight was dropped: no car flies that long.",
    "EvidenceLost": "The evidence was lost, or Flight Mode is not permitted.",
    "Restored": "After the last flight torque came back to what the driver asked for.",
}
"""Cause of the last transition -> what is said of it."""

DETECTORS: Final[Mapping[str, str]] = {
    "Full": "Specific force, dampers and wheels can be asked.",
    "InertialAndDampers": "Specific force and dampers can be asked, the wheels cannot.",
    "InertialAndWheels": "Specific force and wheels can be asked, the dampers cannot.",
    "InertialOnly": "Specific force alone can be asked: a flight takes longer and counts for less.",
    "Off": "There is no usable specific force, and without it no flight.",
}
"""DetectorMode -> what is said of it."""

FLIGHT: Final[Mapping[str, str]] = {
    "force_air": "Specific force: {flight_mode.evidence.force_z_mps2} vertical and {norm_mps2} in "
    "all, low enough for a flight (below {cal:flight_mode.air_below_mps2} and "
    "{cal:flight_mode.norm_below_mps2}).",
    "force_suspect": "Specific force: {flight_mode.evidence.force_z_mps2} vertical and "
    "{norm_mps2} in all, low enough for a suspicion (below {cal:flight_mode.suspect_below_mps2}).",
    "force_back": "Specific force: {flight_mode.evidence.force_z_mps2} vertical, which speaks "
    "against a flight (above {cal:flight_mode.clear_above_mps2}).",
    "force_between": "Specific force: {flight_mode.evidence.force_z_mps2} vertical, which says "
    "nothing (between {cal:flight_mode.suspect_below_mps2} and "
    "{cal:flight_mode.clear_above_mps2}).",
    "dampers_out": "Dampers: {flight_mode.evidence.corners_out} of "
    "{flight_mode.evidence.usable_corners} corners are out, which speaks for a flight.",
    "dampers_in": "Dampers: {flight_mode.evidence.corners_out} of "
    "{flight_mode.evidence.usable_corners} corners are out, three speak for a flight.",
    "wheels_away": "Wheels: all four gain speed faster than grip allows, which speaks for a "
    "flight.",
    "wheels_calm": "Wheels: {flight_mode.evidence.wheel_speed_radps} in the middle, "
    "{overspeed_pct} {faster} than the ground; they do not run away.",
    "confidence": "Confidence in a flight is {flight_mode.confidence_pct}.",
    "rough": "The road is rough: no pre-cut, and {cal:flight_mode.rough_extra_dwell_ms} more "
    "before a flight counts.",
    "locked": "A low force is not counted before it has been back: the last one lasted too long.",
}

PERMISSION: Final[Mapping[str, str]] = {
    "gear": "Flight Mode is not permitted in {gear}.",
    "switch": "The driver has switched Flight Mode off.",
    "slow": "At {flight_mode.evidence.speed_mps} no flight is possible (below "
    "{cal:flight_mode.min_speed_mps}).",
    "speed": "No speed over ground is known, so no flight is permitted.",
}

COOLING_STATES: Final[Mapping[str, str]] = {
    "Off": "The engine is stopped and cool enough, or the supply too weak: no fan.",
    "Normal": "The temperatures decide: {cooling.stage} of four fans are wanted.",
    "SensorLost": "The coolant temperature is not believed, so {cooling.stage} of four fans are "
    "wanted: a blind fan wastes watts, a blind stop boils.",
    "Manual": "The driver has switched all fans on: {cooling.stage} of four are wanted.",
    "Cranking": "The engine is being cranked: no fan, the starter needs the battery.",
    "RunOn": "The engine stopped {cooling.stopped_ticks} ago and is hot: {cooling.stage} fans run "
    "on.",
}
"""CoolingState -> what is said of it."""

FANS: Final[Mapping[str, str]] = {
    "running": "Running: {running}.",
    "coolant": "The coolant at {temperature[0].degC} asks for {cooling.ladder_stage[0]}{steps}.",
    "other": "The {what} at {degC} asks for {count}.",
    "full": "Beyond {cal:cooling.full_degC} no rule may take a fan away, until the coolant is "
    "{cal:cooling.hysteresis_K} below.",
    "ram_air": "At {inputs.ground_speed_mps.value} the ram air is enough for one fan below "
    "{cal:cooling.ram_air_below_degC}.",
    "shed": "The supply is weak: {cooling.shed} fans are given up.",
    "held": "In flight fans are held as they are.",
    "waits_flight": "No fan starts within {cal:cooling.flight_wait_ms} of a flight.",
    "waits_crank": "No fan starts within {cal:cooling.crank_wait_ms} of cranking.",
    "stagger": "The next start waits, {cal:cooling.stagger_ms} after the last one.",
    "failed": "Fan {fan} {how}.",
    "more_running": "A fan that has started runs for {cal:cooling.min_on_ms} at least.",
    "pump": "The coolant pump runs at {cooling.pump_pct}.",
}

FAULTS: Final[Mapping[str, str]] = {
    "none": "No fault is active.",
    "active": "{name} ({code}, {severity}), for {span} now. Seen: {saw}. Done about it: {does}. "
    "The crew: {crew}.",
}

SENSORS: Final[Mapping[str, str]] = {
    "all_believed": "Every input is believed.",
    "silent": "{message} has not been heard for {age}; {most} is the most that counts.",
    "never": "{message} has never been heard.",
    "invalid": "{what}: the sample says that it is not available, or lies outside {low} to {high}.",
    "frozen": "Specific force: not one bit has changed for {flight_mode.evidence.still_ticks} "
    "while driving.",
    "stuck": "Damper {corner}: not one bit has changed for {span} while driving.",
    "temperature": "{what} temperature: not believed for {span}; it last was at {degC}, and a "
    "sample must be near that and plausible for {cal:temperature.heal_ms}.",
    "pedals": "Pedal tracks: {first} and {second} differ by more than "
    "{cal:demand.track_difference_pct}, so one of them lies.",
    "pedals_healing": "Pedal tracks: they have agreed for {demand.agree_ticks}, and are believed "
    "after {cal:demand.track_heal_ms}.",
}

TEMPERATURES: Final = ("coolant", "engine oil", "charge air", "gearbox oil")
"""In the order of `temperature_id_t`."""

CORNERS: Final = ("front left", "front right", "rear left", "rear right")

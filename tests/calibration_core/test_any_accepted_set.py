"""Any set that the check lets pass keeps the laws of torque and cooling."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr.ecu import Ecu, calibration_check, calibration_default, calibration_parameters
from tests.benches import REASON
from tests.car import Car
from tests.scenario import Segment, play, wild_segments

PARAMETERS = calibration_parameters()
FLOATS = [field.name for field in Ecu.fields() if field.ctype == "float"]
BOUNDS = [f"torque.bound_Nm[{code}]" for code in sorted(REASON.values())]
STATES = ["torque.reason", "cooling.stage", "cooling.state",
          *(f"cooling.fans.fan[{i}].is_on" for i in range(4))]  # fmt: skip


def value_of(blob: bytes, name: str) -> float:
    parameter = next(p for p in PARAMETERS if p.name == name)
    ctype = "<f4" if parameter.ctype == "float" else "<u4"
    return float(np.frombuffer(blob, ctype, parameter.count, parameter.offset)[0])


def drawn_set(seed: int, share: float) -> bytes:
    """Return a set with a share of its numbers drawn anew, each kept only if all rules still hold.

    Drawing all at once would break a rule nearly always; one by one, ends of ranges included, the
    walk gets to every corner that the rules leave.
    """
    random = np.random.default_rng(seed)
    blob = calibration_default()
    for index in random.permutation(len(PARAMETERS)):
        parameter = PARAMETERS[index]
        if random.random() > share:
            continue
        where = random.choice([0.0, 1.0, random.random()], parameter.count, p=[0.25, 0.25, 0.5])
        values = np.sort(parameter.minimum + where * (parameter.maximum - parameter.minimum))
        changed = bytearray(blob)
        ctype = "<f4" if parameter.ctype == "float" else "<u4"
        column = np.frombuffer(changed, ctype, parameter.count, parameter.offset)
        column[:] = np.clip(values, parameter.minimum, parameter.maximum)
        if not calibration_check(bytes(changed)):
            blob = bytes(changed)
    return blob


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.2, 0.6, 1.0]),
    segments=wild_segments(4),
)
def test_the_laws_hold_for_any_accepted_set(
    seed: int, share: float, segments: list[Segment]
) -> None:
    blob = drawn_set(seed, share)
    assert calibration_check(blob) == ()

    driven = play(Car(blob, record=sorted({*FLOATS, *BOUNDS, *STATES})), segments)

    for name in FLOATS:
        assert np.isfinite(driven[name]).all(), name
    demand, granted = driven["torque.demand_Nm"], driven["torque.granted_Nm"]
    bounds = np.stack([driven[name] for name in BOUNDS])
    assert (granted <= demand).all()
    assert (bounds >= 0.0).all()
    assert (granted <= np.maximum(bounds.min(axis=0), 0.0)).all()
    assert ((driven["torque.reason"] == REASON["None"]) == (granted == demand)).all()
    rise_Nm = value_of(blob, "torque.rise_Nmps") / 1000.0
    assert np.diff(granted, prepend=0.0).max() <= rise_Nm + 1e-3
    # No bound adds overrun: torque below 0 is never lower than what the driver asks for and has.
    before = np.concatenate([[0.0], granted[:-1]])
    assert (granted >= np.minimum(np.minimum(demand, 0.0), before)).all()

    on = np.stack([driven[f"cooling.fans.fan[{i}].is_on"] for i in range(4)])
    starts = np.sort(np.argwhere(np.diff(on, axis=1, prepend=0.0) > 0)[:, 1])
    assert (np.diff(starts) >= value_of(blob, "cooling.stagger_ms")).all()
    duty = np.stack([driven[f"cooling.fans.fan[{i}].duty_pct"] for i in range(4)])
    lowest, highest = (value_of(blob, f"cooling.duty_{end}_pct") for end in ("min", "max"))
    stop = value_of(blob, "cooling.duty_stop_pct")
    is_in_band = (duty >= lowest - 1e-3) & (duty <= highest + 1e-3)
    assert np.where(on > 0, is_in_band, duty == stop).all()

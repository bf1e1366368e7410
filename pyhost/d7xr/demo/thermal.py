"""Heat of the demo drive: coolant, oils, charge air and four fans.

The coolant is one heat capacity between the engine and a radiator in cross flow (both fluids
unmixed). A real climb heats a car for minutes; the demo has half a minute. Therefore **everything
thermal runs `TIME_FACTOR` times faster than the model says**: heats, air flows and equilibrium
temperatures are those of the model, only the waiting is cut. The trace shows what the unit does at
which temperature, not how long a car takes to get there.

The fans are open loop: a trace cannot know what the unit that will read it commands. They follow
the stage temperatures of the unit's default calibration, so their feedback fits its commands.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from d7xr.demo import story

PERIOD_MS = 20
TIME_FACTOR = 3.0
FAN_ON_DEGC = (88.0, 92.0, 96.0, 100.0)
_FAN_HYSTERESIS_K = 4.0
_FAN_STAGGER_S = 1.0
_FAN_SPIN_UP_S = 0.6
FAN_FULL_RPM = 2800.0
FAN_FULL_A = 17.5
_FAN_INRUSH_A = 5.0  # with soft start; a fan switched hard takes 80 A

_START_DEGC = {"coolant": 77.0, "oil": 98.0, "gearbox": 84.0, "charge": 50.0}
_CAPACITY_JPK = 207e3  # 20 l of coolant and 180 kg of metal
_HEAT_RATIO = 0.5  # heat to the coolant over brake power
_IDLE_HEAT_W = 12e3
_BAY_K = 5.0  # air behind the bonnet is warmer than ambient
_FACE_M2 = 0.62 * 0.78
_BLOCKED_RATIO = 0.1  # dust in the fins
_AIR_KGPM3 = 1.06
_AIR_JPKGK = 1006.0
_COOLANT_WPK = 4.2 * 3500.0  # mass flow times specific heat
_RAM_RATIO = 0.2  # speed of air at the face over air speed
_FAN_AIR_MPS = 0.65  # each fan adds this at the face


@dataclass(frozen=True, slots=True)
class Heat:
    """Temperatures and fans every ``PERIOD_MS``, float64.

    Attributes:
        coolant_in_degC: Coolant at the radiator inlet, shape ``(n,)``.
        coolant_out_degC: Coolant at the radiator outlet, shape ``(n,)``.
        oil_degC: Engine oil, shape ``(n,)``.
        gearbox_degC: Gearbox oil, shape ``(n,)``.
        charge_degC: Charge air, shape ``(n,)``.
        fan_rpm: Fan speeds, shape ``(n, 4)``.
        fan_A: Fan currents, shape ``(n, 4)``.
        fan_start_us: When each fan starts; as many as started.
    """

    coolant_in_degC: NDArray[np.float64]
    coolant_out_degC: NDArray[np.float64]
    oil_degC: NDArray[np.float64]
    gearbox_degC: NDArray[np.float64]
    charge_degC: NDArray[np.float64]
    fan_rpm: NDArray[np.float64]
    fan_A: NDArray[np.float64]
    fan_start_us: tuple[int, ...]


class _Fans:
    """Four fans, one more at each stage temperature, never two starts at once."""

    def __init__(self) -> None:
        self.speed_ratio = [0.0] * 4
        self.current_A = [0.0] * 4
        self.start_us: list[int] = []
        self._on_since_s: list[float | None] = [None] * 4
        self._last_start_s = -math.inf

    def step(self, dt_s: float, time_s: float, coolant_degC: float, is_running: bool) -> None:
        """Switch by temperature and let the motors spin up or run down."""
        for fan, on_degC in enumerate(FAN_ON_DEGC):
            since_s = self._on_since_s[fan]
            if since_s is None:
                may_start = is_running and time_s - self._last_start_s >= _FAN_STAGGER_S
                if coolant_degC >= on_degC and may_start:
                    since_s = self._on_since_s[fan] = self._last_start_s = time_s
                    self.start_us.append(round(time_s * 1e6))
            elif not is_running or coolant_degC <= on_degC - _FAN_HYSTERESIS_K:
                since_s = self._on_since_s[fan] = None
            goal = 0.0 if since_s is None else 1.0
            self.speed_ratio[fan] += (goal - self.speed_ratio[fan]) * dt_s / _FAN_SPIN_UP_S
            self.current_A[fan] = 0.0
            if since_s is not None:
                inrush_A = _FAN_INRUSH_A * math.exp(-(time_s - since_s) / _FAN_SPIN_UP_S)
                self.current_A[fan] = FAN_FULL_A + inrush_A


def radiator_W(face_mps: float, warmer_K: float, blocked_ratio: float = _BLOCKED_RATIO) -> float:
    """Return the heat that the radiator gives away.

    Args:
        face_mps: Speed of air at its face.
        warmer_K: Coolant at the inlet above the air in front.
        blocked_ratio: Share of the face that dust has closed.

    Source:
        Effectiveness and NTU, cross flow, both fluids unmixed; the heat transfer falls with the air
        speed to the power 0.65 on the air side. Size and coefficients are estimates.
    """
    open_ratio = 1.0 - 0.7 * blocked_ratio
    air_mps = max(0.3, face_mps) * open_ratio
    air_WpK = _AIR_KGPM3 * air_mps * _FACE_M2 * _AIR_JPKGK
    resistance = 0.75 * (air_mps / 6.0) ** -0.65 + 0.15 + 0.10
    transfer_WpK = 4200.0 * (1.0 - blocked_ratio) / resistance
    smaller_WpK = min(air_WpK, _COOLANT_WPK)
    units = transfer_WpK / smaller_WpK
    ratio = smaller_WpK / max(air_WpK, _COOLANT_WPK)
    effectiveness = 1.0 - math.exp(units**0.22 / ratio * math.expm1(-ratio * units**0.78))
    return effectiveness * smaller_WpK * warmer_K


def heat(
    power_W: NDArray[np.float64],
    air_speed_mps: NDArray[np.float64],
    engine_rpm: NDArray[np.float64],
) -> Heat:
    """Let the drive heat the car.

    Args:
        power_W: Brake power every ``PERIOD_MS``, shape ``(n,)``.
        air_speed_mps: Speed of the car through the air, which a tail wind makes small, ``(n,)``.
        engine_rpm: Engine speed, shape ``(n,)``.
    """
    fans = _Fans()
    dt_s = PERIOD_MS / 1000.0
    air_degC = story.AMBIENT_DEGC + _BAY_K
    coolant, oil = _START_DEGC["coolant"], _START_DEGC["oil"]
    gearbox, charge = _START_DEGC["gearbox"], _START_DEGC["charge"]
    rows: list[tuple[float, ...]] = []
    columns = zip(power_W.tolist(), air_speed_mps.tolist(), engine_rpm.tolist(), strict=True)
    for index, (brake_W, air_mps, rpm) in enumerate(columns):
        is_running = rpm > 500.0
        face_mps = _RAM_RATIO * air_mps + _FAN_AIR_MPS * sum(fans.speed_ratio)
        given_W = radiator_W(face_mps, coolant - air_degC) if is_running else 0.0
        taken_W = max(_IDLE_HEAT_W, _HEAT_RATIO * brake_W) if is_running else 0.0
        fans.step(dt_s, index * dt_s, coolant, is_running)
        cooled = coolant - given_W / _COOLANT_WPK
        temperatures = (coolant, cooled, oil, gearbox, charge)
        rows.append((*temperatures, *fans.speed_ratio, *fans.current_A))
        share = TIME_FACTOR * dt_s
        coolant += (taken_W - given_W) / _CAPACITY_JPK * share
        load_kW = max(0.0, brake_W) / 1e3
        oil += (coolant + 10.0 + 0.03 * load_kW - oil) * share / 90.0
        gearbox += (story.AMBIENT_DEGC + 38.0 + 0.10 * load_kW - gearbox) * share / 150.0
        charge += (air_degC + 0.032 * load_kW - charge) * share / 20.0
    table = np.array(rows)
    return Heat(
        coolant_in_degC=table[:, 0],
        coolant_out_degC=table[:, 1],
        oil_degC=table[:, 2],
        gearbox_degC=table[:, 3],
        charge_degC=table[:, 4],
        fan_rpm=table[:, 5:9] * FAN_FULL_RPM,
        fan_A=table[:, 9:13],
        fan_start_us=tuple(fans.start_us),
    )

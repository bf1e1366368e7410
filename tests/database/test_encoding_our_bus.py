"""Our own frames: what is written can be read back, limited and never wrapped."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr import payload
from d7xr.database import Database, Message, Signal
from d7xr.errors import ConfigError
from tests.database.bench import cantools_database, parsed, signal_dbc
from tests.recordings import recordings

OWN = Database.own()
VALUES = [(message, signal) for message in OWN.messages for signal in message.values]


def bitwise_crc8(data: bytes) -> int:
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1D) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ 0xFF


@settings(max_examples=400, deadline=None)
@given(choice=st.sampled_from(VALUES), reach=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=8))
def test_what_is_read_back_is_the_limited_value_within_half_a_step(
    choice: tuple[Message, Signal], reach: list[float]
) -> None:
    message, signal = choice
    low, high = signal.minimum, signal.maximum
    assert low is not None
    assert high is not None
    wanted = low + np.array(reach) * (high - low)
    frames = OWN.encode_columns(message.name, np.arange(len(reach)), {signal.name: wanted})
    read = OWN.decode_columns(frames, message.name)[signal.name]
    limited = np.clip(wanted, low, high)
    half = signal.scale / 2 * (1 + 1e-9) + 1e-9 * abs(high)
    assert (np.abs(read.values - limited) <= half).all()
    is_reserved = read.values == (signal.not_available_raw or -1) * signal.scale + signal.offset
    assert (read.valid | is_reserved).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_becomes_not_available(value: float) -> None:
    frames = OWN.encode_columns("WheelSpeeds", [0, 1], {"WheelSpeedFL_radps": [value, 12.0]})
    columns = OWN.decode_columns(frames, "WheelSpeeds")
    assert columns["WheelSpeedFL_radps"].valid.tolist() == [False, True]
    assert columns["WheelSpeedFR_radps"].valid.tolist() == [False, False]


def test_not_available_wins_over_the_start_value() -> None:
    line = ' SG_ S : 0|8@1+ (1,0) [0|254] "" X'
    content = signal_dbc(line, extra='VAL_ 291 S 255 "NotAvailable" ;')
    frames = parsed(content, is_own=True).encode_columns("M", [0], {})
    assert frames.frame["data"][0, 0] == 255


def test_a_signal_without_that_code_takes_its_start_value() -> None:
    frames = OWN.encode_columns("FlightStatus", [0], {})
    assert OWN.decode_columns(frames, "FlightStatus")["CornerFL"].values.tolist() == [2.0]


@pytest.mark.parametrize("message", OWN.messages, ids=lambda message: message.name)
def test_frames_equal_those_of_cantools_bit_by_bit(message: Message) -> None:
    judge = cantools_database(OWN.path.read_bytes()).get_message_by_name(message.name)
    rng = np.random.default_rng(message.frame_id)
    count = 50
    raw = {
        signal.name: rng.integers(*_raw_range(signal), size=count, endpoint=True)
        for signal in message.values
    }
    values = {
        signal.name: raw[signal.name] * signal.scale + signal.offset for signal in message.values
    }
    frames = OWN.encode_columns(message.name, np.arange(count), values, counter_start=3)
    for nth in range(count):
        said: dict[str, int] = {name: int(column[nth]) for name, column in raw.items()}
        if message.is_protected:
            said |= {message.counter_name: (3 + nth) % 16, message.crc_name: 0}
        expected = bytearray(judge.encode(said, scaling=False, strict=False))
        if message.is_protected:
            identifier = message.frame_id.to_bytes(2, "little")
            expected[7] = bitwise_crc8(bytes(expected[:7]) + identifier)
        assert bytes(frames.frame["data"][nth]) == bytes(expected)
        assert frames.frame["id"][nth] == message.frame_id
        assert frames.frame["length"][nth] == judge.length


def _raw_range(signal: Signal) -> tuple[int, int]:
    assert signal.minimum is not None
    assert signal.maximum is not None
    ends = [(end - signal.offset) / signal.scale for end in (signal.minimum, signal.maximum)]
    return round(ends[0]), round(ends[1])


def test_half_a_step_rounds_away_from_zero() -> None:
    values = [0.005, 0.015, -0.005, -0.015]
    frames = OWN.encode_columns("VehicleMotion", range(4), {"ClimbRate_mps": values})
    read = OWN.decode_columns(frames, "VehicleMotion")["ClimbRate_mps"].values
    assert np.round(read * 100).tolist() == [1, 2, -1, -2]


def test_values_that_had_to_be_limited_are_counted() -> None:
    values = {"WheelSpeedFL_radps": [-1.0, 0.0, 327.6, 327.61, 400.0, np.nan]}
    assert OWN.saturated_counts("WheelSpeeds", values) == {"WheelSpeedFL_radps": 2}
    assert OWN.saturated_counts("WheelSpeeds", {"WheelSpeedFL_radps": [1.0]}) == {}


def test_the_alive_counter_wraps_after_15() -> None:
    frames = OWN.encode_columns("DriverDemand", range(18), {}, counter_start=14)
    counter = OWN.decode_columns(frames, "DriverDemand")["DriverDemand_Ctr"].values
    assert counter.tolist() == [14, 15, *range(16)]


def test_one_flipped_bit_of_payload_or_identifier_breaks_the_checksum() -> None:
    frame = OWN.encode_columns("EngineState", [0], {"EngineSpeed_rpm": 3000}).frame[0]
    data, identifier = bytes(frame["data"]), int(frame["id"]).to_bytes(2, "little")
    assert bitwise_crc8(data[:7] + identifier) == data[7]
    for bit in range(72):
        spoilt = bytearray(data[:7] + identifier)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert bitwise_crc8(bytes(spoilt)) != data[7]


def test_checksums_of_real_j1850_frames_verify_and_the_bad_one_does_not() -> None:
    vectors = json.loads((recordings() / "vectors" / "checksum_vectors.json").read_text())[
        "vectors"
    ]
    plain = [vector for vector in vectors if vector["checksum_byte"] == "last"]
    verdicts, stated = [], []
    for vector in plain:
        rows = [bytes.fromhex(frame) for frame in vector["frames"]]
        data = np.array([list(row[:-1]) for row in rows], dtype=np.uint8)
        crc = payload.crc8_j1850(data)
        verdicts += [int(c) == row[-1] for c, row in zip(crc, rows, strict=True)]
        stated += vector["valid"]
    assert verdicts == stated
    assert (len(verdicts), sum(verdicts)) == (12, 11)


def test_counter_and_checksum_are_not_for_the_caller() -> None:
    with pytest.raises(ConfigError, match=r"WheelSpeeds\.WheelSpeeds_Crc is filled in"):
        OWN.encode_columns("WheelSpeeds", [0], {"WheelSpeeds_Crc": 1})


def test_an_unknown_signal_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no signal 'WheelSpeedFL_rads'") as caught:
        OWN.encode_columns("WheelSpeeds", [0], {"WheelSpeedFL_rads": 1})
    assert caught.value.hint == "nearest: WheelSpeedFL_radps"


@pytest.mark.parametrize(
    "line",
    [
        ' SG_ S : 7|16@0+ (1,0) [0|0] "" X',
        ' SG_ S : 0|64@1+ (1,0) [0|0] "" X',
        ' SG_ K M : 0|8@1+ (1,0) [0|0] "" X\n SG_ S m1 : 8|8@1+ (1,0) [0|0] "" X',
    ],
)
def test_a_layout_that_is_not_ours_is_not_encoded(line: str) -> None:
    with pytest.raises(ConfigError, match="cannot be encoded"):
        parsed(signal_dbc(line)).encode_columns("M", [0], {})

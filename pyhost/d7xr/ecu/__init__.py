"""The unit in this process: the firmware's own C, compiled in; nothing else touches it."""

from d7xr.ecu.batch import (
    CHANGE_DTYPE,
    CHUNK_TICKS,
    RUN_DIGEST_SEED,
    Batch,
    Run,
    Stretch,
    chain_digest,
    column_of,
    joined,
)
from d7xr.ecu.sieve import ChannelRows, Sieve, Sieved
from d7xr.ecu.state import Field, choices_of
from d7xr.ecu.tables import (
    Fault,
    Finding,
    Input,
    Parameter,
    Rule,
    calibration_check,
    calibration_default,
    calibration_hash,
    calibration_parameters,
    calibration_rules,
    core_identity,
    faults,
    inputs,
    received_messages,
)
from d7xr.ecu.unit import Ecu

__all__ = [
    "CHANGE_DTYPE",
    "CHUNK_TICKS",
    "RUN_DIGEST_SEED",
    "Batch",
    "ChannelRows",
    "Ecu",
    "Fault",
    "Field",
    "Finding",
    "Input",
    "Parameter",
    "Rule",
    "Run",
    "Sieve",
    "Sieved",
    "Stretch",
    "calibration_check",
    "calibration_default",
    "calibration_hash",
    "calibration_parameters",
    "calibration_rules",
    "chain_digest",
    "choices_of",
    "column_of",
    "core_identity",
    "faults",
    "inputs",
    "joined",
    "received_messages",
]

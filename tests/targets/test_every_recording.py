"""Every recording: the same state after every tick in this process and on the emulated chip."""

from collections.abc import Callable

import pytest

from d7xr.compare import back_to_back
from d7xr.ecu import calibration_default
from d7xr.target.emulated import Emulated
from d7xr.target.sil import Sil
from tests.recordings import recordings
from tests.targets.corpus import JUMPED_S, NOT_FED, PIECES, files_of

FEWEST_TICKS = 9_500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", PIECES)
def test_the_chip_has_the_same_state_at_every_tick(
    name: str, sil: Sil, emulated: Emulated, record_property: Callable[[str, object], None]
) -> None:
    piece = PIECES[name]
    drive = piece.load()

    found = back_to_back(sil, emulated, drive.frame, drive.tick, drive.ticks, calibration_default())

    assert found.is_equal, found.summary
    assert found.ticks == drive.ticks == piece.ticks, "it is compared whole"
    assert found.state_bytes > 1000
    assert drive.tick[-1] < drive.ticks
    record_property("ticks_compared", found.ticks)
    record_property("frames_compared", found.frames)
    for source in piece.source:
        if source in JUMPED_S:
            record_property("pause_jumped", f"{source}, {JUMPED_S[source]:.0f} s")


def test_millions_of_ticks_are_compared() -> None:
    assert sum(piece.ticks for piece in PIECES.values()) >= FEWEST_TICKS


def test_every_recording_is_replayed_or_it_is_said_why_not() -> None:
    replayed = {source for piece in PIECES.values() for source in piece.source}

    assert not replayed & NOT_FED.keys()
    assert replayed | NOT_FED.keys() == files_of(recordings())

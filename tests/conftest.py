"""What holds for every test: the same examples in each run, and an order that can be repeated."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.gates import firmware_build

# The same examples everywhere: a change that fails must fail for everybody. To look further than
# these, run with --hypothesis-profile=explore.
settings.register_profile("d7xr", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("d7xr")


@pytest.fixture(scope="session")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated codec, for all that compile the firmware themselves."""
    return firmware_build.generate_codec(tmp_path_factory.mktemp("codec"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Tell what was compared, and how to repeat the order of a run that failed."""
    told = [
        entry
        for report in terminalreporter.getreports("passed")
        for entry in report.user_properties
    ]
    ticks, frames = (
        sum(int(str(value)) for name, value in told if name == counted)
        for counted in ("ticks_compared", "frames_compared")
    )
    if ticks:
        line = f"equal in this process and on the emulated chip: {ticks:,} ticks, {frames:,} frames"
        terminalreporter.write_line(line)
    for name, value in told:
        if name.startswith("instructions_") or name == "pause_jumped":
            terminalreporter.write_line(f"{name.replace('_', ' ')}: {value}")
    seed = config.getoption("randomly_seed", default=None)
    if exitstatus == pytest.ExitCode.TESTS_FAILED and seed is not None:
        terminalreporter.write_line(f"the same order again: pytest --randomly-seed={seed}")

"""A short look by the fuzzers in every run, the same one each time; hours by ``tools/fuzz.sh``."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.fuzz.build import TARGETS, compile_sources, link_fuzzer, plant, seeds

RUNS = {
    "link": 40_000,
    "receive": 10_000,
    "candump": 60_000,
    "asc": 60_000,
    "trc": 60_000,
    "csv": 60_000,
    "gvret": 60_000,
    "blf": 60_000,
    "mf4": 60_000,
}
"""A few seconds each, ten at most."""

LARGEST_SEED_BYTES = 512


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> dict[str, Path]:
    """Unit, link and readers of traces, compiled with the sanitizers."""
    return compile_sources(tmp_path_factory.mktemp("fuzz_objects"), codec)


def fuzz(program: Path, target: str, runs: int) -> subprocess.CompletedProcess[str]:
    """Let a fuzzer make up inputs, the same ones each time.

    Its memory is not limited: Linux counts the peak of the process that started it, a test runner
    of a gigabyte, as its own. The unit has no heap, and a leak is found by the sanitizer.
    """
    corpus = program.parent / "corpus"
    corpus.mkdir()
    return subprocess.run(
        [program, f"-runs={runs}", "-seed=7", "-max_len=512", "-timeout=10", "-rss_limit_mb=0",
         f"-artifact_prefix={program.parent}/", corpus, seeds(target)],
        capture_output=True, text=True, check=False, cwd=program.parent,
    )  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(
    tmp_path: Path, codec: Path, objects: dict[str, Path], target: str
) -> None:
    done = fuzz(link_fuzzer(target, tmp_path, codec, objects), target, RUNS[target])

    assert done.returncode == 0, done.stderr[-4000:]
    said = re.search(r"Done (\d+) runs", done.stderr)
    assert said
    assert int(said[1]) >= RUNS[target]
    assert len(list((tmp_path / "corpus").iterdir())) > len(list(seeds(target).iterdir()))


@pytest.mark.parametrize(
    ("target", "good", "bad", "report"),
    [
        pytest.param(
            "link", "slcan->length < SLCAN_COMMAND_MAX", "slcan->length < 60U",
            "index 26 out of bounds", id="a line longer than its place",
        ),
        pytest.param(
            "link", "    } else {\n        refuse(slcan);\n    }\n    return event;",
            "    } else {\n        refuse(slcan);\n        event = SLCAN_EVENT_FRAME;\n    }\n"
            "    return event;",
            "deadly signal", id="a refused frame that reaches the unit",
        ),
        pytest.param(
            "receive", "if (frame->length != FRAME_BYTES) {",
            "if (bus_crc(frame->data, frame->length, frame->id) == 0U) {",
            "stack-buffer-overflow", id="a length that is believed before it is checked",
        ),
        pytest.param(
            "candump", "TRACE_STOP_NARROW;\n        return text_lost;", "TRACE_STOP_NARROW;",
            "deadly signal", id="a long frame in short rows",
        ),
        pytest.param(
            "candump", "text_keep(data, digits / 2U)", "data",
            "deadly signal", id="data behind its length",
        ),
        pytest.param(
            "asc", "if ((length > TRACE_CLASSIC_BYTES) || (channel", "if ((channel",
            "deadly signal", id="nine bytes for a place of eight",
        ),
        pytest.param(
            "blf", "if ((bytes < (header + body)) || (bytes", "if ((bytes < header) || (bytes",
            "overflow", id="an object that is shorter than its frame",
        ),
        pytest.param(
            "blf", "        if (reader->skip == 0U) {\n            count_other",
            "        if (reader->skip == 1U) {\n            count_other",
            "deadly signal", id="an object that is passed over without being counted",
        ),
        pytest.param(
            "mf4", "} else if (length > layout->data_bytes) {", "} else if (length > 31U) {",
            "overflow", id="more data than a record holds",
        ),
    ],
)  # fmt: skip
def test_canary_a_planted_bug_is_found(
    tmp_path: Path, codec: Path, objects: dict[str, Path],
    target: str, good: str, bad: str, report: str,
) -> None:  # fmt: skip
    source, planted = plant(good, bad, tmp_path, codec)
    program = link_fuzzer(target, tmp_path, codec, {**objects, source: planted})

    done = fuzz(program, target, RUNS[target])

    assert done.returncode != 0
    assert report in done.stderr, done.stderr[-4000:]


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_are_few_and_small(target: str) -> None:
    kept = list(seeds(target).iterdir())

    assert 3 <= len(kept) <= 12
    assert max(path.stat().st_size for path in kept) <= LARGEST_SEED_BYTES

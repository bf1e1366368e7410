"""Whatever moment power goes at, the next start finds the old set or the new one (PAIN-58)."""

import ctypes
import subprocess
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import pytest

from tests.gates import firmware_build
from tests.gates.checks.flags import read_flags

BOARD = firmware_build.FIRMWARE / "board"
WORDS = 40
LAYOUT = 0x1234ABCD
HEADER_WORDS = 5
SLOTS = 2
DAMAGES = range(4)
FOREVER = 0xFFFFFFFF
MAGIC, SEQUENCE, LENGTH, LAYOUT_WORD, CRC = range(HEADER_WORDS)


class Found(IntEnum):
    """What a start finds: ``store_result_t``."""

    EMPTY = 0
    READ = 1
    FOREIGN = 2
    BROKEN = 3


def numbers(seed: int) -> tuple[int, ...]:
    """Return a set that differs from that of every other seed in every word."""
    return tuple((seed * 0x01000193 + i * 0x9E3779B1) & 0xFFFFFFFF for i in range(WORDS))


@dataclass(frozen=True, slots=True)
class Store:
    """The firmware's store on a flash that can lose power."""

    c: ctypes.CDLL

    def read(self, words: int = WORDS, layout: int = LAYOUT) -> tuple[Found, tuple[int, ...]]:
        """Start: what is found, and the set."""
        room = (ctypes.c_uint32 * words)()
        return Found(self.c.store_read(room, words, layout)), tuple(room)

    def prepare(self) -> bool:
        """Erase what will be written next."""
        return bool(self.c.store_prepare())

    def write(self, content: tuple[int, ...], layout: int = LAYOUT) -> bool:
        """Write a set."""
        words = (ctypes.c_uint32 * len(content))(*content)
        return bool(self.c.store_write(words, len(content), layout))

    def save(self, seed: int) -> bool:
        """Prepare and write."""
        return self.prepare() and self.write(numbers(seed))

    def power(self, goes_at: int = FOREVER, damage: int = 0) -> None:
        """Power is back, and goes at a step."""
        self.c.model_power(goes_at, damage)

    def steps(self) -> int:
        """Return the steps since power came."""
        return int(self.c.model_steps())

    def image(self) -> list[list[int]]:
        """Return both slots, as far as sets reach."""
        reach = range(HEADER_WORDS + WORDS)
        return [[int(self.c.model_word(slot, i)) for i in reach] for slot in range(SLOTS)]

    def spoil(self, slot: int, index: int, bits: int) -> None:
        """Flip bits."""
        self.c.model_spoil(slot, index, bits)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Store and flash, compiled with the project's flags."""
    folder = tmp_path_factory.mktemp("store")
    target = folder / "store.so"
    includes = firmware_build.include_flags(folder)
    for room in ("board", "link"):
        includes += ["-iquote", str(firmware_build.FIRMWARE / room)]
    flags = read_flags(firmware_build.FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    sources = [BOARD / "store.c", Path(__file__).with_name("flash_model.c")]
    done = subprocess.run(
        ["gcc", *flags, "-O2", "-shared", "-fPIC", *includes, *map(str, sources), "-o", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = ctypes.CDLL(str(target))
    for name in ("model_steps", "model_misuses", "model_word", "board_slot_words"):
        getattr(made, name).restype = ctypes.c_uint32
    made.store_prepare.restype = made.store_write.restype = ctypes.c_bool
    return made


@pytest.fixture
def store(library: ctypes.CDLL) -> Store:
    """A chip as it comes from the factory."""
    library.model_reset()
    return Store(library)


def test_a_new_chip_has_no_set(store: Store) -> None:
    assert store.read()[0] is Found.EMPTY


def test_the_last_set_written_is_the_one_that_is_read(store: Store) -> None:
    for seed in range(1, 8):
        assert store.save(seed)

        assert store.read() == (Found.READ, numbers(seed))


@pytest.mark.parametrize("saved", range(4))
def test_power_may_go_at_every_word_and_every_part_of_an_erase(store: Store, saved: int) -> None:
    # Given a store with some sets behind it, and how many steps one more takes
    def before() -> None:
        store.c.model_reset()
        for seed in range(1, saved + 1):
            assert store.save(seed)
        store.power()

    before()
    assert store.save(100)
    steps = store.steps()
    old = (Found.READ, numbers(saved)) if saved else (Found.EMPTY, (0,) * WORDS)
    new = (Found.READ, numbers(100))

    for step in range(steps):
        for damage in DAMAGES:
            # When power goes in that step, leaving it so
            before()
            store.power(step, damage)
            told = store.save(100)

            # Then it is the old set or the new one, and the new one if it was said to be written
            store.power()
            found = store.read()
            assert found in (old, new), (step, damage, found)
            assert found == new or not told
            # And only the very last word, done and not confirmed, makes it the new one
            assert (found == new) == (step == steps - 1 and damage == DAMAGES[-1])

            # And the store is good for the next set, whatever was left behind
            assert store.save(200)
            assert store.read() == (Found.READ, numbers(200))

    assert steps >= HEADER_WORDS + WORDS
    assert store.c.model_misuses() == 0


def test_power_may_go_twice(store: Store) -> None:
    steps = 16 + HEADER_WORDS + WORDS
    for first in range(0, steps, 3):
        for second in range(0, steps, 3):
            store.c.model_reset()
            assert store.save(1)
            assert store.save(2)
            last = 2
            for step in (first, second):
                store.power(step, 1 + step % 2)
                last = 100 + step if store.save(100 + step) else last
                store.power()
                assert store.read() == (Found.READ, numbers(last))


def test_a_slot_that_was_not_erased_is_not_written(store: Store) -> None:
    for seed in (1, 2):
        assert store.save(seed)

    assert not store.write(numbers(3))
    assert store.read() == (Found.READ, numbers(2))


def test_a_blank_slot_is_not_erased_again(store: Store) -> None:
    assert store.prepare()
    assert store.steps() == 0


def test_a_set_of_another_layout_is_refused_not_misread(store: Store) -> None:
    assert store.save(1)

    assert store.read(layout=LAYOUT ^ 1)[0] is Found.FOREIGN
    assert store.read(words=WORDS - 1)[0] is Found.FOREIGN
    # And an older one of the right layout does not come back behind its back
    assert store.prepare()
    assert store.write(numbers(2), layout=LAYOUT ^ 1)
    assert store.read()[0] is Found.FOREIGN


def test_every_flipped_bit_is_seen(store: Store) -> None:
    assert store.save(1)
    for index in range(HEADER_WORDS + WORDS):
        for bit in range(32):
            store.spoil(0, index, 1 << bit)
            found, _ = store.read()
            assert found is (Found.EMPTY if index == MAGIC else Found.BROKEN), (index, bit)
            store.spoil(0, index, 1 << bit)
    assert store.read() == (Found.READ, numbers(1))


def test_where_one_of_two_sets_is_broken_the_other_counts(store: Store) -> None:
    assert store.save(1)
    assert store.save(2)

    store.spoil(1, HEADER_WORDS, 1)

    assert store.read() == (Found.READ, numbers(1))


def test_a_set_that_does_not_fit_is_refused(store: Store) -> None:
    room = int(store.c.board_slot_words()) - HEADER_WORDS

    assert not store.write((0,) * (room + 1))
    assert store.write((0,) * room)


def test_sequence_numbers_may_wrap(store: Store) -> None:
    # Given a set with the last number, its checksum made right by hand
    assert store.save(1)
    slot = store.image()[0]
    store.spoil(0, SEQUENCE, slot[SEQUENCE] ^ 0xFFFFFFFF)
    covered = [0xFFFFFFFF, slot[LENGTH], slot[LAYOUT_WORD], *numbers(1)]
    crc = zlib.crc32(b"".join(word.to_bytes(4, "little") for word in covered))
    store.spoil(0, CRC, slot[CRC] ^ crc)
    assert store.read() == (Found.READ, numbers(1))

    # When the next is written, then it is the newer one
    assert store.save(2)
    assert store.image()[1][SEQUENCE] == 0
    assert store.read() == (Found.READ, numbers(2))

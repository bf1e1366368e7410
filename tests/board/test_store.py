"""Whatever moment power goes at, the next start finds the old record or the new one (PAIN-58)."""

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
MAGIC, SEQUENCE, KIND, LAYOUT_WORD, CRC = range(HEADER_WORDS)
ERASED = 0xFFFFFFFF
SECOND = 48  # where the second set begins: grains of 16 words


class Found(IntEnum):
    """What a start finds: ``store_result_t``."""

    EMPTY = 0
    READ = 1
    FOREIGN = 2
    BROKEN = 3


class Written(IntEnum):
    """What came of writing: ``store_written_t``."""

    WRITTEN = 0
    FULL = 1
    FAILED = 2


class Kind(IntEnum):
    """What a record is of: ``store_kind_t``."""

    CALIBRATION = 0
    LIFE = 1


def numbers(seed: int, count: int = WORDS) -> tuple[int, ...]:
    """Return words that differ from those of every other seed, each of them."""
    return tuple((seed * 0x01000193 + i * 0x9E3779B1) & 0xFFFFFFFF for i in range(count))


@dataclass(frozen=True, slots=True)
class Store:
    """The firmware's store on a flash that can lose power."""

    c: ctypes.CDLL

    def start(self) -> bool:
        """Power is on: find what is there, and make room."""
        return bool(self.c.store_prepare())

    def read(
        self, kind: Kind = Kind.CALIBRATION, words: int = WORDS, layout: int = LAYOUT
    ) -> tuple[Found, tuple[int, ...]]:
        """Return what there is of a kind."""
        room = (ctypes.c_uint32 * words)()
        return Found(self.c.store_read(kind, room, words, layout)), tuple(room)

    def restart(self, words: int = WORDS, layout: int = LAYOUT) -> tuple[Found, tuple[int, ...]]:
        """Start with power that stays, and read the set."""
        self.power()
        assert self.start()
        return self.read(words=words, layout=layout)

    def write(
        self, content: tuple[int, ...], kind: Kind = Kind.CALIBRATION, layout: int = LAYOUT
    ) -> Written:
        """Write a record."""
        words = (ctypes.c_uint32 * len(content))(*content)
        return Written(self.c.store_write(kind, words, len(content), layout))

    def save(self, seed: int) -> bool:
        """Start and write a set."""
        return self.start() and self.write(numbers(seed)) is Written.WRITTEN

    def power(self, goes_at: int = FOREVER, damage: int = 0) -> None:
        """Power is back, and goes at a step."""
        self.c.model_power(goes_at, damage)

    def steps(self) -> int:
        """Return the steps since power came."""
        return int(self.c.model_steps())

    def image(self) -> list[list[int]]:
        """Return both slots."""
        reach = range(int(self.c.board_slot_words()))
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
    for name in ("model_steps", "model_misuses", "model_word", "model_erased", "board_slot_words"):
        getattr(made, name).restype = ctypes.c_uint32
    made.store_prepare.restype = ctypes.c_bool
    return made


@pytest.fixture
def store(library: ctypes.CDLL) -> Store:
    """A chip as it comes from the factory."""
    library.model_reset()
    return Store(library)


def test_a_new_chip_has_no_record(store: Store) -> None:
    assert store.restart()[0] is Found.EMPTY
    assert store.read(Kind.LIFE)[0] is Found.EMPTY


def test_the_last_set_written_is_the_one_that_is_read(store: Store) -> None:
    for seed in range(1, 8):
        assert store.save(seed)

        assert store.read() == (Found.READ, numbers(seed))
        assert store.restart() == (Found.READ, numbers(seed))


def test_each_kind_keeps_its_own_record_through_many_rounds(store: Store) -> None:
    few = 3
    for seed in range(1, 20):
        assert store.start()
        kind, count = ((Kind.CALIBRATION, WORDS), (Kind.LIFE, few))[seed % 2]
        assert store.write(numbers(seed, count), kind) is Written.WRITTEN

        assert store.start()
        assert store.read(Kind.LIFE, few) == (Found.READ, numbers(seed - 1 + seed % 2, few))
        if seed > 1:
            assert store.read() == (Found.READ, numbers(seed - seed % 2))
    assert store.c.model_misuses() == 0


@pytest.mark.parametrize("saved", range(5))
def test_power_may_go_at_every_word_and_every_part_of_an_erase(store: Store, saved: int) -> None:
    # Given a store with some sets and a record of another kind behind it, and how many steps one
    # more set takes: with some of them, room must be made first
    life = (Found.READ, numbers(7, 3))

    def before() -> None:
        store.c.model_reset()
        assert store.start()
        assert store.write(numbers(7, 3), Kind.LIFE) is Written.WRITTEN
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
            found = store.restart()
            assert found in (old, new), (step, damage, found)
            assert found == new or not told
            # And only the very last word, done and not confirmed, makes it the new one
            assert (found == new) == (step == steps - 1 and damage == DAMAGES[-1])
            assert store.read(Kind.LIFE, 3) == life

            # And the store is good for the next set, whatever was left behind
            assert store.save(200)
            assert store.restart() == (Found.READ, numbers(200))
            assert store.read(Kind.LIFE, 3) == life

    assert steps >= HEADER_WORDS + WORDS
    assert store.c.model_misuses() == 0


def test_power_may_go_twice(store: Store) -> None:
    steps = 24 + 2 * (HEADER_WORDS + WORDS)
    for first in range(0, steps, 3):
        for second in range(0, steps, 3):
            store.c.model_reset()
            assert store.save(1)
            assert store.save(2)
            last = 2
            for step in (first, second):
                store.power(step, 1 + step % 2)
                last = 100 + step if store.save(100 + step) else last
                assert store.restart() == (Found.READ, numbers(last))


def test_a_slot_that_has_room_is_not_erased(store: Store) -> None:
    assert store.start()
    for seed in range(1, 3):
        assert store.write(numbers(seed)) is Written.WRITTEN
    assert store.c.model_erased() == 0

    assert store.save(3)

    assert store.c.model_erased() == 0, "the other slot was blank"
    assert store.image()[1][:HEADER_WORDS] != [ERASED] * HEADER_WORDS


def test_a_slot_is_full_until_the_next_start(store: Store) -> None:
    assert store.start()
    written = 0
    while store.write(numbers(written + 1)) is Written.WRITTEN:
        written += 1

    assert written == int(store.c.board_slot_words()) // (HEADER_WORDS + WORDS)
    assert store.write(numbers(99)) is Written.FULL
    assert store.restart() == (Found.READ, numbers(written))
    assert store.write(numbers(99)) is Written.WRITTEN


def test_a_record_that_ends_as_if_blank_is_not_written_over(store: Store) -> None:
    blank_at_its_end = (*numbers(1)[:3], *(ERASED,) * (WORDS - 3))
    assert store.start()
    assert store.write(blank_at_its_end) is Written.WRITTEN

    assert store.start()
    assert store.write((1, 2, 3), Kind.LIFE) is Written.WRITTEN

    assert store.restart() == (Found.READ, blank_at_its_end)


def test_a_record_of_another_layout_is_refused_not_misread(store: Store) -> None:
    assert store.save(1)

    assert store.read(layout=LAYOUT ^ 1)[0] is Found.FOREIGN
    assert store.read(words=WORDS - 1)[0] is Found.FOREIGN
    # And an older one of the right layout does not come back behind its back
    assert store.start()
    assert store.write(numbers(2), layout=LAYOUT ^ 1) is Written.WRITTEN
    assert store.restart()[0] is Found.FOREIGN


def test_every_flipped_bit_is_seen(store: Store) -> None:
    assert store.save(1)
    for index in range(HEADER_WORDS + WORDS):
        for bit in range(32):
            store.spoil(0, index, 1 << bit)
            found, _ = store.restart()
            assert found is (Found.EMPTY if index == MAGIC else Found.BROKEN), (index, bit)
            store.spoil(0, index, 1 << bit)
    assert store.restart() == (Found.READ, numbers(1))


def test_where_one_of_two_records_is_broken_the_other_counts(store: Store) -> None:
    for rounds in (2, 3):  # both in one slot, and one in each
        store.c.model_reset()
        for seed in range(1, rounds + 1):
            assert store.save(seed)
        image = store.image()
        last = numbers(rounds)[0]

        for slot in range(SLOTS):
            if last in image[slot]:
                store.spoil(slot, image[slot].index(last), 1)

        assert store.restart() == (Found.READ, numbers(rounds - 1))
        # And the next one is the newest again
        assert store.save(50)
        assert store.restart() == (Found.READ, numbers(50))


def test_a_record_that_does_not_fit_is_refused(store: Store) -> None:
    room = int(store.c.board_slot_words()) - HEADER_WORDS
    assert store.start()

    assert store.write((0,) * (room + 1)) is Written.FULL
    assert store.write((0,) * room) is Written.WRITTEN


def test_flash_that_does_not_hold_is_told_and_the_old_set_counts(store: Store) -> None:
    # Given a set, and a word behind it that is worn out
    assert store.save(1)
    assert store.start()
    store.spoil(0, 2 * HEADER_WORDS + WORDS + 8, 1 << 7)

    assert store.write(numbers(2)) is Written.FAILED

    assert store.read() == (Found.READ, numbers(1))
    assert store.restart() == (Found.READ, numbers(1))


def test_sequence_numbers_may_wrap(store: Store) -> None:
    # Given a set with the last number, its checksum made right by hand
    assert store.save(1)
    slot = store.image()[0]
    store.spoil(0, SEQUENCE, slot[SEQUENCE] ^ 0xFFFFFFFF)
    covered = [0xFFFFFFFF, slot[KIND], slot[LAYOUT_WORD], *numbers(1)]
    crc = zlib.crc32(b"".join(word.to_bytes(4, "little") for word in covered))
    store.spoil(0, CRC, slot[CRC] ^ crc)
    assert store.restart() == (Found.READ, numbers(1))

    # When the next is written, then it is the newer one
    assert store.save(2)
    assert store.image()[0][SECOND + SEQUENCE] == 0
    assert store.restart() == (Found.READ, numbers(2))

"""Many jobs, one row each: on all cores of this machine or on a Dask cluster, and resumable.

What a job is stays with the caller: a function of one argument that returns a flat row. It is
pickled by its name, so it stands at the top of a module that every worker can import, and paths in
its argument mean the same on every machine. Nothing of what the workers know comes back but rows.

- A job that fails is a row with its error, never the end of the run; so is one that kills its
  worker, which is then tried once more, alone.
- Each row is in the ledger, a file of one JSON object a line, before the next is waited for. A run
  that is interrupted, killed or loses a worker goes on from there: what is done is not done again,
  and nothing counts twice.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import active_children, connection, get_context, parent_process
from typing import TYPE_CHECKING, Any, Final, Protocol

from d7xr.errors import ConfigError, D7xrError, EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from io import BufferedRandom
    from pathlib import Path

    from distributed import Client

SCHEMA: Final = "d7xr.rows"
VERSION: Final = 1

_ENVIRONMENT: Final = EnvironmentFault.exit_code
_AHEAD: Final = 2
"""Jobs in hand for each worker: the next is there before one asks for it."""
_CLUSTER_WINDOW: Final = 1000
_CLUSTER_TIMEOUT_S: Final = 10
_CLUSTER_LIVES: Final = 2


@dataclass(frozen=True, slots=True)
class Job[T]:
    """One thing to do.

    Attributes:
        name: Names its row; unique, and the same from run to run.
        argument: What the work is called with; can be pickled.
        stamp: Changes when the argument's meaning has, for example size and time of a file: a row
            with another stamp is not done.
        weight: Its share of the whole, for progress and for the order: the heaviest go first.
    """

    name: str
    argument: T
    stamp: str = ""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no values: the parts of a `D7xrError`."""

    kind: str
    message: str
    hint: str | None
    exit_code: int


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a job.

    Attributes:
        name: Of the job.
        stamp: Of the job.
        values: What the work returned; empty where it failed.
        error: Why it failed, or None.
    """

    name: str
    stamp: str
    values: Mapping[str, object] = field(default_factory=dict)
    error: Failure | None = None

    @property
    def is_final(self) -> bool:
        """Whether doing it again would tell the same: not after a fault of the machine."""
        return self.error is None or self.error.exit_code != _ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        weight_done: Weight of the jobs that have a row, those of earlier runs included.
        weight: Weight of all.
        done: Jobs that have a row.
        jobs: All of them.
        failed: Rows with an error.
        resumed: Rows that were there before this run began.
    """

    weight_done: int
    weight: int
    done: int
    jobs: int
    failed: int
    resumed: int


class Workers(Protocol):
    """Whoever does jobs."""

    def rows[T](
        self, work: Callable[[T], Mapping[str, object]], jobs: Sequence[Job[T]]
    ) -> Iterator[Row]:
        """Yield one row per job, in the order in which they are done."""
        ...


def run[T](
    work: Callable[[T], Mapping[str, object]],
    jobs: Sequence[Job[T]],
    *,
    workers: Workers | None = None,
    ledger: Ledger | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Row, ...]:
    """Do all jobs that have no row yet.

    Args:
        work: A function at the top of a module; returns values that JSON can hold.
        jobs: With distinct names.
        workers: Who does them; None takes all cores of this machine.
        ledger: Where rows are kept; None keeps them in memory alone.
        on_progress: Called at the beginning and behind every row.

    Returns:
        One row per job, in the order of the jobs.

    Raises:
        UsageError: Two jobs of one name.
        EnvironmentFault: A cluster that does not answer, a ledger that cannot be written.

    Example:
        >>> rows = run(len, [Job("one", "a"), Job("two", "bb")], workers=Cores(1))
        >>> [row.error.kind for row in rows]  # a number is no row
        ['unexpected', 'unexpected']
    """
    kept = {} if ledger is None else ledger.rows
    found = {job.name: kept[job.name] for job in jobs if _is_done(job, kept)}
    todo = sorted((j for j in jobs if j.name not in found), key=lambda j: -j.weight)
    if len({job.name for job in jobs}) != len(jobs):
        twice = next(j.name for i, j in enumerate(jobs) if any(j.name == k.name for k in jobs[:i]))
        raise UsageError(f"two jobs are called {twice!r}", hint="name each thing once")
    weight_of = {job.name: job.weight for job in jobs}
    resumed, weight_done = len(found), sum(weight_of[name] for name in found)
    failed = sum(row.error is not None for row in found.values())

    def show() -> None:
        if on_progress is not None:
            total = sum(weight_of.values())
            on_progress(Progress(weight_done, total, len(found), len(jobs), failed, resumed))

    show()
    for row in (workers or Cores()).rows(work, todo) if todo else ():
        if ledger is not None:
            ledger.add(row)
        found[row.name] = row
        weight_done += weight_of[row.name]
        failed += row.error is not None
        show()
    return tuple(found[job.name] for job in jobs)


def _is_done(job: Job[Any], kept: Mapping[str, Row]) -> bool:
    row = kept.get(job.name)
    return row is not None and row.stamp == job.stamp and row.is_final


def _attempt[T](work: Callable[[T], Mapping[str, object]], job: Job[T]) -> Row:
    """Do one job where the worker is; what it raises becomes its row."""
    try:
        values = {name: _plain(value) for name, value in dict(work(job.argument)).items()}
        json.dumps(values)
    except D7xrError as error:
        failure = Failure(error.kind, error.message, error.hint, error.exit_code)
        return Row(job.name, job.stamp, error=failure)
    except Exception as error:  # noqa: BLE001 - one bad job must not end the others
        told = f"{type(error).__name__}: {error}"
        failure = Failure("unexpected", told, "this is a fault of d7xr: please report it", 3)
        return Row(job.name, job.stamp, error=failure)
    return Row(job.name, job.stamp, values)


def _plain(value: object) -> object:
    """Return a number that is not finite as None: JSON has none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _died(job: Job[Any]) -> Row:
    hint = "it ran out of memory or crashed; the other rows are not touched"
    return Row(job.name, job.stamp, error=Failure("died", "its worker died, twice", hint, 3))


class Cores:
    """Processes on this machine, one per core.

    Args:
        count: How many; None takes every core that this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        """Choose how many."""
        self.count = count or len(os.sched_getaffinity(0))

    def rows[T](
        self, work: Callable[[T], Mapping[str, object]], jobs: Sequence[Job[T]]
    ) -> Iterator[Row]:
        """Yield one row per job, in the order in which they are done."""
        waiting = deque(jobs)
        while waiting:
            suspects: list[Job[T]] = []
            yield from self._until_a_death(work, waiting, self.count, suspects)
            for job in suspects:  # which of them killed the worker shows when each is alone
                dead: list[Job[T]] = []
                yield from self._until_a_death(work, deque([job]), 1, dead)
                yield from map(_died, dead)

    def _until_a_death[T](
        self,
        work: Callable[[T], Mapping[str, object]],
        waiting: deque[Job[T]],
        count: int,
        lost: list[Job[T]],
    ) -> Iterator[Row]:
        """Yield rows until all are done, or a worker died: what was in hand is then in `lost`."""
        in_hand: dict[Future[Row], Job[T]] = {}
        with _pool(min(count, len(waiting))) as pool:
            while (waiting and not lost) or in_hand:
                while waiting and not lost and len(in_hand) < _AHEAD * count:
                    try:
                        in_hand[pool.submit(_attempt, work, waiting[0])] = waiting[0]
                    except BrokenProcessPool:
                        break
                    waiting.popleft()
                if not in_hand:  # broken before anything was taken
                    lost.append(waiting.popleft())
                    return
                done = wait(in_hand, return_when=FIRST_COMPLETED).done
                for future in [future for future in in_hand if future in done]:
                    job = in_hand.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        lost.append(job)


@contextmanager
def _pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose workers never outlive this block, however it is left."""
    before = set(active_children())
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("forkserver"), initializer=_begin_worker
    )
    try:
        yield pool
    except BaseException:
        for child in set(active_children()) - before:
            child.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _begin_worker() -> None:
    """Leave an interrupt to the parent, and end when the parent has ended, even by a kill."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class Cluster:
    """The workers of a Dask scheduler, on any number of machines.

    A worker that is lost costs nothing but time: what it had in hand is done by another.

    Args:
        address: Of the scheduler, for example ``tcp://10.0.0.5:8786``.
    """

    def __init__(self, address: str) -> None:
        """Remember where; nothing is connected before there is something to do."""
        self.address = address

    def rows[T](
        self, work: Callable[[T], Mapping[str, object]], jobs: Sequence[Job[T]]
    ) -> Iterator[Row]:
        """Yield one row per job, in the order in which they are done.

        Raises:
            UsageError: The package is not installed.
            EnvironmentFault: No scheduler answers, or it has gone.
        """
        client = self._client()
        from distributed import as_completed

        waiting = deque(jobs)
        in_hand: dict[Any, Job[T]] = {}
        completed = as_completed(loop=client.loop)
        try:
            while waiting or in_hand:
                while waiting and len(in_hand) < _CLUSTER_WINDOW:
                    job = waiting.popleft()
                    future = client.submit(_attempt, work, job, pure=False, retries=_CLUSTER_LIVES)
                    in_hand[future] = job
                    completed.add(future)
                future = next(completed)
                yield self._row(future, in_hand.pop(future))
        finally:
            client.cancel(list(in_hand))
            client.close()

    def _row(self, future: Any, job: Job[Any]) -> Row:  # noqa: ANN401 - the package has no types
        if future.status == "cancelled" or future.status == "lost":
            raise EnvironmentFault(
                f"the scheduler at {self.address} has gone",
                hint="start it again and call the same command: what is done is not done again",
            )
        error = future.exception()
        if error is None:
            row = future.result()
            assert isinstance(row, Row)
            return row
        if type(error).__name__ == "KilledWorker":
            return _died(job)
        told = f"a worker cannot do it: {type(error).__name__}: {error}"
        hint = "install the same version of d7xr on every worker"
        return Row(job.name, job.stamp, error=Failure("environment", told, hint, _ENVIRONMENT))

    def _client(self) -> Client:
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError(
                "several machines need Dask, which is not installed",
                hint="python -m pip install 'd7xr[sweep]'",
            ) from error
        try:
            return Client(self.address, timeout=_CLUSTER_TIMEOUT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise EnvironmentFault(
                f"no Dask scheduler answers at {self.address}",
                hint="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
            ) from error


class Ledger:
    """The rows that are done, in a file of one JSON object a line.

    The first line says what was asked; a row is one line, written at once. Of two rows of one name
    the later one holds. A line that a crash cut short was not done and is taken away.

    Attributes:
        rows: What is done, by the job's name.
    """

    def __init__(self, file: BufferedRandom, rows: dict[str, Row]) -> None:
        """Take over an open file; see `opened`."""
        self.rows = rows
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, path: Path, request: Mapping[str, object]) -> Iterator[Ledger]:
        """Open a ledger, or begin one.

        Args:
            path: The file; its folder is made.
            request: What was asked, as JSON can hold it: all that makes rows of two runs differ.

        Raises:
            UsageError: It belongs to another request, or another run is writing to it.
            ConfigError: It is no ledger.
            EnvironmentFault: It cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write {path}: {error.strerror}", hint="name a folder that you may write"
            ) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UsageError(
                    f"{path} is being written by another run", hint="wait for its end"
                ) from error
            lines = _whole_lines(file)
            if not lines:
                header = {"schema": SCHEMA, "version": VERSION, "request": request}
                _write_line(file, header)
            else:
                _refuse_another(path, lines[0], request)
            yield cls(file, {row.name: row for row in _rows(path, lines[1:])})

    def add(self, row: Row) -> None:
        """Write a row; it is in the hands of the system when this returns.

        Raises:
            EnvironmentFault: The disk is full or gone.
        """
        try:
            _write_line(self._file, asdict(row))
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write {self._file.name}: {error.strerror}",
                hint="free some space and call the same command: what is done is not done again",
            ) from error
        self.rows[row.name] = row


def _write_line(file: BufferedRandom, document: Mapping[str, object]) -> None:
    file.write(json.dumps(document, allow_nan=False).encode() + b"\n")
    file.flush()


def _whole_lines(file: BufferedRandom) -> list[bytes]:
    """Return the lines of a file and cut away a last one without an end."""
    file.seek(0)
    content = file.read()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        file.truncate(end)
    return content[:end].splitlines()


def _refuse_another(path: Path, line: bytes, request: Mapping[str, object]) -> None:
    header: object = None
    with suppress(ValueError):
        header = json.loads(line)
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ConfigError(f"{path} is no list of rows", hint="name another folder")
    asked = header.get("request", {})
    wanted = json.loads(json.dumps(request))
    for key in sorted({*asked, *wanted}):
        if asked.get(key) != wanted.get(key):
            raise UsageError(
                f"{path} was begun with {key} {asked.get(key)!r}, not {wanted.get(key)!r}",
                hint="to begin anew name another folder; to go on, ask for the same",
            )


def _rows(path: Path, lines: list[bytes]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=2):
        try:
            document = json.loads(line)
            error = document["error"]
            yield Row(
                document["name"],
                document["stamp"],
                document["values"],
                None if error is None else Failure(**error),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path}:{number}: is no row", hint="take the line away; it is then done again"
            ) from error

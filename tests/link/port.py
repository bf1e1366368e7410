"""The bench behind a pseudo-terminal, served by a thread: a serial port with a unit on it."""

import os
import queue
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.link.bench import RING_BYTES, LinkBench

WAIT_S = 20.0
"""Longer than anything takes; a test that waits so long has failed."""


class Port:
    """A pseudo-terminal and the thread that is the machine behind it.

    The machine takes a byte from the line only when its ring has room, and sends as the line takes
    it: nothing is lost by the port itself.

    Args:
        bench: The unit; it belongs to the thread until the port is closed.
    """

    def __init__(self, bench: LinkBench) -> None:
        self._bench = bench
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wake_read, self._wake_write = os.pipe()
        self._jobs: queue.SimpleQueue[Callable[[LinkBench], object] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._unsent = b""
        self._thread = threading.Thread(target=self._serve, name="port", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Path of the terminal that a client opens."""
        return os.ttyname(self._slave)

    def do[T](self, job: Callable[[LinkBench], T]) -> T:
        """Do something with the bench between two bytes, and return what it gave."""
        self._jobs.put(job)
        os.write(self._wake_write, b".")
        return self._results.get(timeout=WAIT_S)  # type: ignore[return-value]

    def close(self) -> None:
        """Stop the thread and give the terminal back."""
        self._jobs.put(None)
        os.write(self._wake_write, b".")
        self._thread.join(timeout=WAIT_S)
        assert not self._thread.is_alive()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _serve(self) -> None:
        is_alive = True
        while is_alive:
            room = RING_BYTES - self._bench.state.waiting_bytes
            wanted = [self._wake_read, *([self._master] if room else [])]
            unsent = [self._master] if self._unsent else []
            readable, writable, _ = select.select(wanted, unsent, [], WAIT_S)
            if self._wake_read in readable:
                os.read(self._wake_read, 1)
                is_alive = self._work(self._jobs.get())
            if self._master in readable:
                self._bench.receive(os.read(self._master, room))
            if writable:
                self._unsent = self._unsent[os.write(self._master, self._unsent) :]
            self._bench.pump()
            if not self._unsent:
                self._unsent = self._bench.send()

    def _work(self, job: Callable[[LinkBench], object] | None) -> bool:
        if job is not None:
            self._results.put(job(self._bench))
        return job is not None


@contextmanager
def served(bench: LinkBench) -> Iterator[Port]:
    """Put a bench behind a terminal for a while."""
    port = Port(bench)
    try:
        yield port
    finally:
        port.close()

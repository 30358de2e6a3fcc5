"""One worker, as its supervisor sees it: a process, what it last said, and what it is told.

The normal case: it says how it is twice a second, over a pipe of its own. The end of
that pipe is the end of one of the two: a worker whose supervisor is gone drains by itself.

Workers are forked from a process that has loaded everything and does nothing else
(multiprocessing's forkserver): a new one serves within a fraction of a second, and no
thread of the supervisor is torn by a fork.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from select import POLLOUT, poll
from typing import Final

from s3gate.health.status import WorkerStatus

LEAVE: Final = b"leave"  # to a worker: answers close their connections from now on
STATUS_BYTES: Final = 65_536  # of one status; it has under 1 KiB
START_S: Final = 120.0  # until its first word: it may read a large journal from a slow disk

Main = Callable[[Connection], None]
"""What a worker runs: it sends its status lines, and ends when the connection does."""


@dataclass(eq=False)
class Worker:
    """One process, as its supervisor sees it."""

    process: BaseProcess
    link: Connection
    began: float = field(default_factory=time.monotonic)
    status: WorkerStatus | None = None
    heard_at: float = field(default_factory=time.monotonic)
    leaving: bool = False

    @property
    def serves(self) -> bool:
        """Whether clients can come to it."""
        return self.status is not None and self.status.serves

    def hear(self) -> None:
        """Take in what it says."""
        with suppress(EOFError, OSError, ValueError):
            while self.link.poll():
                self.status = WorkerStatus.from_line(self.link.recv_bytes(STATUS_BYTES))
                self.heard_at = time.monotonic()

    def say(self, word: bytes) -> None:
        """Tell it something short; one that has ended or does not listen is told nothing."""
        room = poll()
        with suppress(OSError):
            room.register(self.link.fileno(), POLLOUT)
            if room.poll(0):
                self.link.send_bytes(word)

    def is_silent(self, now: float, silence_s: float) -> bool:
        """Whether it has been given up: it runs and says nothing, so nothing will become of it.

        Args:
            now: of `time.monotonic`.
            silence_s: how long one that has spoken may be silent, seconds.
        """
        return now - self.heard_at > (silence_s if self.status is not None else START_S)

    def end(self) -> None:
        """Ask it to drain."""
        self.leaving = True
        self.process.terminate()


def make_context(preload: Sequence[str]) -> ForkServerContext:
    """Where workers are forked from.

    Args:
        preload: modules that it loads first.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context

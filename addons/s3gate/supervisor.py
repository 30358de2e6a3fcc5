"""Several workers behind one port: started, watched, replaced, ended together.

The normal case: as many processes as were asked for, each with its own socket on the
port. One that ends is replaced at once; one that ends again and again waits longer each
time, while the others serve on. SIGTERM: everybody who asks hears that the gate is not
ready, then each worker drains. SIGHUP: each worker is followed by a new one, the new
first, one after the other. A worker whose supervisor is gone drains by itself.

Workers are forked from a process that has loaded everything and does nothing else
(multiprocessing's forkserver): a new one serves within a fraction of a second, and no
thread of the supervisor is torn by a fork.
"""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Final

from s3gate.health.status import Heard, WorkerStatus

_log = logging.getLogger("s3gate")

LEAVE: Final = b"leave"  # to a worker: answers close their connections from now on
QUICK_S: Final = 10.0  # a worker that did not live so long ended at once
FIRST_DELAY_S: Final = 0.5  # before the second replacement of a row; the first does not wait
MAX_DELAY_S: Final = 30.0
LOOK_S: Final = 0.2  # between looks at the clock
END_S: Final = 60.0  # drain, last completions, last heartbeat, shipping's last moments; then SIGKILL
STATUS_BYTES: Final = 65_536  # of one status; it has under 1 KiB
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Main = Callable[[Connection], None]
"""What a worker runs: it sends its status lines, and ends when the connection does."""


@dataclass(eq=False)
class Worker:
    """One process, as its supervisor sees it."""

    process: BaseProcess
    link: Connection
    began: float = field(default_factory=time.monotonic)
    status: WorkerStatus | None = None
    heard_at: float = 0.0
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
        """Tell it something; one that has ended is told nothing."""
        with suppress(OSError):
            self.link.send_bytes(word)

    def end(self) -> None:
        """Ask it to drain."""
        self.leaving = True
        self.process.terminate()


@dataclass(frozen=True, slots=True)
class Rest:
    """How long to wait before the next replacement. Pure.

    Args:
        row: how many workers in a row ended at once.
    """

    row: int = 0

    def after(self, lived_s: float) -> "Rest":
        """The rest when one more has ended."""
        return Rest(self.row + 1) if lived_s < QUICK_S else Rest(1)

    @property
    def delay_s(self) -> float:
        """Seconds; none the first time."""
        return 0.0 if self.row <= 1 else float(min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (self.row - 2)))


def make_context(preload: Sequence[str]) -> ForkServerContext:
    """Where workers are forked from.

    Args:
        preload: modules that it loads first.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


class Supervisor:
    """Keeps workers running until it is told to stop.

    Args:
        count: how many.
        main: what each runs; it must be importable.
        context: where they are forked from.
        ended: told the process id of each that ended.
        left: told that the gate leaves.
        unaware: whether somebody must still hear that, asked while it does.
        renew: asked at SIGHUP whether new workers should follow the old ones.
    """

    def __init__(
        self,
        count: int,
        main: Main,
        context: ForkServerContext,
        *,
        ended: Callable[[int], None] = lambda _pid: None,
        left: Callable[[], None] = lambda: None,
        unaware: Callable[[], bool] = lambda: False,
        renew: Callable[[], bool] = lambda: True,
    ) -> None:
        self.count, self._main, self._context = count, main, context
        self._ended, self._left, self._unaware, self._renew = ended, left, unaware, renew
        self._workers: list[Worker] = []
        self._roll: deque[Worker] = deque()
        self._successor: Worker | None = None
        self._rest, self._due = Rest(), 0.0
        self._signals: deque[int] = deque()
        self._proven = False
        self.leaving = False
        self.restarts = 0

    def heard(self) -> list[Heard]:
        """The last word of each worker; may be asked from any thread."""
        now = time.monotonic()
        return [Heard(one.status, now - one.heard_at) for one in tuple(self._workers) if one.status]

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [one.process.pid for one in tuple(self._workers) if one.process.pid is not None]

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Serve until SIGTERM or SIGINT.

        Args:
            started: told once, when every worker serves.

        Returns:
            0 after a stop in order; else the exit code of the worker that could not start.
        """
        with _signals(self._signals.append) as wake:
            told = False
            while not self._signals or self._signals[0] == signal.SIGHUP:
                if self._signals:
                    self._signals.popleft()
                    self._begin_roll()
                self._fill()
                self._look(wake)
                if (code := self._reap()) is not None:
                    self._stop(wake)
                    return code
                self._go_on_rolling()
                if not told and sum(one.serves for one in self._workers) >= self.count:
                    told = self._proven = True
                    started()
            return self._leave(wake)

    def _fill(self) -> None:
        """Start what is missing, unless the last ones ended too soon."""
        staying = sum(not one.leaving for one in self._workers)
        wanted = self.count + (self._successor is not None)
        while staying < wanted and time.monotonic() >= self._due:
            self._workers.append(self._start())
            staying += 1

    def _start(self) -> Worker:
        link, far = self._context.Pipe()
        process = self._context.Process(target=self._main, args=(far,), name="s3gate-worker")
        process.start()
        far.close()
        return Worker(process, link)

    def _look(self, wake: int) -> None:
        """Wait for a word, an end, a signal, or the clock."""
        links = {one.link: one for one in self._workers}
        sentinels = [one.process.sentinel for one in self._workers]
        for ready in wait([wake, *links, *sentinels], LOOK_S):
            if ready == wake:
                with suppress(BlockingIOError):
                    os.read(wake, 64)
            elif isinstance(ready, Connection) and not ready.closed:
                links[ready].hear()

    def _reap(self) -> int | None:
        """See off what has ended; the exit code to end with, when a start showed that none can start."""
        code: int | None = None
        for one in [one for one in self._workers if not one.process.is_alive()]:
            one.process.join()
            one.link.close()
            self._workers.remove(one)
            if one.process.pid is not None:
                self._ended(one.process.pid)
            if one.leaving:
                continue
            if not self._proven and one.process.exitcode and one.process.exitcode > 0:
                code = one.process.exitcode
            self._replace(one)
        return code

    def _replace(self, dead: Worker) -> None:
        if dead is self._successor:
            self._successor = None
            self._roll.clear()
            _log.error("a new worker could not start; the old ones serve on")
            return
        if dead in self._roll:
            self._roll.remove(dead)
        self.restarts += 1
        self._rest = self._rest.after(time.monotonic() - dead.began)
        self._due = time.monotonic() + self._rest.delay_s
        _log.error(
            "a worker ended with %s; it is replaced in %g s", dead.process.exitcode, self._rest.delay_s
        )

    def _begin_roll(self) -> None:
        """Follow each worker by a new one."""
        if self._proven and not self._roll and self._successor is None and self._renew():
            self._roll.extend(one for one in self._workers if not one.leaving)

    def _go_on_rolling(self) -> None:
        if self._successor is not None:
            if not self._successor.serves:
                return
            self._successor = None
            if self._roll:
                self._roll.popleft().end()
        if self._roll:
            self._successor = self._start()
            self._workers.append(self._successor)

    def _leave(self, wake: int) -> int:
        """Say so, wait until it was heard, then drain; a second signal, or SIGINT, does not wait."""
        self.leaving = True
        self._left()
        hurried = self._signals.popleft() == signal.SIGINT
        for one in self._workers:
            one.say(LEAVE)
        while self._unaware() and not hurried:
            self._look(wake)
            self._reap()
            hurried = bool(self._signals)
        return self._stop(wake)

    def _stop(self, wake: int) -> int:
        """Drain every worker; the worst exit code."""
        worst = 0
        workers = list(self._workers)
        for one in workers:
            one.end()
        deadline = time.monotonic() + END_S
        while self._workers and time.monotonic() < deadline:
            self._look(wake)
            self._reap()
        for one in self._workers:
            _log.error("a worker did not end in time and is killed")
            one.process.kill()
            one.process.join()
        for one in workers:
            if one.status is not None:  # else it was told to end before it could hear that
                worst = max(worst, abs(one.process.exitcode or 0))
        return worst


@contextmanager
def _signals(came: Callable[[int], None]) -> Iterator[int]:
    """Hear the signals; gives a descriptor that becomes readable with each."""

    def handle(number: int, _frame: FrameType | None) -> None:
        came(number)

    wake, own = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    old = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
    try:
        yield wake
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wake)
        os.close(own)

"""Several workers behind one port: started, watched, replaced, ended together.

The normal case: as many processes as were asked for, each with its own socket on the
port. One that ends is replaced at once; one that ends again and again waits longer each
time, while the others serve on. SIGTERM: everybody who asks hears that the gate is not
ready, then each worker drains. SIGHUP is passed on to whoever keeps the policy. A worker
whose supervisor is gone drains by itself. One that
runs and says nothing for half a minute (stopped, or in an endless loop) is killed, and
replaced like any other.
"""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from typing import Final

from s3gate.health.status import Heard
from s3gate.interrupts import hear_signals
from s3gate.rest import Rest
from s3gate.worker import LEAVE, Main, Worker

_log = logging.getLogger("s3gate")

LOOK_S: Final = 0.2  # between looks at the clock
NEWS_S: Final = 1.0  # between words to a worker
SILENCE_S: Final = 30.0  # a worker speaks twice a second; longer than a stalled disk that recovers
ASLEEP_S: Final = 5.0  # a supervisor that did not look for so long was stopped itself, and knows nothing
END_S: Final = 60.0  # drain, last completions, last heartbeat; then SIGKILL


@dataclass(frozen=True, slots=True)
class Owner:
    """What a supervisor tells and asks whoever it works for.

    Args:
        ended: told the process id of each worker that ended.
        left: told that the gate leaves.
        unaware: whether somebody must still hear that, asked while it does.
        hung_up: told of SIGHUP.
        news: asked once a second, and at the first word of each worker, for what the one with that writer's
            id should know.
    """

    ended: Callable[[int], None] = lambda _pid: None
    left: Callable[[], None] = lambda: None
    unaware: Callable[[], bool] = lambda: False
    hung_up: Callable[[], None] = lambda: None
    news: Callable[[str], Sequence[bytes]] = lambda _writer: ()


NOBODY: Final = Owner()


class Supervisor:
    """Keeps workers running until it is told to stop.

    Args:
        count: how many.
        main: what each runs; it must be importable.
        context: where they are forked from.
        owner: see there.
        silence_s: how long a worker may say nothing before it is killed, seconds.
    """

    def __init__(
        self,
        count: int,
        main: Main,
        context: ForkServerContext,
        owner: Owner = NOBODY,
        *,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.count, self._main, self._context = count, main, context
        self._owner, self._silence_s = owner, silence_s
        self._looked_at = self._told_at = time.monotonic()
        self._workers: list[Worker] = []
        self._fresh = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._rest, self._due = Rest(), 0.0
        self._signals: deque[int] = deque()
        self._proven = False
        self.leaving = False
        self.restarts = self.kills = 0

    def tell_now(self) -> None:
        """Have the workers told the news at once; may be asked from any thread."""
        os.eventfd_write(self._fresh, 1)

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
        with hear_signals(self._signals.append) as wake:
            told = False
            while not self._signals or self._signals[0] == signal.SIGHUP:
                if self._signals:
                    self._signals.popleft()
                    self._owner.hung_up()
                self._fill()
                self._look(wake)
                if (code := self._reap()) is not None:
                    self._stop(wake)
                    return code
                if not told and sum(one.serves for one in self._workers) >= self.count:
                    told = self._proven = True
                    started()
            return self._leave(wake)

    def _fill(self) -> None:
        """Start what is missing, unless the last ones ended too soon."""
        staying = sum(not one.leaving for one in self._workers)
        while staying < self.count and time.monotonic() >= self._due:
            self._workers.append(self._start())
            staying += 1

    def _start(self) -> Worker:
        link, far = self._context.Pipe()
        process = self._context.Process(target=self._main, args=(far,), name="s3gate-worker")
        process.start()
        far.close()
        return Worker(process, link)

    def _look(self, wake: int) -> None:
        """Wait for a word, an end, a signal, or the clock; take in what came."""
        links = {one.link: one for one in self._workers}
        sentinels = [one.process.sentinel for one in self._workers]
        for ready in wait([wake, self._fresh, *links, *sentinels], LOOK_S):
            if ready in (wake, self._fresh):
                with suppress(BlockingIOError):
                    os.read(int(ready), 64)
                self._told_at = -NEWS_S if ready == self._fresh else self._told_at
            elif isinstance(ready, Connection) and not ready.closed:
                is_new = links[ready].status is None
                links[ready].hear()
                self._told_at = -NEWS_S if is_new else self._told_at  # it waits for the news
        now = time.monotonic()
        if now - self._told_at >= NEWS_S:
            self._told_at = now
            self._tell()
        self._kill_silent(now)
        self._looked_at = now

    def _tell(self) -> None:
        for one in self._workers:
            for word in self._owner.news(one.status.writer) if one.status is not None else ():
                one.say(word)

    def _kill_silent(self, now: float) -> None:
        """End what runs and does nothing; `_reap` sees it off like any other."""
        for one in self._workers:
            if now - self._looked_at > ASLEEP_S:
                one.heard_at = now
            elif one.is_silent(now, self._silence_s):
                _log.error("a worker said nothing for %.0f s and is killed", now - one.heard_at)
                one.heard_at = now
                one.process.kill()
                self.kills += 1

    def _reap(self) -> int | None:
        """See off what has ended; the exit code to end with, when a start showed that none can start."""
        code: int | None = None
        for one in [one for one in self._workers if not one.process.is_alive()]:
            one.process.join()
            one.link.close()
            self._workers.remove(one)
            if one.process.pid is not None:
                self._owner.ended(one.process.pid)
            if one.leaving:
                continue
            if not self._proven and one.process.exitcode and one.process.exitcode > 0:
                code = one.process.exitcode
            self._replace(one)
        return code

    def _replace(self, dead: Worker) -> None:
        self.restarts += 1
        self._rest = self._rest.after(time.monotonic() - dead.began)
        self._due = time.monotonic() + self._rest.delay_s
        _log.error(
            "a worker ended with %s; it is replaced in %g s", dead.process.exitcode, self._rest.delay_s
        )

    def _leave(self, wake: int) -> int:
        """Say so, wait until it was heard, then drain; a second signal, or SIGINT, does not wait."""
        self.leaving = True
        self._owner.left()
        hurried = self._signals.popleft() == signal.SIGINT
        for one in self._workers:
            one.say(LEAVE)
        while self._owner.unaware() and not hurried:
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

"""Keeps the shipping process running beside the gate: starts it, listens to it, starts it again.

The normal case: one process for all journals for as long as the gate lives, a status line
a second. Workers that come and go do not touch it; journals that they leave are shipped. It
is started again, after a growing pause, when it ends, and ended first when it has said
nothing for half a minute. Nothing is lost by any of this: what it had delivered is in
its cursor, what it had not is in the journal. `close` ends it within a few seconds,
whatever CloudWatch does.
"""

import contextlib
import os
import random
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from s3gate.audit.backoff import Backoff
from s3gate.audit.order import Order
from s3gate.audit.shipper import DRAIN_S
from s3gate.audit.standing import Standing

# -P: no module of the working directory, which others may be able to write.
COMMAND: Final = (sys.executable, "-P", "-m", "s3gate.audit.shipping")
PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
SILENCE_S: Final = (
    30.0  # it speaks each second; longer than any garbage collection or stalled disk that passes
)
CALM_S: Final = 60.0  # a process that lived this long failed anew, not again
END_S: Final = DRAIN_S + 1.5  # its drain, a second for its threads, its interpreter's end
READ_BYTES: Final = 65536
LINE_BYTES: Final = 1 << 20  # far above any status line


class ShipperKeeper:
    """Runs the shipping process of one gate.

    Args:
        order: which journals, where to.
        command: argument list that starts the process.
        backoff: the first state of a row of restarts.
    """

    def __init__(
        self, order: Order, command: Sequence[str] = COMMAND, backoff: Backoff | None = None
    ) -> None:
        self._order, self._command = order, command
        self._calm = self._backoff = backoff if backoff is not None else Backoff()
        self._closing = threading.Event()
        self._handover = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.standing = Standing()
        self._thread = threading.Thread(target=self._keep, name="shipper-keeper", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process id while one runs."""
        process = self._process
        return process.pid if process is not None else None

    def close(self) -> None:
        """Let the process deliver for a moment, then end it."""
        self._closing.set()
        with self._handover:
            process = self._process
            if process is not None and process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        self._thread.join(END_S + 1)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            process = self._start()
            if process is not None:
                self._listen(process)
                _end(process)
            if self._closing.is_set():
                return
            self.standing.restarts += 1
            self._backoff = self._calm if time.monotonic() - began > CALM_S else self._backoff
            self._backoff = self._backoff.after_failure()
            self._closing.wait(self._backoff.delay_s(random.random()))  # noqa: S311 - jitter, not a secret

    def _start(self) -> subprocess.Popen[bytes] | None:
        """A new process with its order, or None."""
        path = os.pathsep.join(filter(None, (str(PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
        with self._handover:
            if self._closing.is_set():
                return None
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": path},
                    start_new_session=True,  # Ctrl-C is for the gate, which drains first
                )
            except OSError as exc:
                self.standing.fail(f"the shipper cannot be started: {exc.strerror}")
                return None
            self._process = process
            self.standing.begin()
            with contextlib.suppress(OSError):  # it has ended already: that is seen next
                if process.stdin is not None:
                    process.stdin.write(self._order.to_line())
                    process.stdin.flush()
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Take in status lines until the process ends, or says nothing for too long."""
        if process.stdout is None:
            return
        fd, rest = process.stdout.fileno(), b""
        waiting = select.poll()
        waiting.register(fd, select.POLLIN)
        while waiting.poll(SILENCE_S * 1000) and (data := os.read(fd, READ_BYTES)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    self.standing.hear(line)
            rest = rest[-LINE_BYTES:]
        self.standing.fail("the shipper has ended and is started again")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its pipes and see it off."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""A process of the demo: started with its output in a log, waited for until ready, ended by its id."""

import http.client
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

STOP_TIMEOUT_S: Final = 10.0
"""Seconds between SIGTERM and SIGKILL; a gate drains first."""

PROBE_INTERVAL_S: Final = 0.05
"""Seconds between two looks at whether it is ready or has ended."""

PROBE_TIMEOUT_S: Final = 2.0
"""Seconds for one answer to a look."""


class Child:
    """One process.

    Args:
        command: argument list.
        environment: all of its variables.
        log: file that takes its output, both streams.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the demo: it ends this process by its id
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def last_line(self) -> str:
        """The last line that it has printed."""
        return (self.output.strip().splitlines() or ["no output"])[-1]

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is ready.

        Args:
            ready: looks once.
            seconds: at most.

        Returns:
            Whether it is; False at once when it has ended.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if ready():
                return True
            if self.wait_ended(PROBE_INTERVAL_S):
                return False
        return False

    def wait_ended(self, seconds: float | None) -> bool:
        """Wait for it to end by itself.

        Args:
            seconds: at most; None waits for as long as it takes.

        Returns:
            Whether it has ended.
        """
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL after a while."""
        self._process.terminate()
        if not self.wait_ended(STOP_TIMEOUT_S):
            self._process.kill()
            self._process.wait()


class Served(ABC):
    """A part of the demo that is one process; `with` runs it."""

    _child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None else None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it is ready."""

    def stop(self) -> None:
        """End it."""
        child, self._child = self._child, None
        if child is not None:
            child.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def answers(port: int, path: str) -> bool:
    """Whether 127.0.0.1 answers a GET with 200.

    Args:
        port: TCP port.
        path: of the resource.

    Returns:
        False also when nothing listens.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

"""The emulated AWS: MiniStack as its own process, from its own environment, on one loopback port.

In a checkout it is `.venv/emulator-*/bin/ministack`, which the Makefile makes; where s3gate
was installed by pip it is the `ministack` beside the running Python. Its metrics really
turn alarms on and its alarms really publish; it has no memory on disk.
"""

import http.client
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from s3gate.demo.ports import free_ports

START_TIMEOUT_S: Final = 15.0
"""Seconds until MiniStack must answer (0.4 when the machine is idle)."""

STOP_TIMEOUT_S: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""

PROBE_INTERVAL_S: Final = 0.05
"""Seconds between two looks at whether it answers or has ended."""

PORT_TRIES: Final = 5
"""Starts with another port when a free one was taken in between."""

CHECKOUT: Final = Path(__file__).resolve().parents[3]
"""Where the checkout is, when this file lies in one."""


class EmulatorError(RuntimeError):
    """MiniStack is not there or does not start; the text says what to do."""


def find_command(checkout: Path = CHECKOUT) -> list[str]:
    """The command that starts MiniStack.

    Args:
        checkout: directory in which the Makefile makes `.venv`.

    Returns:
        An argument list.

    Raises:
        EmulatorError: there is none; the text names what installs it.
    """
    in_checkout = sorted((checkout / ".venv").glob("emulator-*/bin/ministack"))
    if in_checkout:
        return [str(in_checkout[-1])]
    if importlib.util.find_spec("ministack") is not None:
        return [sys.executable, "-m", "ministack"]
    if (checkout / "Makefile").exists():
        raise EmulatorError("the emulator MiniStack is not installed: run `make demo`")
    raise EmulatorError("the emulator MiniStack is not installed: run `pip install 's3gate[demo]'`")


class Emulator:
    """The process; `with Emulator(directory) as emulator:` runs it.

    Args:
        directory: takes its log and scratch files.
        command: argument list, found by `find_command` when None.
    """

    def __init__(self, directory: Path, command: list[str] | None = None) -> None:
        self._directory = directory
        self._command = command or find_command()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its plain HTTP endpoint, for clients that do not go through the gate."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmulatorError: it ended, or did not answer in time.
        """
        for _ in range(PORT_TRIES):
            (self.port,) = free_ports(1)
            log = self._directory / "emulator.log"
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment(),
                    start_new_session=True,  # Ctrl-C is for the demo: it stops this process by its id
                )
            if self._wait():
                return
            self.stop()
            text = log.read_text(errors="replace")
            if "already in use" not in text:
                break
        last = (text.strip().splitlines() or ["no output"])[-1]
        raise EmulatorError(f"the emulator did not start within {START_TIMEOUT_S:.0f} s: {last}")

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL after a while."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _environment(self) -> dict[str, str]:
        """Nothing of ours but PATH; loopback only, quiet, nothing beside HTTP."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self._directory),
            "TMPDIR": str(self._directory),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def _wait(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process is not None and time.monotonic() < deadline:
            if self._answers():
                return True
            try:
                self._process.wait(PROBE_INTERVAL_S)
            except subprocess.TimeoutExpired:
                continue
            return False
        return False

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

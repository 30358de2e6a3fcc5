"""The emulated AWS: MiniStack as its own process, from its own environment, on one loopback port.

In a checkout it is `.venv/emulator-*/bin/ministack`, which the Makefile makes; where s3gate
was installed by pip it is the `ministack` beside the running Python. Its metrics really
turn alarms on and its alarms really publish; it has no memory on disk.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

from s3gate.demo.child import Child, Served, answers
from s3gate.demo.ports import free_ports

START_TIMEOUT_S: Final = 15.0
"""Seconds until MiniStack must answer (0.4 when the machine is idle)."""

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


class Emulator(Served):
    """The process; `with Emulator(directory) as emulator:` runs it.

    Args:
        directory: takes its log and scratch files.
        command: argument list, found by `find_command` when None.
    """

    def __init__(self, directory: Path, command: list[str] | None = None) -> None:
        self._directory = directory
        self._command = command or find_command()
        self.port = 0

    @property
    def url(self) -> str:
        """Its plain HTTP endpoint, for clients that do not go through the gate."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmulatorError: it ended, or did not answer in time.
        """
        for _ in range(PORT_TRIES):
            (self.port,) = free_ports(1)
            child = self._child = Child(self._command, self._environment(), self._directory / "emulator.log")
            if child.wait_ready(lambda: answers(self.port, "/_ministack/health"), START_TIMEOUT_S):
                return
            self.stop()
            if "already in use" not in child.output:
                break
        raise EmulatorError(f"the emulator did not start within {START_TIMEOUT_S:.0f} s: {child.last_line}")

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

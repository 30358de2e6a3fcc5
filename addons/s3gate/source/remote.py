"""A policy in AWS: looked at by a process of its own, which is asked for each look.

The normal case: the process runs as long as the gate and answers "unchanged". One that
ends, or does not answer in time, is started again at the next look: nothing is lost but
what it knew, so that its first answer is the whole policy, which is compared by digest.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from s3gate.aws.answer import parse_answer, render_order
from s3gate.policy.source import Remote, SourceText, SourceUnreachable

COMMAND: Final = (sys.executable, "-P", "-m", "s3gate.aws.looking")  # -P: as in `loading.py`
PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_S: Final = 30.0  # policy and cases, two attempts of 7 s each, and a new session of AppConfig
END_S: Final = 1.0
READ_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 64 << 20  # policy and cases of 16 MiB each, in base64


def read_once(place: Remote, region: str | None) -> bytes:
    """What lies at a place now, of a document without cases.

    Raises:
        SourceUnreachable: it cannot be read.
    """
    source = RemoteSource(place, region, cases=False)
    try:
        found = source.look()
    finally:
        source.close()
    if found is None:
        raise SourceUnreachable(f"{place} gave no answer")
    return found.data


class RemoteSource:
    """A source in AWS.

    Args:
        place: the source.
        region: AWS region where the environment names none.
        cases: whether cases are looked for beside it.
        command: argument list that starts the process.
        answer_s: how long it may take to answer, seconds.
    """

    def __init__(
        self,
        place: Remote,
        region: str | None,
        command: Sequence[str] = COMMAND,
        answer_s: float = ANSWER_S,
        *,
        cases: bool = True,
    ) -> None:
        self._place, self._order = place, render_order(place, region, cases=cases)
        self._command, self._answer_s = command, answer_s
        self._process: subprocess.Popen[bytes] | None = None

    def __str__(self) -> str:
        """As the settings spell it."""
        return str(self._place)

    def look(self, *, now: bool = False) -> SourceText | None:  # noqa: ARG002 - each look asks AWS anyway
        """What lies there, or None when it is what was read last.

        Args:
            now: as for a file.

        Raises:
            SourceUnreachable: it cannot be read.
        """
        process = self._process = self._process or self._start()
        try:
            return parse_answer(self._ask(process))
        except OSError as exc:
            self.close()
            raise SourceUnreachable(f"the process that reads {self._place} has ended") from exc

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for the gate
            )
        except OSError as exc:
            raise SourceUnreachable(f"nothing can be started to read {self._place}: {exc.strerror}") from exc
        with suppress(OSError):  # it has ended already: that is seen next
            if process.stdin is not None:
                process.stdin.write(self._order)
        return process

    def _ask(self, process: subprocess.Popen[bytes]) -> bytes:
        """One line for one look."""
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a process without pipes")
        process.stdin.write(b"look\n")
        process.stdin.flush()
        fd, line = process.stdout.fileno(), bytearray()
        waiting = select.poll()
        waiting.register(fd, select.POLLIN)
        deadline = time.monotonic() + self._answer_s
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                self.close()
                raise SourceUnreachable(f"{self._place} was not read within {self._answer_s:g} s")
            data = os.read(fd, READ_BYTES)
            line += data
            if not data or len(line) > MAX_LINE_BYTES:
                raise BrokenPipeError
        return bytes(line)

"""A worker without a gate: it says that it serves, and does what its argument tells it."""

import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from s3gate.health.status import WorkerStatus


@dataclass
class Play:
    """What a worker plays.

    Args:
        directory: where each writes down that it was there, and how it ended.
        ends: exit code with which it ends at once; None: it serves.
    """

    directory: Path
    ends: int | None = None

    def __call__(self, link: Connection) -> None:
        me, told = self.directory / str(time.monotonic_ns()), list[str]()

        def tell(word: str) -> None:
            told.append(word)
            me.write_text(" ".join(told))  # whole: a signal may come in the middle of it

        tell("began")
        if self.ends is not None:
            sys.exit(self.ends)

        def end(*_: object) -> None:
            tell("ended")
            sys.exit(0)

        signal.signal(signal.SIGTERM, end)
        try:
            while True:
                link.send_bytes(WorkerStatus("w", None, port=1, selftest="X").to_line())
                if link.poll(0.1):
                    tell(link.recv_bytes().decode())
        except (EOFError, BrokenPipeError, ConnectionResetError):
            tell("orphaned")

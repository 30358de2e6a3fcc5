"""Empties what a dead writer left: its journal is recovered, then shipped to the end.

Holding the writer's lock proves that nobody appends. The torn tail is cut off as at
any start, the rest synced, and only then does everything on disk count as written.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import take_lock
from s3gate.audit.mark import Mark
from s3gate.audit.reader import JournalReader
from s3gate.audit.segment import recover_tail
from s3gate.audit.shipper import Shipper, Sink


@dataclass(frozen=True, slots=True)
class Drained:
    """How far a journal was emptied.

    Args:
        last: its last sequence number.
        before: what had been acknowledged before.
        acknowledged: what is now.
        error: what delivery waited for at the end, or None.
    """

    last: int
    before: int
    acknowledged: int
    error: str | None

    @property
    def empty(self) -> bool:
        """Whether everything was delivered."""
        return self.acknowledged >= self.last


def drain_writer(directory: Path, key: bytes, sink: Sink, timeout_s: float) -> Drained:
    """Ship everything that a dead writer left.

    Args:
        directory: the writer's own; nobody may hold it.
        key: HMAC key of its chain.
        sink: where events go; closed at the end.
        timeout_s: how long to go on trying, seconds.

    Raises:
        JournalUnavailable: its writer is alive.
        JournalDamaged: what it holds is not what was written.
        OSError: as the file system says.
    """
    lock = take_lock(directory)
    try:
        tail = recover_tail(directory, directory.name, key)
        if tail.segment is not None:
            _sync(tail.segment.path)
        mark = Mark.open(directory)
        mark.store(tail.seq, tail.hash)
        mark.close()
        cursor = CursorFile(directory)
        before = cursor.load().seq
        stop = threading.Event()
        stop.set()  # from the beginning: it drains, and ends when nothing waits or time is over
        reader = JournalReader(directory, lambda: tail.seq)
        began = time.monotonic()
        shipper = Shipper(reader, sink, cursor, stop, interval_s=0, drain_s=timeout_s)
        shipper.run()
        error = shipper.health().sink.last_error
        late = f"no answer within {time.monotonic() - began:.0f} s"
        reached = cursor.load().seq
        return Drained(tail.seq, before, reached, (error or late) if reached < tail.seq else None)
    finally:
        os.close(lock)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""Empties what a dead writer left: its journal is recovered, then shipped to the end.

Holding the writer's lock proves that nobody appends. The torn tail is cut off as at
any start, the rest synced, and only then does everything on disk count as written. Where
a running gate ships the journal already, it is left to it, and only waited for.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from s3gate.audit.claim import take_claim
from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import take_lock
from s3gate.audit.mark import Mark
from s3gate.audit.reader import JournalReader
from s3gate.audit.segment import recover_tail
from s3gate.audit.shipper import Shipper, Sink

LOOK_S: Final = 0.2  # between looks at the cursor of a journal that another process ships


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
        began = time.monotonic()
        error = _ship_or_await(JournalReader(directory, lambda: tail.seq), tail.seq, sink, timeout_s)
        late = f"no answer within {time.monotonic() - began:.0f} s"
        reached = cursor.load().seq
        return Drained(tail.seq, before, reached, (error or late) if reached < tail.seq else None)
    finally:
        os.close(lock)


def _ship_or_await(reader: JournalReader, seq: int, sink: Sink, timeout_s: float) -> str | None:
    """Ship what waits, or wait while another process ships it; what that waited for at the end, or None."""
    cursor = CursorFile(reader.directory)
    claim = take_claim(reader.directory)
    if claim is None:
        end, pause = time.monotonic() + timeout_s, threading.Event()
        while cursor.load().seq < seq and time.monotonic() < end:
            pause.wait(LOOK_S)
        return "a running gate ships it, and is not done"
    try:
        stop = threading.Event()
        stop.set()  # from the beginning: it drains, and ends when nothing waits or time is over
        shipper = Shipper(reader, sink, cursor, stop, interval_s=0, drain_s=timeout_s)
        shipper.run()
        return shipper.health().sink.last_error
    finally:
        os.close(claim)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

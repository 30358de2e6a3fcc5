"""The journal: a record that `append` has returned is on disk, in order, in its chain.

One thread per journal owns the files. `append` serialises the record, hands it
over and waits; the thread takes everything that waits as one group, has it made
durable with one `fdatasync`, and wakes the waiters. The event loop never touches
the disk. What nobody waits for (`ride`) goes with the next record that somebody does
wait for, or after `RIDE_S` by itself. When anything goes wrong nothing is acknowledged: every waiter is told
`JournalUnavailable`, and what its record describes must not take effect.
"""

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from s3gate.audit.appender import Appender, JournalUnavailable, Outcome, Position, Room
from s3gate.audit.chain import KEY_MIN_BYTES
from s3gate.audit.record import to_line
from s3gate.audit.room import Kind
from s3gate.audit.segment import (
    DIRECTORY_MODE,
    FILE_MODE,
    WRITER,
    JournalDamaged,
    recover_tail,
    sync_directory,
)

__all__ = ["Journal", "JournalDamaged", "JournalHeld", "JournalUnavailable", "Kind", "Position"]

SEGMENT_BYTES: Final = 16 * 1024 * 1024  # the newest segment is scanned at start: about 0.3 s for this much
SEGMENTS_IN_ROOM: Final = 16  # a segment is at most this part of the room, so that pruning frees some
PENDING_BYTES: Final = 64 * 1024 * 1024  # handed over and not yet written; a disk that slow is unavailable
RIDE_S: Final = 0.05  # how long a record that nobody waits for may wait: as long may be lost by SIGKILL
CLOSE_TIMEOUT_S: Final = 3.0  # a disk that hangs must not keep the process from ending
LOCK_NAME: Final = "lock"


class JournalHeld(JournalUnavailable):
    """Another writer has this journal open."""


@dataclass(frozen=True, slots=True)
class _Entry:
    body: bytes
    kind: Kind
    future: asyncio.Future[Position]
    loop: asyncio.AbstractEventLoop


class Journal:
    """An open journal of one writer; made by `open`, ended by `close`.

    Args:
        appender: what writes.
        lock: file descriptor that holds the directory's lock.
        directory: the writer's own.
        torn: where a torn tail was kept when it was opened, or None.
    """

    def __init__(self, appender: Appender, lock: int, directory: Path, torn: Path | None) -> None:
        self.directory = directory
        self.torn = torn
        self._appender = appender
        self._lock_fd = lock
        self._handover = threading.Lock()
        self._pending_bytes = 0
        self._closed = False
        self._riding: list[_Entry] = []
        self._due: asyncio.AbstractEventLoop | None = None  # whose timer runs
        self._queue: queue.SimpleQueue[list[_Entry] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"journal-{directory.name}", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        writer_id: str,
        hmac_key: bytes,
        max_bytes: int,
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> Self:
        """Open `directory/writer_id/` for appending, making it when it is not there.

        Args:
            directory: of all writers.
            writer_id: letters, digits, `.`, `_`, `-`; at most 64.
            hmac_key: key of the chain, at least 16 bytes.
            max_bytes: room for all segments of this writer.
            segment_bytes: a segment that has reached this length is followed by a new one.

        Returns:
            The journal, at the end of what it holds.

        Raises:
            JournalHeld: another writer holds it.
            JournalUnavailable: the directory cannot be used.
            JournalDamaged: what it holds is not what was written.
            ValueError: an argument is out of range.
        """
        if WRITER.fullmatch(writer_id) is None:
            raise ValueError(f"writer id `{writer_id}` is not a name: use letters, digits, `.`, `_`, `-`")
        if len(hmac_key) < KEY_MIN_BYTES:
            raise ValueError(f"audit key has {len(hmac_key)} bytes: give at least {KEY_MIN_BYTES}")
        own = directory / writer_id
        room = Room(max_bytes, min(segment_bytes, max(1, max_bytes // SEGMENTS_IN_ROOM)))
        try:
            own.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            sync_directory(directory)
            lock = take_lock(own)
            try:
                tail = recover_tail(own, writer_id, hmac_key)
                return cls(Appender(own, writer_id, hmac_key, room, tail), lock, own, tail.torn)
            except BaseException:
                os.close(lock)
                raise
        except OSError as exc:
            raise JournalUnavailable(f"journal `{own}` cannot be opened: {exc.strerror}") from exc

    @property
    def acknowledged_seq(self) -> int:
        """The last sequence number that is known to be on disk; nothing beyond it may be shipped."""
        return self._appender.seq

    @property
    def used_percent(self) -> int:
        """How much of the room its segments take."""
        return self._appender.used_bytes * 100 // self._appender.max_bytes

    @property
    def failure(self) -> str | None:
        """The I/O error that made the journal unusable for good, or None."""
        return self._appender.failure

    @property
    def trouble(self) -> str | None:
        """Why what is allowed cannot be recorded now, for good or until there is room; None while it can."""
        return self._appender.trouble

    async def append(self, record: Mapping[str, object], kind: Kind) -> Position:
        """Make one record durable.

        When the caller is cancelled the record may still be written, in its order.

        Args:
            record: root keys of the schema; `writer`, `seq`, `prev`, `hash` are added here.
            kind: which part of the room it may use.

        Returns:
            Where it lies, after `fdatasync` returned.

        Raises:
            JournalUnavailable: it is not durable, and will not be.
            ValueError: the record is not JSON (NaN, a cycle, a reserved key).
            TypeError: it holds a value that JSON has not.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(to_line(record), kind, loop.create_future(), loop)
        with self._handover:
            self._admit(entry)
            riding, self._riding = self._riding, []
            self._queue.put([*riding, entry])
        return await entry.future

    def ride(self, record: Mapping[str, object], kind: Kind) -> asyncio.Future[Position]:
        """Hand over a record that nobody waits for: it goes with the next one, `RIDE_S` later at most.

        Args:
            record: root keys of the schema, as for `append`.
            kind: which part of the room it may use.

        Returns:
            Done when it is durable, or with a JournalUnavailable when it never will be.

        Raises:
            JournalUnavailable: it cannot be taken.
            ValueError: the record is not JSON.
            TypeError: it holds a value that JSON has not.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(to_line(record), kind, loop.create_future(), loop)
        with self._handover:
            self._admit(entry)
            self._riding.append(entry)
            due, self._due = self._due, loop
        if due is not loop:  # one timer at a time: what it finds has waited `RIDE_S` or less
            loop.call_later(RIDE_S, self._leave)
        return entry.future

    def _leave(self) -> None:
        self._due = None
        self.depart()

    def depart(self) -> None:
        """Let what rides go now."""
        with self._handover:
            riding, self._riding = self._riding, []
            if riding:
                self._queue.put(riding)

    def _admit(self, entry: _Entry) -> None:
        """Count an entry in, while the handover is locked."""
        if self._closed:
            raise JournalUnavailable("journal is closed")
        if self._pending_bytes + len(entry.body) > PENDING_BYTES:
            raise JournalUnavailable("journal cannot keep up: too many records wait for the disk")
        self._pending_bytes += len(entry.body)

    def close(self) -> None:
        """Write what was handed over, then let go of the files; waits at most `CLOSE_TIMEOUT_S`."""
        with self._handover:
            if self._closed:
                return
            self._closed = True
            riding, self._riding = self._riding, []
            self._queue.put(riding)
            self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        """The thread: group after group until the end mark, which is the last thing handed over."""
        group: list[_Entry] = []
        try:
            ended = False
            while not ended:
                group, ended = self._take()
                if group:
                    _settle(group, self._appender.append([(entry.body, entry.kind) for entry in group]))
                group = []
        finally:  # also when the thread fails: nobody may wait for ever, nothing may be acknowledged
            with self._handover:
                self._closed = True
                group += self._riding
            while not self._queue.empty():
                group += self._queue.get_nowait() or []
            _settle(group, [JournalUnavailable("journal is closed")] * len(group))
            self._appender.close()
            os.close(self._lock_fd)

    def _take(self) -> tuple[list[_Entry], bool]:
        """Everything that waits now, and whether the end mark was reached."""
        group: list[_Entry] = []
        item = self._queue.get()
        while item is not None:
            group += item
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
        with self._handover:
            self._pending_bytes -= sum(len(entry.body) for entry in group)
        return group, item is None


def _settle(group: list[_Entry], outcomes: list[Outcome]) -> None:
    """Wake the waiters, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Position], Outcome]]] = {}
    for entry, outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(entry.loop, []).append((entry.future, outcome))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, settled)
        except RuntimeError:  # the loop was closed: nobody waits any more, the records stand
            continue


def _resolve(settled: list[tuple[asyncio.Future[Position], Outcome]]) -> None:
    for future, outcome in settled:
        if future.done():  # cancelled meanwhile
            continue
        if isinstance(outcome, Position):
            future.set_result(outcome)
        else:
            future.set_exception(JournalUnavailable(*outcome.args))


def take_lock(directory: Path) -> int:
    """The lock of a writer's directory, held until its descriptor is closed.

    Raises:
        JournalHeld: somebody else does.
    """
    fd = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(fd)
        raise JournalHeld(f"journal `{directory}` is held by another writer: give each its own id") from exc
    return fd

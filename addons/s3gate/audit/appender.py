"""The hand that writes: one group of records at a time, sealed, written, synced; no threads here.

Normal case: rotate when the segment is full, seal each record that has room,
write the group with one call, `fdatasync`, and only then move the chain on and set the mark. A
full disk: cut back to the last good offset and refuse the group; the next group
tries again. Any other error latches: this appender refuses from then on, since
after a failed fsync nobody knows what the disk holds.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from s3gate.audit.chain import seal
from s3gate.audit.mark import Mark
from s3gate.audit.room import Kind, fits
from s3gate.audit.segment import Segment, Tail, create_segment, list_segments, sync_directory

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})  # clients may have them all, for a while


class JournalUnavailable(Exception):
    """The record was not made durable; what it describes must not take effect."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a durable record lies.

    Args:
        seq: its number in the chain, from 1.
        segment: number of the first record of its file.
        end: byte offset behind its line.
    """

    seq: int
    segment: int
    end: int


@dataclass(frozen=True, slots=True)
class Room:
    """What the segments may hold.

    Args:
        max_bytes: all segments of the writer together.
        segment_bytes: a segment that has reached this length is followed by a new one.
    """

    max_bytes: int
    segment_bytes: int


type Outcome = Position | JournalUnavailable


class Appender:
    """Appends groups to one writer's newest segment.

    Args:
        directory: the writer's, locked by the caller.
        writer: its id.
        key: HMAC key of the chain.
        room: how much may be kept.
        tail: where the journal goes on.

    Raises:
        OSError: the segment cannot be opened or made.
    """

    def __init__(self, directory: Path, writer: str, key: bytes, room: Room, tail: Tail) -> None:
        self.failure: str | None = None
        self._no_room: str | None = None  # why the disk took no more, until it does
        self._short = 0  # bytes of the last line of an allowed request that had no room
        self._directory, self._writer, self._key, self._room = directory, writer, key, room
        self._seq, self._hash, self._size = tail.seq, tail.hash, tail.size
        if tail.segment is None:
            self._segment, self._fd = create_segment(directory, 1)
        else:
            self._segment = tail.segment
            self._fd = os.open(tail.segment.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            os.fsync(self._fd)  # a killed predecessor may have written without syncing
            sync_directory(directory)
        self._used = self._measure()
        self._mark = Mark.open(directory)
        self._mark.store(self._seq, self._hash)

    @property
    def used_bytes(self) -> int:
        """What the segments hold; pruned ones count until the room is needed."""
        return self._used

    @property
    def max_bytes(self) -> int:
        """What they may hold."""
        return self._room.max_bytes

    @property
    def trouble(self) -> str | None:
        """Why what is allowed cannot be recorded now, and is refused; None while it can."""
        if self.failure is not None or self._no_room is not None:
            return self.failure or self._no_room
        if fits(Kind.ALLOW, self._short, self._used, self._room.max_bytes):
            return None
        return f"journal `{self._directory}` is full for what is allowed: ship or archive it"

    @property
    def seq(self) -> int:
        """The last durable sequence number."""
        return self._seq

    def close(self) -> None:
        """Let go of the segment; nothing may be appended afterwards."""
        self.failure = self.failure or "journal is closed"
        os.close(self._fd)
        self._mark.close()

    def append(self, group: Sequence[tuple[bytes, Kind]]) -> list[Outcome]:
        """Make one group durable.

        Args:
            group: bodies as `record.to_line` gives them, in order, with their kinds.

        Returns:
            For each, where it lies or why it is not there, in the same order.
        """
        if self.failure is not None:
            return [JournalUnavailable(self.failure)] * len(group)
        try:
            self._rotate()
            if any(kind is Kind.NOTICE for _, kind in group):
                self._used = self._measure()  # heartbeats see what was pruned, also while nothing else comes
            outcomes, lines, head = self._seal(group)
        except OSError as exc:  # nothing of the group was written yet
            return [self._refusal(exc)] * len(group)
        refusal = self._write(b"".join(lines)) if lines else None
        if refusal is not None:
            return [refusal if isinstance(outcome, Position) else outcome for outcome in outcomes]
        written = sum(map(len, lines))
        self._seq, self._size, self._used, self._hash = (
            self._seq + len(lines),
            self._size + written,
            self._used + written,
            head,
        )
        if lines:
            self._mark.store(self._seq, self._hash)
        return outcomes

    def _seal(self, group: Sequence[tuple[bytes, Kind]]) -> tuple[list[Outcome], list[bytes], str]:
        """The lines of those that have room, everyone's outcome if they are written, the chain's new head."""
        outcomes: list[Outcome] = []
        lines: list[bytes] = []
        seq, end, used, head = self._seq, self._size, self._used, self._hash
        measured = False
        for body, kind in group:
            line, digest = seal(body, self._writer, seq + 1, head, self._key)
            length = len(line) + 1
            if not fits(kind, length, used, self._room.max_bytes) and not measured:
                self._used, measured = self._measure(), True  # pruning may have freed some
                used = self._used + end - self._size
            if not fits(kind, length, used, self._room.max_bytes):
                self._short = length if kind is Kind.ALLOW else self._short
                outcomes.append(
                    JournalUnavailable(f"journal is full for records of kind `{kind}`: ship or archive it")
                )
                continue
            seq, end, used, head = seq + 1, end + length, used + length, digest
            lines.append(line + b"\n")
            outcomes.append(Position(seq, self._segment.first, end))
        return outcomes, lines, head

    def _write(self, data: bytes) -> JournalUnavailable | None:
        """Write and sync; None when durable, otherwise why not, with the file cut back."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as exc:
            return self._cut_back(exc)
        try:
            os.fdatasync(self._fd)
        except OSError as exc:
            return self._latch(exc)
        self._no_room = None
        return None

    def _cut_back(self, cause: OSError) -> JournalUnavailable:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as exc:
            return self._latch(exc)
        return self._refusal(cause)

    def _refusal(self, cause: OSError) -> JournalUnavailable:
        """A refusal that passes when room or a descriptor returns, or the latch."""
        if cause.errno in NO_ROOM:
            self._no_room = f"journal `{self._directory}` has no room on its disk: free some"
            return JournalUnavailable(self._no_room)
        if cause.errno in NO_DESCRIPTOR:
            return JournalUnavailable(f"journal `{self._directory}` gets no file descriptor: raise the limit")
        return self._latch(cause)

    def _latch(self, cause: OSError) -> JournalUnavailable:
        self.failure = f"journal `{self._directory}` failed: {cause.strerror}; repair the disk, then restart"
        return JournalUnavailable(self.failure)

    def _rotate(self) -> None:
        """Go on in a new segment when this one is full; the old one is durable already."""
        if self._size < self._room.segment_bytes:
            return
        segment, fd = create_segment(self._directory, self._seq + 1)
        os.close(self._fd)
        self._segment, self._fd, self._size = segment, fd, 0

    def _measure(self) -> int:
        return sum(segment.size() for segment in list_segments(self._directory))


def prune_segments(directory: Path, below: int, keep_bytes: int = 0) -> list[Segment]:
    """Remove the oldest segments whose records were all shipped, while the rest exceeds `keep_bytes`.

    Args:
        directory: the writer's.
        below: the last sequence number that CloudWatch acknowledged and the cursor holds.
        keep_bytes: what may stay for reading on this machine.

    Returns:
        The segments removed; the newest never is.

    Raises:
        OSError: as the file system says.
    """
    segments = list_segments(directory)
    used = sum(segment.size() for segment in segments)
    removed: list[Segment] = []
    for segment, following in pairwise(segments):
        if following.first - 1 > below or used <= keep_bytes:
            break
        used -= segment.size()
        segment.path.unlink()
        removed.append(segment)
    if removed:
        sync_directory(directory)
    return removed

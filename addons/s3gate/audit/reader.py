"""Reads a journal: whole, for people and checks, or onward from a cursor, for the shipper.

The shipper is given only records that `append` has returned: what lies on disk
beyond the acknowledged number may still be cut back, and then another record
would carry its number.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from s3gate.audit.appender import Position
from s3gate.audit.chain import Extent
from s3gate.audit.cursor import START, CursorFile
from s3gate.audit.mark import read_mark
from s3gate.audit.segment import JournalDamaged, Segment, list_directories, list_segments
from s3gate.audit.window import EVENT_OVERHEAD_BYTES, MAX_BYTES, MAX_EVENTS, Event

NO_LIMIT: Final = 2**63 - 1


class JournalReader:
    """Reads one writer's records onward.

    Args:
        directory: the writer's own.
        acknowledged: gives the last sequence number that may be read.
    """

    def __init__(self, directory: Path, acknowledged: Callable[[], int]) -> None:
        self.directory = directory
        self._acknowledged = acknowledged

    def read(self, after: Position, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> list[Event]:
        """The records behind a position, as many as one call may carry.

        Args:
            after: the last one that is done; one that fits nothing here means the beginning.
            max_events: at most so many.
            max_bytes: stop once so many bytes were read.

        Returns:
            Events in order of `seq`; empty when nothing waits.

        Raises:
            JournalDamaged: a line that was acknowledged cannot be read.
            OSError: as the file system says.
        """
        limit = self._acknowledged()
        if after.seq == limit:
            return []
        segments = list_segments(self.directory)
        place = _find(segments, after) if after.seq < limit else None
        if place is None:  # the cursor is that of another journal, or what it names is gone
            return [] if after == START else self.read(START, max_events, max_bytes)
        events: list[Event] = []
        size = 0
        try:
            for event in _read_segments(place, limit):
                if not events and event.position.seq <= after.seq:
                    return self.read(START, max_events, max_bytes)
                events.append(event)
                size += len(event.text) + EVENT_OVERHEAD_BYTES
                if len(events) >= max_events or size >= max_bytes:
                    break
        except JournalDamaged:
            if not events:  # what lies before the damage first
                raise
        return events


def read_records(directory: Path) -> Iterator[dict[str, object]]:
    """Every record of one writer, or of all writers under a directory, parsed.

    Args:
        directory: a writer's own, or the one that holds the writers.

    Yields:
        Records in order of `seq` within a writer.

    Raises:
        JournalDamaged: a line cannot be read.
        OSError: as the file system says.
    """
    for writer in list_writers(directory):
        for segment in list_segments(writer):
            for event in _read_segment(segment, 0, NO_LIMIT):
                yield json.loads(event.text)


def read_lines(directory: Path) -> Iterator[bytes]:
    """Every line of one writer as it lies on disk, without line ends, for `chain.verify`.

    Args:
        directory: the writer's own.

    Yields:
        Whole lines; what follows the last line end is still being written, or torn.

    Raises:
        OSError: as the file system says.
    """
    for segment in list_segments(directory):
        with segment.path.open("rb") as file:
            yield from (line[:-1] for line in file if line.endswith(b"\n"))


def known_extent(directory: Path) -> Extent:
    """How far a writer's chain must reach: by its mark, its segments' names, and what was shipped and pruned.

    Args:
        directory: the writer's own.
    """
    segments = list_segments(directory)
    shipped, marked = CursorFile(directory).load().seq, read_mark(directory)
    written = marked.seq if marked is not None else 0
    if not segments:
        return Extent(shipped + 1, written)
    return Extent(min(segments[0].first, shipped + 1), max(segments[-1].first - 1, shipped, written))


def list_writers(directory: Path) -> list[Path]:
    """The sub-directories that hold segments, and the directory itself where it does: none hides another."""
    writers = [path for path in list_directories(directory) if list_segments(path)]
    return [*writers, directory] if list_segments(directory) else writers


def list_marked(directory: Path) -> list[Path]:
    """The directory and its sub-directories in which a writer left its mark, with segments or without."""
    return [path for path in (*list_directories(directory), directory) if read_mark(path) is not None]


def _find(segments: list[Segment], after: Position) -> list[tuple[Segment, int]] | None:
    """Where to go on: segments with the offset in each, or None when `after` fits none."""
    if after == START:
        return [(segment, 0) for segment in segments] or None
    for index, segment in enumerate(segments):
        if segment.first == after.segment and _ends_line(segment, after.end):
            return [(segment, after.end), *((later, 0) for later in segments[index + 1 :])]
        if segment.first == after.seq + 1:  # its own segment was pruned
            return [(later, 0) for later in segments[index:]]
    return None


def _ends_line(segment: Segment, offset: int) -> bool:
    """Whether a line of the segment ends just before the offset."""
    with segment.path.open("rb") as file:
        file.seek(max(0, offset - 1))
        return offset > 0 and file.read(1) == b"\n"


def _read_segments(place: list[tuple[Segment, int]], limit: int) -> Iterator[Event]:
    for segment, offset in place:
        yield from _read_segment(segment, offset, limit)


def _read_segment(segment: Segment, offset: int, limit: int) -> Iterator[Event]:
    with segment.path.open("rb") as file:
        file.seek(offset)
        while line := file.readline():
            if not line.endswith(b"\n"):  # still being written
                return
            begin, offset = offset, offset + len(line)
            try:
                record = json.loads(line)
                seq = int(record["seq"])
                moment = record.get("time")
                denied = record.get("event") == "egress" and record.get("decision") == "deny"
                time_ms = 0 if moment is None else round(datetime.fromisoformat(moment).timestamp() * 1000)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
                raise JournalDamaged(segment.path, begin, "the line is not a record") from exc
            if seq > limit:
                return
            text = line[:-1].decode("ascii", "replace")
            yield Event(Position(seq, segment.first, offset), time_ms, text, denied)

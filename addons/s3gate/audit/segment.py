"""Segments: the files of one writer's journal, and what is done with a damaged one.

A writer's directory holds files `<first seq, 20 digits>.jsonl`; the newest is
appended to, the others are never written again. When a writer opens its journal
it reads the newest segment. What follows the last whole line is cut off and kept
beside it as `<segment>.torn-<offset>`, but only when no whole line follows the
damage: otherwise this is not a torn tail, and the journal is not opened.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from s3gate.audit.chain import GENESIS, Link, is_sealed, parse_link

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
SUFFIX: Final = ".jsonl"
# A writer's id is a directory's name and a part of a log stream's name.
WRITER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
# 20 digits hold every 64-bit sequence number, and keep the order of names that of numbers.
_NAME = re.compile(r"([0-9]{20})\.jsonl", re.ASCII)


class JournalDamaged(Exception):
    """The journal on disk is not what its writer wrote; it is not opened.

    Args:
        path: the file.
        offset: byte offset of the first line that is wrong.
        detail: one lower-case sentence.
    """

    def __init__(self, path: Path, offset: int, detail: str) -> None:
        super().__init__(
            f"journal `{path}` is damaged at byte {offset}: {detail}; "
            "keep the file and move the writer's directory out of the journal"
        )
        self.path = path
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file.

    Args:
        path: where it lies.
        first: the sequence number of its first line, also while it is empty.
    """

    path: Path
    first: int

    @classmethod
    def named(cls, directory: Path, first: int) -> Self:
        """The segment of `directory` that begins with `first`."""
        return cls(directory / f"{first:020d}{SUFFIX}", first)

    def size(self) -> int:
        """Bytes on disk; 0 when it is gone."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a journal goes on.

    Args:
        segment: the one to append to, or None for an empty directory.
        size: its length in whole lines, bytes.
        seq: the last sequence number, 0 for none.
        hash: hash of the last line.
        torn: where a torn tail was kept, or None.
    """

    segment: Segment | None
    size: int
    seq: int
    hash: str
    torn: Path | None = None


def list_segments(directory: Path) -> list[Segment]:
    """The segments of one writer, oldest first."""
    found = []
    for path in directory.iterdir():
        name = _NAME.fullmatch(path.name)
        if name is not None:
            found.append(Segment(path, int(name.group(1))))
    return sorted(found, key=lambda segment: segment.first)


def list_directories(directory: Path) -> list[Path]:
    """What may be a writer's own in the directory of all writers; a file system's `lost+found` is none."""
    return sorted(path for path in directory.iterdir() if WRITER.fullmatch(path.name) and path.is_dir())


def create_segment(directory: Path, first: int) -> tuple[Segment, int]:
    """Make a new, empty segment and its durable directory entry.

    Returns:
        The segment and an open file descriptor in append mode.

    Raises:
        OSError: as the file system says.
    """
    segment = Segment.named(directory, first)
    fd = os.open(segment.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    try:
        sync_directory(directory)
    except OSError:
        os.close(fd)
        segment.path.unlink(missing_ok=True)  # it holds nothing, and would be in the way of the next try
        raise
    return segment, fd


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def recover_tail(directory: Path, writer: str, key: bytes) -> Tail:
    """Read the newest segment, cut a torn tail off it, and say where the journal goes on.

    Args:
        directory: the writer's.
        writer: its id, which every line must carry.
        key: HMAC key.

    Returns:
        The last whole line's place.

    Raises:
        JournalDamaged: a line is wrong that is not the torn end, or was sealed with another key.
        OSError: as the file system says.
    """
    segments = list_segments(directory)
    if not segments:
        return Tail(None, 0, 0, GENESIS)
    newest = segments[-1]
    before = Link(writer, newest.first - 1, GENESIS, GENESIS)
    if len(segments) > 1:
        sealed, end = _scan(segments[-2], None, writer, key)
        if sealed is None or end != segments[-2].size() or sealed.seq != newest.first - 1:
            raise JournalDamaged(segments[-2].path, end, "it does not end where the next segment begins")
        before = sealed
    elif newest.first > 1 and not newest.size():
        raise JournalDamaged(newest.path, 0, "the only segment is empty and does not begin with 1")
    known = before if len(segments) > 1 or newest.first == 1 else None
    last, end = _scan(newest, known, writer, key)
    if last is None and known is None:
        raise JournalDamaged(newest.path, 0, "the only segment has no whole line and does not begin with 1")
    torn = _cut(newest, end) if end != newest.size() else None
    last = last or before
    return Tail(newest, end, last.seq, last.hash, torn)


def _scan(segment: Segment, before: Link | None, writer: str, key: bytes) -> tuple[Link | None, int]:
    """The last whole line of a segment and the offset behind it.

    Raises:
        JournalDamaged: a whole line follows a bad one, or a whole line does not belong here.
    """
    last, end, expected = None, 0, segment.first
    bad: int | None = None
    for offset, line in _lines(segment.path):
        link = parse_link(line[:-1]) if line.endswith(b"\n") else None
        if link is None:
            bad = offset if bad is None else bad
            continue
        if bad is not None:
            raise JournalDamaged(segment.path, bad, f"whole lines follow it, from byte {offset} on")
        if not is_sealed(line[:-1], link, key):
            raise JournalDamaged(
                segment.path, offset, "the line's hash does not fit: it was edited, or the key is another"
            )
        if link.writer != writer or link.seq != expected or (before is not None and link.prev != before.hash):
            raise JournalDamaged(
                segment.path, offset, f"the line does not follow the one before it (seq {link.seq})"
            )
        last = before = link
        end, expected = offset + len(line), expected + 1
    return last, end


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            yield offset, line
            offset += len(line)


def _cut(segment: Segment, end: int) -> Path:
    """Keep what follows `end` in a file of its own, durably, then cut it off."""
    aside = segment.path.with_name(f"{segment.path.name}.torn-{end}")
    number = 1
    while aside.exists():
        number += 1
        aside = segment.path.with_name(f"{segment.path.name}.torn-{end}-{number}")
    with segment.path.open("rb") as source:
        source.seek(end)
        torn = source.read()
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(fd, "wb") as kept:
        kept.write(torn)
        kept.flush()
        os.fsync(kept.fileno())
    sync_directory(segment.path.parent)
    fd = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, end)
        os.fsync(fd)
    finally:
        os.close(fd)
    return aside

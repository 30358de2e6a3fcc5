"""The mark: how far a journal is known to be on disk, told to other processes.

The writer stores sequence number and hash of its last record here, each time
`fdatasync` has returned for the group that ends with it, and never before. The
shipper, another process, reads no record beyond it: what lies there may still be
cut back, and then another record would carry its number.

The file is a page of the kernel's: it outlives a killed writer, and is not synced,
since a mark that a power failure sets back only delays shipping; the next start of
the writer syncs its journal and stores the mark anew. A mark caught half-written
does not fit its checksum, and the one before it stands.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from zlib import crc32

from s3gate.audit.notice import Head
from s3gate.audit.segment import FILE_MODE, list_directories

NAME: Final = "mark"
# 20 digits of seq, a hash, and the CRC-32 of both; of one length always, so that no older end shows through.
_LINE = re.compile(rb"([0-9]{20}) ([0-9a-f]{64}) ([0-9a-f]{8})\n", re.ASCII)
_LINE_BYTES: Final = 20 + 1 + 64 + 1 + 8 + 1


@dataclass(frozen=True, slots=True)
class Marked:
    """What a mark says: the last record that is on disk, by number and hash."""

    seq: int
    hash: str


class Mark:
    """The mark of one writer, held open by that writer.

    Args:
        fd: open file descriptor.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The mark of a writer's directory, which the caller has locked.

        Raises:
            OSError: as the file system says.
        """
        return cls(os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))

    def store(self, seq: int, digest: str) -> bool:
        """Say that everything up to `seq` is on disk.

        Args:
            seq: of the last durable record.
            digest: its hash.

        Returns:
            Whether it was stored; if not, shipping waits for the next one, and nothing else happens.
        """
        body = b"%020d %b" % (seq, digest.encode())
        line = b"%b %08x\n" % (body, crc32(body))
        try:
            return os.pwrite(self._fd, line, 0) == len(line)
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; what it says stands."""
        os.close(self._fd)


def read_mark(directory: Path) -> Marked | None:
    """What the mark of a writer's directory says, or None when there is none or it does not fit its checksum.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        found = _LINE.fullmatch((directory / NAME).read_bytes()[:_LINE_BYTES])
    except FileNotFoundError:
        return None
    if found is None or crc32(found[1] + b" " + found[2]) != int(found[3], 16):
        return None
    return Marked(int(found[1]), found[2].decode())


class MarkFollower:
    """Gives the last sequence number that may be read, as another process marks it.

    Args:
        directory: the writer's own.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._last = 0

    def __call__(self) -> int:
        """The number marked; while a mark cannot be read, the one seen before."""
        marked = read_mark(self._directory)
        if marked is not None:
            self._last = marked.seq
        return self._last


def list_heads(directory: Path) -> list[Head]:
    """The head of every chain under a directory, by the marks, for the heartbeat.

    A mark that cannot be read costs no other head: without heads a cut tail does not show.

    Args:
        directory: that of all writers.

    Raises:
        OSError: as the file system says.
    """
    heads = []
    for path in list_directories(directory):
        with suppress(OSError):
            mark = read_mark(path)
            if mark is not None and mark.seq:
                heads.append(Head(path.name, mark.seq, mark.hash))
    return heads

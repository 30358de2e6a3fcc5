"""The cursor: how far the journal was acknowledged, in a file that is replaced whole.

A new cursor is written beside the old one, synced, renamed over it, and the
directory is synced. A cursor that is lost or unreadable means the beginning:
records are shipped again, and never lost.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Final

from s3gate.audit.appender import Position
from s3gate.audit.segment import FILE_MODE, sync_directory

NAME: Final = "cursor.json"
START: Final = Position(seq=0, segment=0, end=0)


class CursorFile:
    """The cursor of one writer's directory.

    Args:
        directory: the writer's own.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    def load(self) -> Position:
        """The last stored position, or `START`.

        Raises:
            OSError: the file is there and cannot be read.
        """
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
            stored = json.loads(self._path.read_bytes())
            position = Position(stored["seq"], stored["segment"], stored["end"])
            if all(
                type(value) is int and value >= 0 for value in (position.seq, position.segment, position.end)
            ):
                return position
        return START

    def store(self, position: Position) -> None:
        """Replace the cursor durably.

        Raises:
            OSError: as the file system says; the old cursor stands.
        """
        fresh = self._path.with_suffix(".new")
        text = json.dumps({"seq": position.seq, "segment": position.segment, "end": position.end})
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_directory(self._path.parent)

"""A policy in a file: looked at by its metadata, read when they changed and stand still.

The normal case: a look is two calls of stat. A file that was replaced by a rename, or
written in place, is read at the look after the one that saw it, if it is the same then:
what is half written must not be taken for a policy. Its version is its own digest.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from s3gate.policy.cases import cases_name
from s3gate.policy.source import SourceText, SourceUnreachable

TRIES: Final = 3  # readings of a file that changes while it is read

type Marks = tuple[tuple[int, ...] | None, ...]
"""Of both files: device, inode, size, times of change; None for one that is not there."""


class FileSource:
    """The policy file with the cases beside it.

    Args:
        path: of the policy.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._cases = path, path.with_name(cases_name(path.name))
        self._read: Marks | None = None
        self._seen: Marks | None = None

    def __str__(self) -> str:
        """The path."""
        return str(self._path)

    def look(self, *, now: bool = False) -> SourceText | None:
        """What lies there, or None when it is what was read last, or still changes.

        Args:
            now: read it in any case.

        Raises:
            SourceUnreachable: it cannot be read.
        """
        try:
            marks = self._marks()
            if not now:
                settled, self._seen = marks == self._seen, marks
                if marks == self._read or not settled:
                    return None
            return self._take()
        except OSError as exc:
            raise SourceUnreachable(f"`{exc.filename or self._path}` cannot be read: {exc.strerror}") from exc

    def close(self) -> None:
        """Nothing is held open."""

    def _take(self) -> SourceText:
        for _ in range(TRIES):
            before = self._marks()
            data = self._path.read_bytes()
            cases = self._cases.read_bytes() if before[1] is not None else None
            if self._marks() == before:
                self._read = self._seen = before
                return SourceText(data, "sha256:" + sha256(data).hexdigest(), cases)
        raise SourceUnreachable(f"`{self._path}` changes while it is read; write beside it and rename")

    def _marks(self) -> Marks:
        return _mark(self._path.stat()), _mark_if_there(self._cases)


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _mark_if_there(path: Path) -> tuple[int, ...] | None:
    try:
        return _mark(path.stat())
    except FileNotFoundError:
        return None

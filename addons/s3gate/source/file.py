"""A policy in a file: looked at by its metadata, read when they changed and stand still.

The normal case: a look is two calls of stat. A file that was replaced by a rename, or
written in place, is read at the look after the one that saw it, if it is the same then:
what is half written must not be taken for a policy. One that is another at each look is told:
a policy that never comes into force must not look like one that is. Its version is its own digest.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from s3gate.policy.cases import cases_name
from s3gate.policy.source import SourceText, SourceUnreachable
from s3gate.policy.yaml_source import MAX_BYTES
from s3gate.regular_file import read_regular

TRIES: Final = 3  # readings of a file that changes while it is read
RESTLESS_LOOKS: Final = 3  # running, each of which saw another file than the one before: then it is told

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
        self._restless = 0

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
                self._restless = 0 if settled or marks == self._read else self._restless + 1
                if self._restless > RESTLESS_LOOKS:
                    raise self._changes("at each look")
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
            data = read_regular(self._path, MAX_BYTES)
            cases = read_regular(self._cases, MAX_BYTES) if before[1] is not None else None
            if self._marks() == before:
                self._read = self._seen = before
                return SourceText(data, "sha256:" + sha256(data).hexdigest(), cases)
        raise self._changes("while it is read")

    def _changes(self, when: str) -> SourceUnreachable:
        return SourceUnreachable(f"`{self._path}` changes {when}; write beside it and rename")

    def _marks(self) -> Marks:
        return _mark(self._path.stat()), _mark_if_there(self._cases)


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _mark_if_there(path: Path) -> tuple[int, ...] | None:
    try:
        return _mark(path.stat())
    except FileNotFoundError:
        return None

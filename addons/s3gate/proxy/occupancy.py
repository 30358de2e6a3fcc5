"""How many connections are open in all workers together, without a lock that anybody waits for.

The normal case: each worker owns one slot of a small shared file, writes its own number
there and adds up all of them. A slot is owned by a lock of the kernel's, which lets go of
it when its owner ends, however it ends: what a killed worker left there is struck out as
soon as it would keep somebody out.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

_BYTES: Final = 8  # of a slot, an unsigned number
# struct flock of Linux on 64 bits: type, whence, start, length, process id (fcntl(2), F_OFD_SETLK).
_FLOCK: Final = struct.Struct("hhqqi4x")


class Occupancy:
    """The number of open connections, as one worker counts and sees it.

    Args:
        slots: one number for each worker.
        own: index of the only one that is written here.
        file: descriptor of the locked file behind `slots`; None: nobody else counts.
    """

    def __init__(self, slots: "memoryview[int]", own: int, file: int | None = None) -> None:
        self._slots, self._own, self._file = slots, own, file

    @classmethod
    def alone(cls) -> Self:
        """For the only worker."""
        return cls(memoryview(bytearray(_BYTES)).cast("Q"), 0)

    @classmethod
    @contextmanager
    def share(cls, path: Path) -> Iterator[Self]:
        """For one of several workers, until it ends.

        Args:
            path: as made by `make_slots`.

        Raises:
            OSError: the file cannot be had, or every slot has an owner.
        """
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            with mmap.mmap(file, 0) as shared, memoryview(shared) as raw, raw.cast("Q") as slots:
                own = next((one for one in range(len(slots)) if _lock(file, one)), None)
                if own is None:
                    raise OSError(f"all {len(slots)} slots of `{path}` are taken by other workers")
                slots[own] = 0
                made = cls(slots, own, file)
                try:
                    yield made
                finally:
                    made._retire()
        finally:
            os.close(file)

    def _retire(self) -> None:
        """Others count it no more; connections that end after the worker's files are closed still may."""
        kept = memoryview(bytearray(_BYTES)).cast("Q")
        kept[0], self._slots[self._own] = self._slots[self._own], 0
        self._slots, self._own, self._file = kept, 0, None

    def enter(self) -> None:
        """One more is open here."""
        self._slots[self._own] += 1

    def leave(self) -> None:
        """One less is open here."""
        self._slots[self._own] -= 1

    def exceeds(self, limit: int) -> bool:
        """Whether more are open in all than a limit; what dead workers left does not count.

        Two workers that let the last one in at the same moment may both see one too many, never both
        one too few: each has counted its own before it asks.

        Args:
            limit: most that may be open.
        """
        if sum(self._slots) <= limit:
            return False
        self._strike_out_the_dead()
        return sum(self._slots) > limit

    def _strike_out_the_dead(self) -> None:
        if self._file is None:
            return
        for slot, count in enumerate(self._slots):
            if count and slot != self._own and _lock(self._file, slot):
                self._slots[slot] = 0
                _unlock(self._file, slot)


def make_slots(path: Path, count: int) -> None:
    """Make the file in which workers count.

    Args:
        path: of the file.
        count: most workers at a time, also while old ones still drain.
    """
    path.write_bytes(bytes(_BYTES * count))


def _lock(file: int, slot: int) -> bool:
    """Own a slot, unless somebody does."""
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(file: int, slot: int) -> None:
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, slot, 1, 0))

"""Hears of clients that reset their connection while nobody reads from it.

The normal case: an upload waits for its upstream, so its client is not read, and the event
loop does not look at the client's socket. Here an epoll of our own looks for a reset and
for nothing else: not a byte is read, so the back-pressure stays.

A client that only ended its half is not told from one that is gone: what it sent may be
a whole request, of which a part still waits in the kernel.
"""

import asyncio
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_NO_BYTES: Final = 0  # epoll(7): EPOLLERR and EPOLLHUP are reported without being asked for


class ResetWatch:
    """Sockets of one event loop that are watched for a reset."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: dict[int, Callable[[], None]] = {}

    def __len__(self) -> int:
        """How many are watched."""
        return len(self._told)

    @contextmanager
    def watching(self, file: int, told: Callable[[], None]) -> Iterator[None]:
        """Watch a socket for a while.

        Args:
            file: its descriptor.
            told: called at most once, when it was reset.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        self._told[file] = told
        self._epoll.register(file, _NO_BYTES)
        try:
            yield
        finally:
            if self._told.pop(file, None) is not None:
                with suppress(OSError):  # closed meanwhile: the kernel has forgotten it
                    self._epoll.unregister(file)

    def _look(self) -> None:
        for file, _ in self._epoll.poll(0):
            self._epoll.unregister(file)
            if (told := self._told.pop(file, None)) is not None:
                told()

"""Signals as something to wait for: each is told, and wakes whoever waits on a descriptor."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def hear_signals(came: Callable[[int], None]) -> Iterator[int]:
    """Hear the signals; gives a descriptor that becomes readable with each."""

    def handle(number: int, _frame: FrameType | None) -> None:
        came(number)

    wake, own = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    old = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
    try:
        yield wake
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wake)
        os.close(own)

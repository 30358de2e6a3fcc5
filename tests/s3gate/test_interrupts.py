"""A signal is told, wakes who waits, and is what it was afterwards."""

import os
import select
import signal

import pytest

from s3gate.interrupts import SIGNALS, hear_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_each_is_told_and_wakes(number: signal.Signals) -> None:
    before, came = signal.getsignal(number), list[int]()
    with hear_signals(came.append) as wake:
        os.kill(os.getpid(), number)
        assert select.select([wake], [], [], 5)[0] == [wake]
        assert came == [number]
    assert signal.getsignal(number) is before

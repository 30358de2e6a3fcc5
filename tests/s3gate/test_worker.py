"""A worker is heard, told only what it can take, and given up when it falls silent."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from s3gate.health.status import WorkerStatus
from s3gate.worker import START_S, Worker

SERVES = WorkerStatus("w", None, port=1, selftest="X")


@pytest.fixture
def ends() -> Iterator[tuple[Worker, Connection]]:
    own, far = multiprocessing.Pipe()
    with own, far:
        yield Worker(multiprocessing.Process(), own), far


def test_its_last_word_counts_and_what_is_none_does_not(ends: tuple[Worker, Connection]) -> None:
    worker, far = ends
    worker.hear()
    assert not worker.serves
    far.send_bytes(WorkerStatus("w", None).to_line())
    far.send_bytes(SERVES.to_line())
    worker.hear()
    assert (worker.status, worker.serves) == (SERVES, True)
    far.send_bytes(b"[]")
    worker.hear()
    assert worker.status == SERVES


def test_one_that_does_not_listen_holds_nobody_up(ends: tuple[Worker, Connection]) -> None:
    worker, far = ends
    worker.say(b"first")
    os.set_blocking(worker.link.fileno(), False)
    while True:  # until nothing more goes in: then `say` would block if it tried
        try:
            os.write(worker.link.fileno(), bytes(4096))
        except BlockingIOError:
            break
    os.set_blocking(worker.link.fileno(), True)
    worker.say(b"never")
    assert far.recv_bytes() == b"first"
    far.close()
    worker.say(b"to nobody")


@pytest.mark.parametrize(
    ("spoken", "silent_s", "given_up"),
    [
        (True, 0.9, False),
        (True, 1.1, True),
        (False, 1.1, False),
        (False, START_S - 1, False),
        (False, START_S + 1, True),
    ],
)
def test_silence_is_borne_for_a_while(
    ends: tuple[Worker, Connection], spoken: bool, silent_s: float, given_up: bool
) -> None:
    worker, far = ends
    if spoken:
        far.send_bytes(SERVES.to_line())
        worker.hear()
    now = time.monotonic()
    worker.heard_at = now - silent_s
    assert worker.is_silent(now, 1.0) is given_up

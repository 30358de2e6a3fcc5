"""What a dead writer left is recovered, then delivered to the end; a living one is let alone."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from s3gate.audit.appender import Position
from s3gate.audit.claim import take_claim
from s3gate.audit.cursor import CursorFile
from s3gate.audit.draining import drain_writer
from s3gate.audit.journal import Journal, JournalDamaged, JournalUnavailable, Kind
from s3gate.audit.mark import NAME as MARK
from s3gate.audit.mark import read_mark
from s3gate.audit.segment import list_segments
from s3gate.audit.shipper import SinkHealth
from s3gate.audit.window import Event

KEY = b"k" * 32


class TakingSink:
    """Takes so many windows, then never answers again."""

    def __init__(self, windows: int = 99) -> None:
        self.seqs: list[int] = []
        self.windows = windows
        self.closed = False

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        if not self.windows:
            while not give_up():
                pass
            return False
        self.windows -= 1
        self.seqs += [event.position.seq for event in events]
        return True

    def close(self) -> None:
        self.closed = True

    def health(self) -> SinkHealth:
        return SinkHealth()


def left_behind(tmp_path: Path, count: int = 5) -> Path:
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 20)

    async def fill() -> None:
        for _ in range(count):
            await journal.append({"event": "egress"}, Kind.DENY)

    asyncio.run(fill())
    journal.close()
    return journal.directory


def test_everything_is_delivered_torn_tail_and_lost_mark_or_not(tmp_path: Path) -> None:
    directory = left_behind(tmp_path)
    (directory / MARK).unlink()
    newest = list_segments(directory)[-1].path
    newest.write_bytes(newest.read_bytes() + b'{"torn')
    sink = TakingSink()
    drained = drain_writer(directory, KEY, sink, 10)
    assert (drained.last, drained.before, drained.acknowledged, drained.empty, drained.error) == (
        5,
        0,
        5,
        True,
        None,
    )
    assert (sink.seqs, sink.closed) == ([1, 2, 3, 4, 5], True)
    marked = read_mark(directory)
    assert marked is not None
    assert marked.seq == 5
    again = drain_writer(directory, KEY, TakingSink(), 10)
    assert (again.before, again.acknowledged, again.empty) == (5, 5, True)


def test_time_is_bounded_and_what_is_left_is_told(tmp_path: Path) -> None:
    drained = drain_writer(left_behind(tmp_path), KEY, TakingSink(windows=0), 0.1)
    assert (drained.acknowledged, drained.empty) == (0, False)
    assert "no answer" in str(drained.error)


def test_a_living_writer_is_let_alone(tmp_path: Path) -> None:
    directory = left_behind(tmp_path)
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 20)
    with pytest.raises(JournalUnavailable):
        drain_writer(directory, KEY, TakingSink(), 1)
    journal.close()


def test_a_damaged_journal_is_not_shipped(tmp_path: Path) -> None:
    directory = left_behind(tmp_path)
    path = list_segments(directory)[0].path
    path.write_bytes(path.read_bytes().replace(b"egress", b"digest", 1))
    with pytest.raises(JournalDamaged):
        drain_writer(directory, KEY, TakingSink(), 1)


def test_one_that_a_running_gate_ships_is_waited_for(tmp_path: Path) -> None:
    directory = left_behind(tmp_path)
    claim = take_claim(directory)
    assert claim is not None
    sink = TakingSink()
    drained = drain_writer(directory, KEY, sink, 0.1)
    assert (drained.acknowledged, drained.empty, sink.seqs) == (0, False, [])
    assert "a running gate ships it" in str(drained.error)
    waits = threading.Thread(target=CursorFile(directory).store, args=(Position(5, 1, 1),))
    waits.start()
    assert drain_writer(directory, KEY, sink, 10).empty
    assert sink.seqs == [], "it was delivered by the other"
    waits.join()
    os.close(claim)

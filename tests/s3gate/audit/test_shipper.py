"""The cursor moves only behind an acceptance; the shipper ends in bounded time whatever its sink does."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3gate.audit.appender import Appender, Position, Room
from s3gate.audit.cursor import START, CursorFile
from s3gate.audit.reader import JournalReader
from s3gate.audit.room import Kind
from s3gate.audit.segment import list_segments, recover_tail
from s3gate.audit.shipper import Shipper, SinkHealth
from s3gate.audit.window import Event

KEY = b"k" * 32
DEADLINE_S = 10.0


def fill(directory: Path, count: int) -> None:
    tail = recover_tail(directory, "w1", KEY)
    appender = Appender(directory, "w1", KEY, Room(1 << 30, 1000), tail)
    for _ in range(count):
        appender.append([(b'{"time":"2026-01-01T00:00:00.000000Z"}', Kind.DENY)])
    appender.close()


class KeepingSink:
    """A sink that keeps what it takes, and calls `after` with each window; the fake of CloudWatch's."""

    def __init__(self, after: Callable[[int], None] = lambda _: None) -> None:
        self.seen: list[int] = []
        self.after = after
        self.closed = False

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        if give_up():
            return False
        self.seen += [event.position.seq for event in events]
        self.after(self.seen[-1])
        return True

    def close(self) -> None:
        self.closed = True

    def health(self) -> SinkHealth:
        return SinkHealth(1, 2, "E")


class StuckSink(KeepingSink):
    """A sink that never gets an answer."""

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        self.after(events[-1].position.seq)
        while not give_up():
            threading.Event().wait(0.01)
        return False


def make(
    directory: Path, sink: KeepingSink, stop: threading.Event, count: int, keep_bytes: int = 0
) -> Shipper:
    return Shipper(
        JournalReader(directory, lambda: count), sink, CursorFile(directory), stop,
        keep_bytes=keep_bytes, interval_s=0.01, drain_s=0.1, now_ms=lambda: 1_767_225_600_000 + 5000,
    )  # fmt: skip


def test_everything_arrives_and_is_pruned(tmp_path: Path) -> None:
    fill(tmp_path, 30)
    stop = threading.Event()
    sink = KeepingSink(after=lambda seq: stop.set() if seq == 30 else None)
    shipper = make(tmp_path, sink, stop, 30)
    shipper.run()
    assert sink.seen == list(range(1, 31))
    assert sink.closed
    assert CursorFile(tmp_path).load().seq == 30
    assert len(list_segments(tmp_path)) == 1
    health = shipper.health()
    assert (health.acknowledged_seq, health.delivered, health.oldest_unacknowledged_s) == (30, 30, 0)
    assert (health.sink, health.error) == (SinkHealth(1, 2, "E"), "the shipper has ended")


def test_shipped_segments_stay_while_there_is_room(tmp_path: Path) -> None:
    fill(tmp_path, 30)
    before = list_segments(tmp_path)
    stop = threading.Event()
    make(tmp_path, KeepingSink(after=lambda _: stop.set()), stop, 30, keep_bytes=1 << 20).run()
    assert list_segments(tmp_path) == before


def test_it_goes_on_behind_the_cursor(tmp_path: Path) -> None:
    fill(tmp_path, 30)
    place = JournalReader(tmp_path, lambda: 30).read(START)[19].position
    CursorFile(tmp_path).store(place)
    stop = threading.Event()
    sink = KeepingSink(after=lambda _: stop.set())
    make(tmp_path, sink, stop, 30).run()
    assert sink.seen == list(range(21, 31))


def test_a_sink_without_an_answer_keeps_nothing_from_ending(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    stop = threading.Event()
    ages: list[float] = []

    def look(_: int) -> None:
        ages.append(shipper.health().oldest_unacknowledged_s)
        stop.set()

    sink = StuckSink(after=look)
    shipper = make(tmp_path, sink, stop, 3)
    began = time.monotonic()
    shipper.run()
    assert time.monotonic() - began < 3
    assert ages == [5.0]
    assert CursorFile(tmp_path).load() == START
    assert sink.closed
    assert len(list_segments(tmp_path)) == 1


def test_a_stop_with_nothing_waiting_ends_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    sink = KeepingSink()
    make(tmp_path, sink, stop, 0).run()
    assert sink.closed


def test_a_cursor_that_cannot_be_stored_is_said_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    (tmp_path / "cursor.new").mkdir()
    stop = threading.Event()
    sink = KeepingSink(after=lambda _: stop.set())
    shipper = make(tmp_path, sink, stop, 5)
    shipper.run()
    assert sink.seen == [1, 2, 3, 4, 5]
    assert "directory" in str(shipper.health().error)
    assert CursorFile(tmp_path).load() == START


@pytest.mark.parametrize("damage", [b"garbage\n", b"[]\n"])
def test_a_journal_that_cannot_be_read_is_said(tmp_path: Path, damage: bytes) -> None:
    fill(tmp_path, 2)
    path = list_segments(tmp_path)[0].path
    path.write_bytes(damage)
    stop = threading.Event()
    sink = KeepingSink()
    reader = JournalReader(tmp_path, lambda: 2)
    shipper = Shipper(reader, sink, CursorFile(tmp_path), stop, interval_s=0.01, drain_s=0.1)
    thread = threading.Thread(target=shipper.run)
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    while not shipper.health().oldest_unacknowledged_s and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    while shipper.health().error is None and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    stop.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert shipper.health().oldest_unacknowledged_s > 0, "what cannot be read waits"
    assert "not a record" in str(shipper.health().error)
    assert shipper.health().acknowledged_seq == Position(0, 0, 0).seq


def fill_denials(directory: Path, ages_s: list[int]) -> None:
    appender = Appender(directory, "w1", KEY, Room(1 << 30, 1 << 20), recover_tail(directory, "w1", KEY))
    for age in ages_s:
        moment = datetime.fromtimestamp(NOW_S - age, UTC).isoformat()
        body = f'{{"event":"egress","decision":"deny","time":"{moment}"}}'
        appender.append([(body.encode(), Kind.DENY)])
    appender.close()


NOW_S = 1_767_225_605


class TextSink(KeepingSink):
    """Keeps the texts."""

    def __init__(self, refuse_after: int = 99) -> None:
        super().__init__()
        self.texts: list[list[str]] = []
        self.refuse_after = refuse_after

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:  # noqa: ARG002 - the Sink protocol
        if len(self.texts) == self.refuse_after:
            return False
        self.texts.append([event.text for event in events])
        return True


def test_refusals_that_arrive_late_are_followed_by_a_backfill_record(tmp_path: Path) -> None:
    fill_denials(tmp_path, [1000, 900, 121, 60, 0])
    stop = threading.Event()
    stop.set()
    sink = TextSink()
    make(tmp_path, sink, stop, 5).run()
    (records, notice) = sink.texts
    assert len(records) == 5
    told = json.loads(notice[0])
    assert (told["event"], told["late_denials"], told["late_records"]) == ("audit_backfill", 3, 3)
    assert (told["first_seq"], told["last_seq"], told["writer"]) == (1, 3, tmp_path.name)
    assert told["time"] > told["oldest"]


def test_refusals_in_time_need_none(tmp_path: Path) -> None:
    fill_denials(tmp_path, [119, 0])
    stop = threading.Event()
    stop.set()
    sink = TextSink()
    make(tmp_path, sink, stop, 2).run()
    assert len(sink.texts) == 1


def test_the_cursor_waits_for_the_backfill_record(tmp_path: Path) -> None:
    fill_denials(tmp_path, [1000])
    stop = threading.Event()
    stop.set()
    make(tmp_path, TextSink(refuse_after=1), stop, 1).run()
    assert CursorFile(tmp_path).load() == START

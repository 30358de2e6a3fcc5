"""Whatever CloudWatch does, every record of the journal arrives at least once: the fault matrix."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit.backoff import Backoff
from s3gate.audit.cloudwatch import CloudWatchSink, open_logs_client
from s3gate.audit.cursor import CursorFile
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import JournalReader
from s3gate.audit.record import render_time
from s3gate.audit.shipper import Shipper

KEY = b"k" * 32
DEADLINE_S = 20.0
NOW = timedelta(0)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def fill(
    directory: Path, count: int, age: Callable[[int], timedelta] = lambda _: NOW, size: int = 300
) -> Journal:
    """A journal with `count` records, the n-th of them `age(n)` old."""
    journal = Journal.open(directory, "w1", KEY, 1 << 28)

    async def append() -> None:
        now = datetime.now(UTC)
        await asyncio.gather(
            *(
                journal.append(
                    {
                        "schema": 1,
                        "event": "egress",
                        "time": render_time(now - age(number)),
                        "audit_id": f"id-{number}",
                        "pad": "x" * size,
                    },
                    Kind.DENY,
                )
                for number in range(count)
            )
        )

    asyncio.run(append())
    return journal


@dataclass
class Running:
    shipper: Shipper
    stop: threading.Event
    thread: threading.Thread


@contextmanager
def shipping(journal: Journal, fake: FakeLogs, *, create_group: bool = False) -> Iterator[Running]:
    stop = threading.Event()
    sink = CloudWatchSink(
        open_logs_client("ap-northeast-1", fake.url),
        fake.group,
        "w1",
        DeadLetters(journal.directory),
        create_group=create_group,
        backoff=Backoff(0.01, 0.05),
    )
    reader = JournalReader(journal.directory, lambda: journal.acknowledged_seq)
    shipper = Shipper(reader, sink, CursorFile(journal.directory), stop, interval_s=0.02, drain_s=0.5)
    thread = threading.Thread(target=shipper.run)
    thread.start()
    try:
        yield Running(shipper, stop, thread)
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        pause.wait(0.02)


def arrived(fake: FakeLogs) -> Counter[str]:
    return Counter(
        record["audit_id"] for record in map(json.loads, fake.messages()) if record["event"] == "egress"
    )


ROWS: dict[str, tuple[list[Fault], int]] = {
    "no fault": ([], 0),
    "throttling": ([Fault.THROTTLE] * 8, 0),
    "http 500": ([Fault.ERROR_500] * 8, 0),
    "http 503": ([Fault.UNAVAILABLE_503] * 8, 0),
    "reset": ([Fault.RESET] * 8, 0),
    "access denied": ([Fault.ACCESS_DENIED] * 8, 0),
    "expired token": ([Fault.EXPIRED_TOKEN] * 8, 0),
    "a 200 that is not CloudWatch": ([Fault.HTML_200] * 3, 0),
    "stream deleted": ([Fault.NONE, Fault.DELETE_STREAM, Fault.DELETE_STREAM], 0),
    "group deleted": ([Fault.NONE, Fault.DELETE_GROUP, Fault.DELETE_GROUP], 0),
    "accepted, then reset": ([Fault.NONE, Fault.ACCEPT_THEN_RESET, Fault.ACCEPT_THEN_RESET], 600),
    "all in turn": (
        [Fault.RESET, Fault.ERROR_500, Fault.THROTTLE, Fault.DELETE_STREAM, Fault.EXPIRED_TOKEN],
        0,
    ),
}


@pytest.mark.parametrize(("faults", "repeated"), ROWS.values(), ids=ROWS)
def test_nothing_is_lost(tmp_path: Path, faults: list[Fault], repeated: int) -> None:
    count = 300
    journal = fill(tmp_path, count)
    with FakeLogs(faults=list(faults)) as fake:
        with shipping(journal, fake, create_group=True) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == count)
            assert running.shipper.health().oldest_unacknowledged_s == 0
        seen = arrived(fake)
        assert len(seen) == count, "records were lost"
        assert sum(seen.values()) - count == repeated
        assert fake.faults == [], "not every fault was met"
    journal.close()
    assert CursorFile(journal.directory).load().seq == count


def test_a_stream_that_cannot_be_created_at_first(tmp_path: Path) -> None:
    journal = fill(tmp_path, 300)
    faults = [Fault.RESET, Fault.ERROR_500, Fault.ACCESS_DENIED, Fault.ACCEPT_THEN_RESET]
    with FakeLogs(creation_faults=faults) as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 300)
        assert len(arrived(fake)) == 300
        assert fake.creation_faults == []
    journal.close()


def test_a_missing_group_is_waited_for(tmp_path: Path) -> None:
    """A role that may not create groups waits until somebody does, and says what it waits for."""
    journal = fill(tmp_path, 30)
    with FakeLogs() as fake:
        fake.groups.clear()
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().sink.retries > 2)
            assert running.shipper.health().sink.last_error == "ResourceNotFoundException"
            fake.groups.add(fake.group)
            wait_until(lambda: running.shipper.health().acknowledged_seq == 30)
        assert len(arrived(fake)) == 30
    journal.close()


def test_records_that_keep_coming_arrive_through_faults(tmp_path: Path) -> None:
    journal = fill(tmp_path, 0)
    with FakeLogs(faults=[Fault.RESET, Fault.DELETE_STREAM, Fault.THROTTLE] * 5) as fake:
        with shipping(journal, fake) as running:

            async def keep_coming() -> None:
                for number in range(200):
                    record = {
                        "event": "egress",
                        "audit_id": str(number),
                        "time": render_time(datetime.now(UTC)),
                    }
                    await journal.append(record, Kind.ALLOW)

            asyncio.run(keep_coming())
            wait_until(lambda: running.shipper.health().acknowledged_seq == 200)
        assert len(arrived(fake)) == 200
    journal.close()


def test_a_poison_event_goes_to_the_dead_letters_and_leaves_a_stub(tmp_path: Path) -> None:
    journal = fill(tmp_path, 1000)
    with FakeLogs(poison='"id-617"') as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 1000)
            assert running.shipper.health().sink.dead_letters == 1
        seen = arrived(fake)
        assert len(seen) == 999
        assert set(seen.values()) == {1}
        assert fake.calls["PutLogEvents"] < 30
        stubs = [record for record in map(json.loads, fake.messages()) if record["event"] == "dead_letter"]
        assert [(stub["writer"], stub["seq"]) for stub in stubs] == [("w1", 618)]
    kept = json.loads((journal.directory / "dead-letter.jsonl").read_text())
    assert '"id-617"' in kept["message"]
    assert kept["error"] == "InvalidParameterException"
    journal.close()


def test_where_every_call_is_invalid_all_of_it_waits(tmp_path: Path) -> None:
    """Not one record is poison when all are: none is buried, none is passed over, none is pruned."""
    journal = fill(tmp_path, 100)
    with FakeLogs(poison="") as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: fake.calls["PutLogEvents"] > 30)
            health = running.shipper.health()
            assert (health.acknowledged_seq, health.sink.dead_letters) == (0, 0)
            assert health.sink.last_error == "InvalidParameterException"
            fake.poison = None
            wait_until(lambda: running.shipper.health().acknowledged_seq == 100)
        assert len(arrived(fake)) == 100
    assert not (journal.directory / "dead-letter.jsonl").exists()
    journal.close()


AGES: dict[str, Callable[[int], timedelta]] = {
    "clock stepped back": lambda number: timedelta(minutes=number % 7),
    "a week of outage": lambda number: timedelta(hours=168 - number * 168 / 400),
    "fifteen days old": lambda number: timedelta(days=15) if number < 100 else NOW,
    "three hours ahead": lambda number: timedelta(hours=-3) if number >= 300 else NOW,
    "all too old": lambda _: timedelta(days=20),
}


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
def test_records_of_any_age_arrive(tmp_path: Path, age: Callable[[int], timedelta]) -> None:
    journal = fill(tmp_path, 400, age)
    with FakeLogs() as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 400)
        seen = arrived(fake)
        assert len(seen) == 400
        assert set(seen.values()) == {1}
    journal.close()


@pytest.mark.parametrize(
    ("behind_s", "late"), [(180, 3), (60, 0), (-180, 0)], ids=["behind", "little", "ahead"]
)
def test_refusals_of_a_gate_whose_clock_is_behind_are_late(tmp_path: Path, behind_s: int, late: int) -> None:
    """CloudWatch counts them minutes ago by its own clock, where no alarm looks; ours would say they are new."""
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 28)

    async def refuse() -> None:
        for number in range(3):
            now = render_time(datetime.now(UTC))
            record = {"event": "egress", "decision": "deny", "time": now, "audit_id": f"id-{number}"}
            await journal.append(record, Kind.DENY)

    asyncio.run(refuse())
    with FakeLogs(offset_ms=behind_s * 1000) as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 3)
        told = [json.loads(text) for text in fake.messages() if "audit_backfill" in text]
    assert [one["late_denials"] for one in told] == ([late] if late else [])
    journal.close()


def test_more_than_one_call_can_carry(tmp_path: Path) -> None:
    journal = fill(tmp_path, 12_000, size=0)
    with FakeLogs() as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 12_000)
        assert len(arrived(fake)) == 12_000
        assert fake.calls["PutLogEvents"] < 10
    journal.close()


def test_a_black_hole_does_not_keep_the_process(tmp_path: Path) -> None:
    journal = fill(tmp_path, 10)
    with FakeLogs(faults=[Fault.BLACK_HOLE] * 9) as fake, shipping(journal, fake) as running:
        wait_until(lambda: len(fake.faults) < 9)
        assert running.shipper.health().oldest_unacknowledged_s > 0
        began = time.monotonic()
        running.stop.set()
        running.thread.join(DEADLINE_S)
        assert time.monotonic() - began < 3.0
    assert CursorFile(journal.directory).load().seq == 0
    journal.close()


def test_what_waits_at_the_stop_is_drained(tmp_path: Path) -> None:
    journal = fill(tmp_path, 10)
    with FakeLogs() as fake:
        with shipping(journal, fake) as running:
            running.stop.set()
        assert len(arrived(fake)) == 10
    journal.close()


def test_a_lost_cursor_means_twice_not_never(tmp_path: Path) -> None:
    journal = fill(tmp_path, 20)
    with FakeLogs() as fake:
        for _ in range(2):
            with shipping(journal, fake) as running:
                wait_until(lambda: running.shipper.health().acknowledged_seq == 20)
            (journal.directory / "cursor.json").write_text("garbage")
        assert set(arrived(fake).values()) == {2}
        assert len(arrived(fake)) == 20
    journal.close()


def test_a_kept_cursor_means_once(tmp_path: Path) -> None:
    journal = fill(tmp_path, 20)
    with FakeLogs() as fake:
        for _ in range(3):
            with shipping(journal, fake) as running:
                wait_until(lambda: running.shipper.health().acknowledged_seq == 20)
        assert set(arrived(fake).values()) == {1}
    journal.close()


def test_a_dead_sender_is_replaced(tmp_path: Path) -> None:
    """Under warnings as errors watchtower's thread dies of its own warning; so does one that is ended."""
    journal = fill(tmp_path, 50)
    with FakeLogs() as fake:
        with shipping(journal, fake) as running:
            wait_until(lambda: running.shipper.health().acknowledged_seq == 50)
            handler = running.shipper._sink._handler  # type: ignore[attr-defined]  # the real sink, seen from inside
            for queue in handler.queues.values():
                queue.put(handler.END)
            for thread in handler.threads:
                thread.join(DEADLINE_S)
            asyncio.run(journal.append({"event": "egress", "audit_id": "late"}, Kind.DENY))
            wait_until(lambda: running.shipper.health().acknowledged_seq == 51)
        assert len(arrived(fake)) == 51
    journal.close()

"""Every journal under a directory is shipped: of those who write, of those who died, of those who come later."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit.claim import take_claim
from s3gate.audit.cloudwatch import open_logs_client
from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.order import Order
from s3gate.audit.shippers import Shippers

KEY = b"k" * 32
DEADLINE_S = 15.0


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")


def write(directory: Path, writer: str, count: int) -> Journal:
    journal = Journal.open(directory, writer, KEY, 1 << 24)

    async def append() -> None:
        for number in range(count):
            await journal.append({"event": "egress", "audit_id": f"{writer}/{number}"}, Kind.DENY)

    asyncio.run(append())
    return journal


@contextmanager
def shippers(directory: Path, fake: FakeLogs) -> Iterator[Shippers]:
    order = Order(str(directory), "eu-west-1", fake.group, fake.url, 0)
    made = Shippers(order, open_logs_client(order.region, order.endpoint_url))
    try:
        yield made
    finally:
        made.close()


def reached(made: Shippers, **wanted: int) -> Callable[[], bool]:
    def look() -> bool:
        made.look()
        told = {name: one.acknowledged_seq for name, one in made.health()}
        return all(told.get(writer, 0) >= seq for writer, seq in wanted.items())

    return look


def until(condition: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        pause.wait(0.05)


def test_each_goes_to_its_own_stream_also_what_came_later_and_what_was_left(tmp_path: Path) -> None:
    write(tmp_path, "dead", 2).close()
    alive = write(tmp_path, "alive", 3)
    with FakeLogs() as fake, shippers(tmp_path, fake) as made:
        until(reached(made, dead=2, alive=3))
        late = write(tmp_path, "late", 4)
        until(reached(made, late=4))
        arrived = {json.loads(text)["audit_id"] for text in fake.messages()}
        assert made.trouble() is None
    assert arrived == {
        f"{who}/{n}" for who, count in (("dead", 2), ("alive", 3), ("late", 4)) for n in range(count)
    }
    for journal in (alive, late):
        journal.close()


def test_one_that_appears_at_the_very_end_is_delivered_too(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        with shippers(tmp_path / "audit", fake) as made:
            made.look()
            assert made.health() == []
            write(tmp_path / "audit", "w1", 3).close()
        assert len(fake.messages()) == 3
    assert CursorFile(tmp_path / "audit" / "w1").load().seq == 3


def test_one_that_another_process_ships_is_left_to_it_until_it_lets_go(tmp_path: Path) -> None:
    write(tmp_path, "w1", 3).close()
    other = take_claim(tmp_path / "w1")
    assert other is not None
    with FakeLogs() as fake, shippers(tmp_path, fake) as made:
        made.look()
        ((_, first),) = made.health()
        threading.Event().wait(0.01)
        made.look()
        ((_, second),) = made.health()
        assert second.oldest_unacknowledged_s > first.oldest_unacknowledged_s, "its cursor does not move"
        assert fake.messages() == []
        os.close(other)
        until(reached(made, w1=3))
        assert take_claim(tmp_path / "w1") is None
    again = take_claim(tmp_path / "w1")
    assert again is not None
    os.close(again)


def test_one_that_is_delivered_needs_no_shipper(tmp_path: Path) -> None:
    write(tmp_path, "w1", 3).close()
    with FakeLogs() as fake:
        with shippers(tmp_path, fake) as made:
            until(reached(made, w1=3))
        with shippers(tmp_path, fake) as made:
            made.look()
            ((_, health),) = made.health()
            assert (health.acknowledged_seq, health.oldest_unacknowledged_s, health.error) == (3, 0, None)
            free = take_claim(tmp_path / "w1")
            assert free is not None
            os.close(free)
        assert len(fake.messages()) == 3


def test_one_that_cannot_be_read_is_told_and_holds_up_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad" / "mark").mkdir(parents=True)
    journal = write(tmp_path, "good", 1)
    with FakeLogs() as fake, shippers(tmp_path, fake) as made:
        until(reached(made, good=1))
        assert "directory" in str(dict(made.health())["bad"].error).lower()
        before = dict(made.health())["bad"].oldest_unacknowledged_s
        threading.Event().wait(0.01)
        made.look()
        assert dict(made.health())["bad"].oldest_unacknowledged_s >= before + 0.01, "it waits ever longer"
    journal.close()


def test_many_in_a_black_hole_end_together(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, f"w{number}", 1).close()
    with FakeLogs(faults=[Fault.BLACK_HOLE] * 40) as fake:
        made = Shippers(
            Order(str(tmp_path), "eu-west-1", fake.group, fake.url, 0),
            open_logs_client("eu-west-1", fake.url),
        )
        made.look()
        began = time.monotonic()
        made.close()
        assert time.monotonic() - began < 5

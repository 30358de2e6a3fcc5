"""Whoever was told that a record is durable finds it there, in order, whatever happened."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from s3gate.audit import appender as appender_module
from s3gate.audit.chain import parse_link
from s3gate.audit.journal import RIDE_S, Journal, JournalUnavailable, Kind, Position
from s3gate.audit.segment import list_segments
from s3gate.audit.verification import verify

KEY = b"k" * 32
ROOM = 4 * 1024 * 1024
DEADLINE_S = 10.0


def record(number: int, size: int = 0) -> dict[str, object]:
    return {"schema": 1, "event": "egress", "audit_id": str(number), "pad": "x" * size}


def lines_of(directory: Path) -> list[bytes]:
    return [line for part in list_segments(directory) for line in part.path.read_bytes().splitlines()]


def numbers(directory: Path) -> list[int]:
    links = [parse_link(line) for line in lines_of(directory)]
    return [link.seq for link in links if link is not None]


async def test_append_returns_durable_records_in_order(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    try:
        positions = await asyncio.gather(*(journal.append(record(n), Kind.DENY) for n in range(100)))
        assert [position.seq for position in positions] == list(range(1, 101))
        assert journal.acknowledged_seq == 100
        assert positions[-1].end == sum(part.size() for part in list_segments(tmp_path / "w1"))
    finally:
        journal.close()
    assert numbers(tmp_path / "w1") == list(range(1, 101))
    assert verify(lines_of(tmp_path / "w1"), KEY) == []


async def test_a_second_opening_goes_on_with_the_chain(tmp_path: Path) -> None:
    for run in range(3):
        journal = Journal.open(tmp_path, "w1", KEY, ROOM)
        await journal.append(record(run), Kind.ALLOW)
        journal.close()
    assert numbers(tmp_path / "w1") == [1, 2, 3]
    assert verify(lines_of(tmp_path / "w1"), KEY) == []


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "audit", "w1", KEY, ROOM)
    await journal.append(record(1), Kind.ALLOW)
    journal.close()
    own = tmp_path / "audit" / "w1"
    assert own.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in own.iterdir()} == {0o600}


async def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    with pytest.raises(JournalUnavailable, match="another writer"):
        Journal.open(tmp_path, "w1", KEY, ROOM)
    journal.close()
    Journal.open(tmp_path, "w1", KEY, ROOM).close()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-", "a b", "a\n", "é", "x" * 65])
def test_a_writer_id_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        Journal.open(tmp_path, name, KEY, ROOM)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Journal.open(tmp_path, "w1", b"short", ROOM)


async def test_segments_rotate_and_the_chain_goes_through(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM, segment_bytes=1000)
    for number in range(20):
        await journal.append(record(number), Kind.ALLOW)
    journal.close()
    assert len(list_segments(tmp_path / "w1")) > 3
    assert verify(lines_of(tmp_path / "w1"), KEY) == []
    journal = Journal.open(tmp_path, "w1", KEY, ROOM, segment_bytes=1000)
    assert (await journal.append(record(20), Kind.ALLOW)).seq == 21
    journal.close()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"value": float("nan")}, id="nan"),
        pytest.param({"seq": 7}, id="the journal's own key"),
        pytest.param({"value": object()}, id="not json"),
    ],
)
async def test_a_record_that_is_not_json_costs_nobody_else(tmp_path: Path, broken: dict[str, object]) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    with pytest.raises((ValueError, TypeError)):
        await journal.append(broken, Kind.DENY)
    assert (await journal.append(record(1), Kind.DENY)).seq == 1
    journal.close()


async def test_a_cancelled_append_keeps_the_order(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    tasks = [asyncio.create_task(journal.append(record(n), Kind.DENY)) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [outcome.seq for outcome in outcomes if isinstance(outcome, Position)]
    assert kept == sorted(kept)
    journal.close()
    assert verify(lines_of(tmp_path / "w1"), KEY) == []
    assert set(kept) <= set(numbers(tmp_path / "w1"))


async def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    journal.close()
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.append(record(1), Kind.DENY)


async def test_close_writes_what_was_handed_over(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    task = asyncio.create_task(journal.append(record(1), Kind.DENY))
    await asyncio.sleep(0)
    journal.close()
    assert (await task).seq == 1


async def test_a_failed_fsync_latches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    await journal.append(record(1), Kind.DENY)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", fail)
        with pytest.raises(JournalUnavailable, match="Input/output error"):
            await journal.append(record(2), Kind.DENY)
    with pytest.raises(JournalUnavailable, match="Input/output error"):
        await journal.append(record(3), Kind.DENY)
    assert journal.acknowledged_seq == 1
    assert journal.failure is not None
    journal.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from s3gate.audit.journal import Journal, Kind
async def client(journal, out):
    while True:
        position = await journal.append({"event": "egress", "pad": "x" * 500}, Kind.DENY)
        out.write(b"%d\\n" % position.seq); out.flush()
async def main():
    journal = Journal.open(Path(sys.argv[1]), "w1", b"k" * 32, 1 << 30, segment_bytes=20000)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(client(journal, sys.stdout.buffer))
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "tail", [b"", b'{"cut', b"\0" * 300, b"\xff\xfegarbage\nmore\n"], ids=["as is", "cut", "zeros", "garbage"]
)
def test_a_killed_writer_leaves_every_acknowledged_record(tmp_path: Path, tail: bytes) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(appender_module.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(200)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    newest = list_segments(tmp_path / "w1")[-1].path
    with newest.open("ab") as file:
        file.write(tail)
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 30)
    assert journal.acknowledged_seq >= max(told)
    assert (journal.torn is not None) >= bool(tail)
    position = asyncio.run(journal.append(record(1), Kind.DENY))
    journal.close()
    assert set(told) <= set(numbers(tmp_path / "w1"))
    assert numbers(tmp_path / "w1") == list(range(1, position.seq + 1))
    assert verify(lines_of(tmp_path / "w1"), KEY) == []


@pytest.mark.bench
@pytest.mark.parametrize("flows", [1, 64])
async def test_append_latency(tmp_path: Path, flows: int, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 30)
    taken: list[int] = []

    async def client() -> None:
        for number in range(500 if flows == 1 else 60):
            began = time.perf_counter_ns()
            await journal.append(record(number, 500), Kind.ALLOW)
            taken.append(time.perf_counter_ns() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(flows)))
    spent = time.perf_counter() - began
    journal.close()
    taken.sort()
    with capsys.disabled():
        sys.stdout.write(
            f"\njournal append, {flows} in flight: p50 {taken[len(taken) // 2] / 1e6:.2f} ms, "
            f"p99 {taken[len(taken) * 99 // 100] / 1e6:.2f} ms, {len(taken) / spent:.0f}/s\n"
        )
    assert taken[len(taken) // 2] < DEADLINE_S * 1e9


async def test_what_rides_goes_with_the_next_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    write = appender_module.Appender.append

    def count(self: appender_module.Appender, group: list[tuple[bytes, Kind]]) -> object:
        groups.append(len(group))
        return write(self, group)

    monkeypatch.setattr(appender_module.Appender, "append", count)
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    riding = [journal.ride(record(n), Kind.COMPLETION) for n in range(3)]
    assert not any(one.done() for one in riding)
    assert (await journal.append(record(3), Kind.DENY)).seq == 4
    assert [(await one).seq for one in riding] == [1, 2, 3]
    journal.close()
    assert groups == [4]


@pytest.mark.parametrize("how", ["waits", "departs", "closes"])
async def test_what_rides_alone_is_durable_soon(tmp_path: Path, how: str) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)
    riding = journal.ride(record(1), Kind.COMPLETION)
    if how == "departs":
        journal.depart()
    if how == "closes":
        journal.close()
    assert (await asyncio.wait_for(riding, DEADLINE_S)).seq == 1
    journal.depart()
    journal.close()
    assert numbers(tmp_path / "w1") == [1]


async def test_one_timer_serves_all_that_ride_before_it_rings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, journal = asyncio.get_running_loop(), Journal.open(tmp_path, "w1", KEY, ROOM)
    later, set_for = loop.call_later, list[float]()

    def call_later(delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        set_for.append(delay)
        return later(delay, callback)

    monkeypatch.setattr(loop, "call_later", call_later)
    for first in (1, 5):
        early = journal.ride(record(first), Kind.COMPLETION)
        assert (await journal.append(record(first + 1), Kind.ALLOW)).seq == first + 1
        late = [journal.ride(record(first + n), Kind.COMPLETION) for n in (2, 3)]
        assert [(await one).seq for one in (early, *late)] == [first, first + 2, first + 3]
    journal.close()
    assert set_for == [RIDE_S, RIDE_S]


def test_what_rides_in_another_loop_does_not_wait_for_the_timer_of_an_ended_one(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, ROOM)

    async def ride_only() -> None:
        journal.ride(record(1), Kind.COMPLETION)

    async def ride_and_wait() -> int:
        return (await asyncio.wait_for(journal.ride(record(2), Kind.COMPLETION), DEADLINE_S)).seq

    asyncio.run(ride_only())
    assert asyncio.run(ride_and_wait()) == 2
    journal.close()


async def test_what_rides_into_a_full_journal_is_told(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, 2000)
    riding = journal.ride(record(1, 4000), Kind.COMPLETION)
    journal.depart()
    with pytest.raises(JournalUnavailable, match="full"):
        await asyncio.wait_for(riding, DEADLINE_S)
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.ride(record(2), Kind.COMPLETION)

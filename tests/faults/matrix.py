"""The fault matrix: what is lost of N records, by s3gate and by watchtower as it comes, fault by fault.

A record counts as lost when its `append` returned (or, for watchtower, its `emit`) and no event with its
id, in JSON that CloudWatch can read, has arrived. A record that the journal refuses is not lost: what it
describes did not happen. `table.py` prints all of it, `test_matrix.py` runs a quick form.
"""

import asyncio
import errno
import json
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import watchtower

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit.backoff import Backoff
from s3gate.audit.cloudwatch import CloudWatchSink, open_logs_client
from s3gate.audit.cursor import CursorFile
from s3gate.audit.dead_letter import NAME as DEAD_LETTER
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.journal import Journal, JournalUnavailable, Kind
from s3gate.audit.reader import JournalReader, read_records
from s3gate.audit.record import render_time
from s3gate.audit.segment import list_segments
from s3gate.audit.shipper import Shipper

KEY = b"k" * 32
REGION = "eu-west-1"
END_S = 8.0  # longer than this counts as "does not end"
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Scale:
    """How much of it.

    Args:
        records: a row.
        rate: records a second while an outage lasts.
        outage_s: how long it lasts.
        kills: of the writer.
    """

    records: int
    rate: float
    outage_s: float
    kills: int


QUICK = Scale(records=60, rate=200, outage_s=0.6, kills=3)
FULL = Scale(records=2000, rate=200, outage_s=10, kills=40)


@dataclass
class Outcome:
    """What became of the records.

    Args:
        sent: taken by the journal, or by the handler.
        lost: of these, never arrived.
        duplicates: arrived again.
        refused: not taken: what they describe did not happen.
        end_s: how long the end took, seconds.
    """

    sent: int = 0
    lost: int = 0
    duplicates: int = 0
    refused: int = 0
    end_s: float = 0.0


Record = dict[str, object]


@dataclass(frozen=True)
class Row:
    """One fault.

    Args:
        fault: what PutLogEvents meets while the outage lasts.
        creation: the fault meets CreateLogStream instead.
        spoil: what the middle record is made into.
        age: how old the n-th of N records is.
        hang: whether the service never comes back: only the end is measured.
        late_start: nothing listens until the outage is over.
        strict: warnings are errors.
        kill_thread: watchtower's sender thread is ended in the middle.
        poison: the service never takes the middle record.
    """

    fault: Fault = Fault.NONE
    creation: bool = False
    spoil: Callable[[Record], Record] | None = None
    age: Callable[[int, int], timedelta] = field(default=lambda _number, _count: timedelta(0))
    hang: bool = False
    late_start: bool = False
    strict: bool = False
    kill_thread: bool = False
    poison: bool = False


class RaisingRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def circular(record: Record) -> Record:
    record["self"] = record
    return record


DELIVERY: dict[str, Row] = {
    "no fault": Row(),
    "throttling": Row(Fault.THROTTLE),
    "http 500": Row(Fault.ERROR_500),
    "http 503": Row(Fault.UNAVAILABLE_503),
    "connection reset": Row(Fault.RESET),
    "connection refused": Row(late_start=True),
    "slow, 3 s a call": Row(Fault.SLOW),
    "black hole, then well": Row(Fault.BLACK_HOLE),
    "black hole at the end": Row(Fault.BLACK_HOLE, hang=True),
    "AccessDenied": Row(Fault.ACCESS_DENIED),
    "ExpiredToken": Row(Fault.EXPIRED_TOKEN),
    "a 200 that is not CloudWatch": Row(Fault.HTML_200),
    "accepted, then reset": Row(Fault.ACCEPT_THEN_RESET),
    "log stream deleted": Row(Fault.DELETE_STREAM),
    "log group deleted": Row(Fault.DELETE_GROUP),
    "CreateLogStream reset": Row(Fault.RESET, creation=True),
    "CreateLogStream 500": Row(Fault.ERROR_500, creation=True),
    "warnings as errors, reset": Row(Fault.RESET, strict=True),
    "watchtower's thread killed": Row(kill_thread=True),
    "poison event": Row(poison=True),
    "oversize event (2 MiB)": Row(spoil=lambda record: record | {"pad": "x" * (2 << 20)}),
    "NaN": Row(spoil=lambda record: record | {"pad": float("nan")}),
    "lone surrogate": Row(spoil=lambda record: record | {"pad": "\udcff"}),
    "circular": Row(spoil=circular),
    "repr that raises": Row(spoil=lambda record: record | {"pad": RaisingRepr()}),
    "spans 25 h": Row(age=lambda number, count: timedelta(hours=25 - number * 25 / count)),
    "a tenth 15 days old": Row(age=lambda number, count: timedelta(days=15 * (number < count // 10))),
    "a tenth 3 h ahead": Row(age=lambda number, count: timedelta(hours=-3 * (number >= count * 9 // 10))),
    "clock stepped back": Row(age=lambda number, _: timedelta(minutes=number % 7)),
}


def make_record(row: Row, number: int, count: int) -> Record:
    moment = datetime.now(UTC) - row.age(number, count)
    record: Record = {"event": "egress", "decision": "deny", "audit_id": f"id-{number}."}
    record["time"] = render_time(moment)
    return row.spoil(record) if row.spoil is not None and number == count // 2 else record


def outage(row: Row, fake: FakeLogs, scale: Scale) -> None:
    if row.fault is not Fault.NONE:
        fake.begin_outage(row.fault, 3600 if row.hang else scale.outage_s, creation=row.creation)


def paced(scale: Scale, row: Row) -> Iterator[int]:
    """The numbers of the records, at the scale's rate where there is an outage to be lived through."""
    began, pause = time.monotonic(), threading.Event()
    slow = row.fault is not Fault.NONE or row.late_start
    for number in range(scale.records):
        if slow:
            pause.wait(max(0.0, began + number / scale.rate - time.monotonic()))
        yield number


def arrived(fake: FakeLogs) -> Counter[str]:
    """The ids in what arrived as JSON of one object; NaN is not JSON (RFC 8259), and no filter matches it."""
    found: Counter[str] = Counter()
    for text in fake.messages():
        try:
            record = json.loads(text, parse_constant=_refuse)
            text.encode("utf-8")
        except (ValueError, UnicodeEncodeError):
            continue
        if record.get("event") == "egress":
            found[record["audit_id"]] += 1
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def count(sent: set[str], seen: Counter[str], outcome: Outcome) -> Outcome:
    outcome.sent, outcome.lost = len(sent), len(sent - set(seen))
    outcome.duplicates = seen.total() - len(seen)
    return outcome


@contextmanager
def service(row: Row, scale: Scale) -> Iterator[FakeLogs]:
    fake = FakeLogs(poison=f'"id-{scale.records // 2}.' if row.poison else None)
    if not row.late_start:
        with fake:
            outage(row, fake, scale)
            yield fake
        return
    with fake:  # takes a free port, and gives it back
        port = int(fake.url.rpartition(":")[2])
    late = FakeLogs(port=port)
    late._server = fake._server
    timer = threading.Timer(scale.outage_s, late.__enter__)
    timer.start()
    try:
        yield late
    finally:
        timer.join()
        late.__exit__(None, None, None)


def strictness(row: Row, action: str) -> AbstractContextManager[object]:
    if not row.strict and action == "error":
        return nullcontext()
    return warnings.catch_warnings(action="error" if row.strict else "ignore")


def run_ours(row: Row, scale: Scale, directory: Path) -> Outcome:
    """s3gate: journal, shipper, acknowledging client."""
    outcome = Outcome()
    sent: set[str] = set()
    journal = Journal.open(directory, "w1", KEY, 1 << 30)
    with service(row, scale) as fake, strictness(row, "error"):
        stop = threading.Event()
        letters = DeadLetters(journal.directory)
        client = open_logs_client(REGION, fake.url)
        sink = CloudWatchSink(
            client, fake.group, "w1", letters, create_group=True, backoff=Backoff(0.05, 0.5)
        )
        reader = JournalReader(journal.directory, lambda: journal.acknowledged_seq)
        shipper = Shipper(reader, sink, CursorFile(journal.directory), stop, interval_s=0.1)
        thread = threading.Thread(target=shipper.run, daemon=True)
        thread.start()
        for number in paced(scale, row):
            record = make_record(row, number, scale.records)
            try:
                asyncio.run(journal.append(record, Kind.DENY))
            except (ValueError, TypeError, JournalUnavailable):
                outcome.refused += 1
                continue
            sent.add(str(record["audit_id"]))
            if row.kill_thread and number == scale.records // 2:
                for queue in sink._handler.queues.values():
                    queue.put(sink._handler.END)
        deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
        while not row.hang and shipper.health().acknowledged_seq < journal.acknowledged_seq:
            assert time.monotonic() < deadline, f"not delivered in time: {shipper.health()}"
            pause.wait(0.05)
        began = time.monotonic()
        stop.set()
        thread.join(END_S)
        outcome.end_s = time.monotonic() - began
        seen = arrived(fake)
    kept = journal.directory / DEAD_LETTER
    if kept.exists():  # what CloudWatch never takes is on disk, with a stub in the stream
        seen.update(
            json.loads(json.loads(line)["message"])["audit_id"] for line in kept.read_text().splitlines()
        )
    journal.close()
    if row.hang:  # nothing was delivered and all of it is in the journal, for the next start
        seen = Counter(str(record["audit_id"]) for record in read_records(journal.directory))
    return count(sent, seen, outcome)


def run_plain(row: Row, scale: Scale) -> Outcome:
    """watchtower as its documentation shows it, sending each second."""
    outcome = Outcome()
    sent: set[str] = set()
    with service(row, scale) as fake, strictness(row, "ignore"):
        client = boto3.session.Session().client("logs", region_name=REGION, endpoint_url=fake.url)
        made = threading.Thread(target=_plain, args=(row, scale, fake, client, sent, outcome), daemon=True)
        made.start()
        made.join(scale.records / scale.rate + scale.outage_s + 3 * END_S)
        return count(sent, arrived(fake), outcome)


def _plain(row: Row, scale: Scale, fake: FakeLogs, client: Any, sent: set[str], outcome: Outcome) -> None:
    pause = threading.Event()
    try:
        handler = watchtower.CloudWatchLogHandler(
            log_group_name=fake.group, log_stream_name="w1", boto3_client=client, send_interval=1
        )
    except Exception:  # noqa: BLE001 - it does not start under this fault: what it was to record is gone
        sent.update(str(number) for number in range(scale.records))
        return
    logger = logging.Logger("plain")  # noqa: LOG001 - its own, so that no other handler sees the records
    logger.addHandler(handler)
    for number in paced(scale, row):
        record = make_record(row, number, scale.records)
        entry = logging.LogRecord("plain", logging.INFO, "", 0, record, None, None)
        entry.created = datetime.fromisoformat(str(record["time"])).timestamp()
        sent.add(str(record["audit_id"]))
        with suppress(RuntimeError):  # a `repr` that raises comes back to the caller
            logger.handle(entry)
        if row.kill_thread and number == scale.records // 2:
            for queue in handler.queues.values():
                queue.put(handler.END)
    pause.wait(2)
    began = time.monotonic()
    closing = threading.Thread(target=handler.close, daemon=True)
    closing.start()
    closing.join(END_S)
    outcome.end_s = time.monotonic() - began


WRITER = """
import asyncio, sys
from pathlib import Path
from s3gate.audit.journal import Journal, Kind
async def client(journal, out):
    while True:
        position = await journal.append({"event": "egress", "pad": "x" * 500}, Kind.DENY)
        out.write(b"%d\\n" % position.seq); out.flush()
async def main():
    journal = Journal.open(Path(sys.argv[1]), "w1", b"k" * 32, 1 << 30, segment_bytes=200000)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(client(journal, sys.stdout.buffer))
asyncio.run(main())
"""
TAILS = (b"", b'{"cut', b"\0" * 300, b"\xff\xfegarbage\nmore\n")


def numbers(directory: Path) -> set[object]:
    return {record["seq"] for record in read_records(directory / "w1")}


def kill_writer(scale: Scale, directory: Path) -> Outcome:
    """kill -9, again and again, with cut, garbage and zeroed tails; then everything is read back."""
    told: set[int] = set()
    for turn in range(scale.kills):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, env={**os.environ}
        ) as writer:
            assert writer.stdout is not None
            told.update(int(writer.stdout.readline()) for _ in range(20 + turn * 7 % 60))
            writer.kill()
            told.update(int(line) for line in writer.stdout.read().splitlines(True) if line.endswith(b"\n"))
        with list_segments(directory / "w1")[-1].path.open("ab") as file:
            file.write(TAILS[turn % len(TAILS)])
    journal = Journal.open(directory, "w1", KEY, 1 << 30)
    journal.close()
    kept = numbers(directory)
    return Outcome(sent=len(told), lost=len(told - kept))


def failing_disk(call: str, code: int, scale: Scale, directory: Path) -> Outcome:
    """A system call fails in the middle; what `append` returned before and after must be there."""
    outcome = Outcome()
    taken: set[int] = set()
    journal = Journal.open(directory, "w1", KEY, 1 << 30)

    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    for number in range(scale.records):
        broken = scale.records // 3 <= number < scale.records // 2
        with pytest.MonkeyPatch.context() as patch:
            if broken:
                patch.setattr(os, call, fail)
            try:
                position = asyncio.run(journal.append({"event": "egress"}, Kind.DENY))
            except JournalUnavailable:
                outcome.refused += 1
            else:
                taken.add(position.seq)
    journal.close()
    again = Journal.open(directory, "w1", KEY, 1 << 30)
    again.close()
    kept = numbers(directory)
    outcome.sent, outcome.lost = len(taken), len(taken - kept)
    return outcome


def second_writer(scale: Scale, directory: Path) -> Outcome:
    """A second writer on the same journal is refused, and the first one goes on."""
    outcome = Outcome()
    journal = Journal.open(directory, "w1", KEY, 1 << 30)
    for _ in range(scale.records):
        asyncio.run(journal.append({"event": "egress"}, Kind.DENY))
        try:
            Journal.open(directory, "w1", KEY, 1 << 30).close()
        except JournalUnavailable:
            outcome.refused += 1
    journal.close()
    outcome.sent, outcome.lost = scale.records, scale.records - len(numbers(directory))
    return outcome


JOURNAL: dict[str, Callable[[Scale, Path], Outcome]] = {
    "kill -9, cut, garbage and zeroed tails": kill_writer,
    "disk full (ENOSPC)": lambda scale, at: failing_disk("write", errno.ENOSPC, scale, at),
    "I/O error on write (EIO)": lambda scale, at: failing_disk("write", errno.EIO, scale, at),
    "I/O error on sync (EIO)": lambda scale, at: failing_disk("fdatasync", errno.EIO, scale, at),
    "read-only file system (EROFS)": lambda scale, at: failing_disk("write", errno.EROFS, scale, at),
    "a second writer": second_writer,
}

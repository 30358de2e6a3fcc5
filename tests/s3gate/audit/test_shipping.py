"""The shipping process, as a process: an order in, statuses out, records delivered, no way to hang."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.keeper import PACKAGE_ROOT
from s3gate.audit.mark import NAME as MARK
from s3gate.audit.order import Order, parse_status
from s3gate.audit.standing import NOT_STARTED

KEY = b"k" * 32
DEADLINE_S = 15.0


def fill(directory: Path, count: int, **fields: str) -> Journal:
    journal = Journal.open(directory, "w1", KEY, 1 << 24)

    async def append() -> None:
        for number in range(count):
            await journal.append({"event": "egress", "audit_id": str(number), **fields}, Kind.DENY)

    asyncio.run(append())
    return journal


@contextmanager
def shipping(first_line: bytes, *, credentials: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if credentials:
        own |= {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "invented"}
    process = subprocess.Popen(
        [sys.executable, "-m", "s3gate.audit.shipping"],
        env=own | {"PYTHONPATH": str(PACKAGE_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(first_line)
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def order(journal: Journal, fake: FakeLogs) -> Order:
    return Order(str(journal.directory.parent), "eu-west-1", fake.group, fake.url, 0)


def read_until(process: subprocess.Popen[bytes], seq: int, writer: str = "w1") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if parse_status(line).get(writer, NOT_STARTED).acknowledged_seq >= seq:
            return
    raise AssertionError("it ended before it had delivered")


def test_what_is_marked_is_delivered_and_the_end_of_input_ends_it(tmp_path: Path) -> None:
    journal = fill(tmp_path, 5)
    with FakeLogs() as fake, shipping(order(journal, fake).to_line()) as process:
        read_until(process, 5)
        for number in (signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
        asyncio.run(journal.append({"event": "egress", "audit_id": "5"}, Kind.DENY))
        read_until(process, 6)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
        assert [json.loads(text)["audit_id"] for text in fake.messages()] == ["0", "1", "2", "3", "4", "5"]
    assert CursorFile(journal.directory).load().seq == 6
    journal.close()


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.mark.usefixtures("no_credentials")
def test_what_waits_for_credentials_is_told_by_every_line_of_every_process(tmp_path: Path) -> None:
    """Each process ends within a second: one that began as if nothing waited kept the lag at zero for ever."""
    journal = fill(tmp_path, 5, time="2026-01-01T00:00:00Z")
    for _ in range(2):
        with (
            FakeLogs(faults=[Fault.ACCESS_DENIED] * 99) as fake,
            shipping(order(journal, fake).to_line(), credentials=False) as process,
        ):
            assert process.stdout is not None
            assert process.stderr is not None
            lines = [parse_status(line)["w1"] for line in process.stdout]
            error = process.stderr.read()
            assert (process.wait(DEADLINE_S), b"NoCredentialsError" in error) == (3, True), error
        assert lines
        assert all(one.oldest_unacknowledged_s > 3600 for one in lines), lines
        assert lines[-1].sink.last_error == "NoCredentialsError"
    journal.close()


def test_what_is_not_marked_stays(tmp_path: Path) -> None:
    journal = fill(tmp_path, 5)
    journal.close()
    (journal.directory / MARK).write_bytes(b"")
    with FakeLogs() as fake, shipping(order(journal, fake).to_line()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
        assert fake.messages() == []


def test_a_black_hole_does_not_hold_the_end(tmp_path: Path) -> None:
    journal = fill(tmp_path, 5)
    with FakeLogs(faults=[Fault.BLACK_HOLE] * 9) as fake, shipping(order(journal, fake).to_line()) as process:
        assert process.stdout is not None
        while len(fake.faults) == 9:
            process.stdout.readline()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0
    journal.close()


def test_nobody_listens_any_more(tmp_path: Path) -> None:
    journal = fill(tmp_path, 1)
    with FakeLogs() as fake, shipping(order(journal, fake).to_line()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 0
    journal.close()


@pytest.mark.parametrize("line", [b"", b"{}\n"])
def test_no_order_no_shipping(line: bytes) -> None:
    with shipping(line) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 1


def test_a_client_that_cannot_be_made_is_said() -> None:
    with shipping(Order("/nowhere", "eu-west-1", "/g", "no-url", 0).to_line()) as process:
        assert process.wait(DEADLINE_S) == 3
        assert process.stderr is not None
        assert b"client cannot be made" in process.stderr.read()

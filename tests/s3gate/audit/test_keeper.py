"""The keeper: one shipping process at a time, started again whenever it dies, ended in bounded time."""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit import keeper as keeper_module
from s3gate.audit.backoff import Backoff
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.keeper import ShipperKeeper
from s3gate.audit.order import Order

KEY = b"k" * 32
DEADLINE_S = 20.0
SOON = Backoff(0.01, 0.05)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")


def wait_until(reached: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        pause.wait(0.02)


def order(directory: Path, fake: FakeLogs | None = None) -> Order:
    return Order(str(directory), "eu-west-1", "/s3gate/audit", fake.url if fake else None, 0)


def append(journal: Journal, first: int, count: int) -> None:
    async def all_of_them() -> None:
        for number in range(first, first + count):
            await journal.append({"event": "egress", "audit_id": str(number)}, Kind.DENY)

    asyncio.run(all_of_them())


def test_a_killed_shipper_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    """Killed five times while records keep coming and CloudWatch fails now and then."""
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 24)
    with FakeLogs(faults=[Fault.RESET, Fault.NONE, Fault.ACCEPT_THEN_RESET, Fault.THROTTLE] * 3) as fake:
        keeper = ShipperKeeper(order(tmp_path, fake), backoff=SOON)
        for turn in range(5):
            append(journal, turn * 20, 20)
            wait_until(lambda turn=turn: len(set(fake.messages())) > turn * 20)  # type: ignore[misc]  # a default binds the turn
            pid = keeper.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: keeper.pid != pid)  # type: ignore[misc]  # a default binds the pid
        append(journal, 100, 1)
        wait_until(lambda: keeper.standing.health("w1", 101).acknowledged_seq == 101)
        assert keeper.standing.restarts >= 5
        keeper.close()
        arrived = [json.loads(text)["audit_id"] for text in fake.messages()]
        assert set(arrived) == {str(number) for number in range(101)}
    journal.close()


def test_a_black_hole_does_not_hold_the_end(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 24)
    append(journal, 0, 5)
    with FakeLogs(faults=[Fault.BLACK_HOLE] * 9) as fake:
        keeper = ShipperKeeper(order(tmp_path, fake))
        wait_until(lambda: len(fake.faults) < 9)
        pid = keeper.pid
        began = time.monotonic()
        keeper.close()
        assert time.monotonic() - began < 5
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    journal.close()


def test_credentials_that_come_later_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance whose role was attached late: boto3 looks once, so the process is started again."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 24)
    append(journal, 0, 5)
    with FakeLogs() as fake:
        keeper = ShipperKeeper(order(tmp_path, fake), backoff=SOON)
        wait_until(lambda: keeper.standing.restarts > 0)
        assert fake.messages() == []
        (tmp_path / "credentials").write_text("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
        wait_until(lambda: keeper.standing.health("w1", 5).acknowledged_seq == 5)
        keeper.close()
        assert len(fake.messages()) == 5
    journal.close()


def test_credentials_that_are_replaced_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of AWS something writes a new session into the file; boto3 has read the old one for good."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    session = "[default]\naws_access_key_id = {}\naws_secret_access_key = B\naws_session_token = T\n"
    (tmp_path / "credentials").write_text(session.format("FIRST"))
    journal = Journal.open(tmp_path / "audit", "w1", KEY, 1 << 24)
    append(journal, 0, 5)
    with FakeLogs() as fake:
        keeper = ShipperKeeper(order(tmp_path / "audit", fake), backoff=SOON)
        wait_until(lambda: keeper.standing.health("w1", 5).acknowledged_seq == 5)
        fake.expired = "FIRST"
        append(journal, 5, 5)
        wait_until(lambda: keeper.standing.restarts > 0)
        (tmp_path / "credentials").write_text(session.format("SECOND"))
        wait_until(lambda: keeper.standing.health("w1", 10).acknowledged_seq == 10)
        keeper.close()
        assert {json.loads(text)["audit_id"] for text in fake.messages()} == set(map(str, range(10)))
    journal.close()


def test_one_that_dies_at_once_is_told_and_tried_again(tmp_path: Path) -> None:
    keeper = ShipperKeeper(order(tmp_path), [sys.executable, "-c", "raise SystemExit(3)"], SOON)
    wait_until(lambda: keeper.standing.restarts > 2)
    assert "started again" in str(keeper.standing.health("w1", 0).error)
    keeper.close()


def test_one_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    keeper = ShipperKeeper(order(tmp_path), ["/nonexistent/shipper"], SOON)
    wait_until(lambda: keeper.standing.restarts > 2)
    assert "cannot be started" in str(keeper.standing.health("w1", 0).error)
    keeper.close()


def test_one_that_says_nothing_is_replaced_and_lag_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "SILENCE_S", 0.2)
    silent = "import sys; print('not a status', flush=True); sys.stdin.read()"
    keeper = ShipperKeeper(order(tmp_path), [sys.executable, "-c", silent], SOON)
    wait_until(lambda: keeper.standing.restarts > 1)
    assert keeper.standing.health("w1", 0).oldest_unacknowledged_s == 0
    assert keeper.standing.health("w1", 1).oldest_unacknowledged_s > 0
    keeper.close()


def test_one_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "END_S", 0.3)
    stubborn = "import threading; print('{}', flush=True); threading.Event().wait(60)"
    keeper = ShipperKeeper(order(tmp_path), [sys.executable, "-c", stubborn], SOON)
    wait_until(lambda: keeper.pid is not None)
    pid = keeper.pid
    keeper.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

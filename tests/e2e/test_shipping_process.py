"""The shipping process beside the real gate: it outlives a killed gate just long enough, and a killed one comes back."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs
from gate_process import SETTINGS, GateFiles, await_ports, stop

pytestmark = pytest.mark.e2e

PATIENCE_S = 20.0
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "invented"}


def gate(tmp_path: Path, fake: FakeLogs) -> GateFiles:
    where = f'{{region: eu-west-1, endpoint_url: "{fake.url}", log_group: {fake.group}}}'
    return GateFiles(tmp_path, settings=SETTINGS.replace("{enabled: false}", where), environment=KEYS)


def shippers(pid: int) -> list[int]:
    """The shipping processes below a process: children, or theirs."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            found += [child] if b"s3gate.audit.shipping" in command else shippers(child)
    return found


def wait_until(reached: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        pause.wait(0.05)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_a_killed_gate_leaves_no_shipper_behind_and_nothing_undelivered(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        process = gate(tmp_path, fake).start()
        await_ports(process)
        wait_until(lambda: bool(shippers(process.pid)))
        (shipper,) = shippers(process.pid)
        process.kill()
        process.wait(PATIENCE_S)
        assert process.stderr is not None
        process.stderr.close()
        wait_until(lambda: not running(shipper))
        assert {"policy", "heartbeat"} <= {json.loads(text)["event"] for text in fake.messages()}


def test_a_killed_shipper_comes_back_under_the_real_gate(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        process = gate(tmp_path, fake).start()
        await_ports(process)
        try:
            wait_until(lambda: bool(fake.messages()))
            (first,) = shippers(process.pid)
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: any(pid != first for pid in shippers(process.pid)))
        finally:
            code, _ = stop(process)
        assert code == 0
        events = [json.loads(text) for text in fake.messages()]
        assert any(one.get("last") for one in events), "the last heartbeat was delivered"

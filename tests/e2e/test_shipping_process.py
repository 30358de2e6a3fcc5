"""The shipping process beside the real gate: it outlives a killed gate just long enough, and a killed one comes back."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs, Fault
from gate_process import SETTINGS, GateFiles, ask, await_ports, stop
from s3gate.audit.reader import read_records

pytestmark = pytest.mark.e2e

PATIENCE_S = 20.0
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "invented"}


def gate(tmp_path: Path, fake: FakeLogs, workers: int = 1) -> GateFiles:
    where = f'{{region: eu-west-1, endpoint_url: "{fake.url}", log_group: {fake.group}}}'
    return GateFiles(
        tmp_path,
        settings=SETTINGS.replace("{enabled: false}", where) + f"workers: {workers}\n",
        environment=KEYS,
    )


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


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Grandchildren that are not shipping: forked by the fork server."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found: list[int] = []
    for child in children:
        found += map(int, Path(f"/proc/{child}/task/{child}/children").read_text().split())
    return found


def ready(health: int) -> dict[str, object]:
    state: dict[str, object] = json.loads(ask(health, "/readyz")[1])
    return state


def test_several_workers_have_one_shipper_and_their_ends_do_not_touch_it(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        process = gate(tmp_path, fake, workers=2).start()
        _, health, admin = await_ports(process)
        try:
            wait_until(lambda: ready(health)["shipping"] == "well")
            (shipper,) = shippers(process.pid)
            os.kill(workers_of(process)[0], signal.SIGKILL)
            wait_until(lambda: b"s3gate_worker_restarts 1.0" in ask(admin, "/metrics")[1])
            wait_until(lambda: ready(health)["workers"] == {"wanted": 2, "serving": 2, "silent": []})
            assert shippers(process.pid) == [shipper]
            os.kill(shipper, signal.SIGKILL)
            # What the page says meanwhile is told once a second, and the next one may be there sooner.
            wait_until(lambda: shippers(process.pid) not in ([], [shipper]))
            wait_until(lambda: ready(health)["shipping"] == "well")
        finally:
            code, _ = stop(process)
        assert code == 0
        assert len(fake.streams) == 2
        told = {(one["writer"], one["seq"]) for one in map(json.loads, fake.messages())}
    assert told == {(one["writer"], one["seq"]) for one in read_records(tmp_path / "audit")}


def test_what_a_killed_supervisor_and_its_workers_left_is_shipped_by_the_next_start(tmp_path: Path) -> None:
    """Three workers leave three journals; the next gate has one worker, and ships all of them."""
    with FakeLogs(faults=[Fault.UNAVAILABLE_503] * 500) as fake:
        process = gate(tmp_path, fake, workers=3).start()
        await_ports(process)
        (shipper,), workers = shippers(process.pid), workers_of(process)
        for pid in (process.pid, *workers, shipper):
            os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
        assert process.stderr is not None
        process.stderr.close()
        assert fake.messages() == []
    written = {(one["writer"], one["seq"]) for one in read_records(tmp_path / "audit")}
    assert len({writer for writer, _ in written}) == 3
    with FakeLogs() as fake:
        (tmp_path / "s3gate.yaml").unlink()
        process = gate(tmp_path, fake).start()
        await_ports(process)

        def arrived() -> set[object]:
            return {(one["writer"], one["seq"]) for one in map(json.loads, fake.messages())}

        try:
            wait_until(lambda: written <= arrived())
        finally:
            code, _ = stop(process)
    assert code == 0


def test_two_gates_on_one_directory_ship_each_journal_once(tmp_path: Path) -> None:
    """As in a rolling restart: what the first ships it ships alone, and the second takes over when it ends."""
    with FakeLogs() as fake:
        first = gate(tmp_path, fake).start()
        port = await_ports(first)[0]
        wait_until(lambda: bool(fake.messages()))
        files = gate(tmp_path, fake)
        files.environment = KEYS | {"S3GATE_LISTEN__PORT": str(port)}
        second = files.start()
        _, health, _ = await_ports(second)
        try:
            wait_until(lambda: len(fake.streams) == 2 and ready(health)["shipping"] == "well")
            assert stop(first)[0] == 0
        finally:
            code, _ = stop(second)
        assert code == 0
        arrived = [(one["writer"], one["seq"]) for one in map(json.loads, fake.messages())]
    written = {(one["writer"], one["seq"]) for one in read_records(tmp_path / "audit")}
    assert sorted(arrived) == sorted(written), "all of it, and nothing twice"

"""`s3gate run` with several workers: one port, one page, a journal for each."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gate_process import MANY_RULES, POLICY, SETTINGS, GateFiles, ask, await_ports, stop
from s3gate.audit.reader import list_writers, read_records

WORKERS = SETTINGS + "workers: 2\n"
SECONDS = 20.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def ready(health: int) -> dict[str, object]:
    state: dict[str, object] = json.loads(ask(health, "/readyz")[1])
    return state


def workers_of(process: subprocess.Popen[str]) -> set[int]:
    """The workers: grandchildren, forked by the fork server."""
    found = set()
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        found |= set(map(int, Path(f"/proc/{child}/task/{child}/children").read_text().split()))
    return found


def refused(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        return client.recv(4096)


def test_two_workers_serve_one_port_and_one_page(tmp_path: Path) -> None:
    process = GateFiles(tmp_path, settings=WORKERS).start()
    gate, health, admin = await_ports(process)
    try:
        assert ready(health)["workers"] == {"wanted": 2, "serving": 2, "silent": []}
        for _ in range(20):
            assert refused(gate).startswith(b"HTTP/1.1 403 HOST_NOT_LISTED\r\n")
        until(lambda: b"s3gate_connections 0.0" in ask(admin, "/metrics")[1])
        page = ask(admin, "/metrics")[1].decode()
        assert 's3gate_decisions_total{decision="deny",reason="HOST_NOT_LISTED"} 20.0' in page
        assert "s3gate_workers 2.0" in page
    finally:
        code, _ = stop(process)
    assert code == 0
    journals = [list(read_records(path)) for path in (tmp_path / "audit").iterdir()]
    assert len(journals) == 2
    for records in journals:
        events = [one["event"] for one in records]
        assert (events[0], events.count("selftest"), records[-1]["last"]) == ("policy", 1, True)
    told = [one["reason"] for records in journals for one in records if one["event"] == "egress"]
    assert told == ["HOST_NOT_LISTED"] * 20, "a self-test is nobody's refusal"


def test_workers_that_cannot_start_end_it_with_3(tmp_path: Path) -> None:
    files = GateFiles(tmp_path, settings=WORKERS.replace("ca.pem", "nowhere.pem"))
    code, text = files.run_to_end()
    assert code == 3
    assert "nowhere.pem" in text
    assert "Traceback" not in text


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"S3GATE_LISTEN__PORT": str(port), "S3GATE_WORKERS": "0"}
        code, text = GateFiles(tmp_path, environment=environment).run_to_end()
    assert (code, f"cannot listen on 127.0.0.1:{port}" in text) == (3, True), text


def test_a_hangup_brings_in_a_new_policy_and_refuses_a_broken_one(tmp_path: Path) -> None:
    process = GateFiles(tmp_path, settings=WORKERS).start()
    _, health, _ = await_ports(process)
    before, workers = ready(health)["policy"], workers_of(process)
    try:
        (tmp_path / "policy.yaml").write_text(POLICY.replace("allow:", "alow:"))
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert re.search(
            "the policy stays as it is; .*policy.yaml .* is refused: line 4", process.stderr.readline()
        )
        assert ready(health)["policy"] == before
        (tmp_path / "policy.yaml").write_text(POLICY.replace("good-bucket", "new-bucket"))
        process.send_signal(signal.SIGHUP)
        until(lambda: isinstance(ready(health)["policy"], str) and ready(health)["policy"] != before)
        after = ready(health)["policy"]
        assert workers_of(process) == workers, "each took it in its place"
    finally:
        code, _ = stop(process)
    assert code == 0
    for path in list_writers(tmp_path / "audit"):
        told = [one for one in read_records(path) if one["event"] == "policy"]
        assert [(one["before"], one["policy"]) for one in told] == [
            (None, before), (before, before), (before, after),
        ]  # fmt: skip
        assert "refused: line 4" in str(told[1]["source"])
        assert told[2]["source"] == f"{tmp_path / 'policy.yaml'} ({after})"


@pytest.mark.parametrize("policy", [POLICY, MANY_RULES], ids=["1 rule", "10,000 rules"])
def test_a_killed_worker_is_replaced_within_two_seconds(tmp_path: Path, policy: str) -> None:
    process = GateFiles(tmp_path, settings=WORKERS, policy=policy).start()
    gate, health, admin = await_ports(process)
    try:
        victim = min(workers_of(process))
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        until(lambda: b"s3gate_worker_restarts 1.0" in ask(admin, "/metrics")[1])
        until(lambda: ready(health)["workers"] == {"wanted": 2, "serving": 2, "silent": []})
        assert time.monotonic() - began < 2
        assert refused(gate).startswith(b"HTTP/1.1 403 ")
    finally:
        code, _ = stop(process)
    assert code == 0

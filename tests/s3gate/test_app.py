"""The running gate tells its health: ready, its policy, its counters."""

import json
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles, await_ports, stop
from s3gate.app import CannotStart, load_policy
from s3gate.policy.mistake import DocumentErrors


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_health_and_admin_answer_while_the_gate_serves(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    _, health, admin = await_ports(process)
    try:
        assert ask(health, "/livez") == (200, b"alive\n")
        status, body = ask(health, "/readyz")
        state = json.loads(body)
        assert (status, state["ready"], state["journal"]) == (200, True, "writable")
        assert state["policy"].startswith("sha256:")
        assert ask(health, "/metrics")[0] == 404, "counters are for the operator, not for the balancer"
        status, body = ask(admin, "/metrics")
        assert (status, b"s3gate_journal_seq 1.0" in body) == (200, True)
    finally:
        code, _ = stop(process)
    assert code == 0


def test_a_health_address_in_use_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = SETTINGS.replace(
            "health: {host: 127.0.0.1, port: 0}", f"health: {{host: 127.0.0.1, port: {port}}}"
        )
        code, text = GateFiles(tmp_path, settings=settings).run_to_end()
    assert (code, "for health" in text) == (3, True), text


def test_a_policy_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    with pytest.raises(CannotStart, match="cannot be read"):
        load_policy(path)
    path.write_text("version: 1\n")
    with pytest.raises(DocumentErrors):
        load_policy(path)

"""The running gate tells its health: ready, its policy, its counters."""

import json
import socket
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs
from gate_process import SETTINGS, GateFiles, await_ports, stop
from s3gate.app import CannotStart, load_policy
from s3gate.audit.reader import read_records
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
        assert (status, b"s3gate_journal_seq 2.0" in body) == (200, True)
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


def test_the_journal_begins_with_the_policy_and_ends_with_the_last_heartbeat(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    _, health, _ = await_ports(process)
    state = json.loads(ask(health, "/readyz")[1])
    assert (state["shipping"], state["shipper_lag_s"]) == ("off", None)
    code, _ = stop(process)
    assert code == 0
    records = list(read_records(tmp_path / "audit"))
    assert [(one["event"], one.get("last")) for one in records] == [
        ("policy", None),
        ("heartbeat", False),
        ("heartbeat", True),
    ]
    assert records[1]["heads"] == [{"writer": records[0]["writer"], "seq": 1, "hash": records[0]["hash"]}]


def test_what_the_journal_holds_is_shipped_by_a_process_of_its_own(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        settings = SETTINGS.replace(
            "{enabled: false}", f'{{region: eu-west-1, endpoint_url: "{fake.url}", log_group: {fake.group}}}'
        )
        keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "invented"}
        process = GateFiles(tmp_path, settings=settings, environment=keys).start()
        await_ports(process)
        began = time.monotonic()
        code, _ = stop(process)
        assert code == 0
        assert time.monotonic() - began < 10
        events = [json.loads(text)["event"] for text in fake.messages()]
    assert events == ["policy", "heartbeat", "heartbeat"], "also what was written at the very end"


def test_a_start_without_shipping_says_that_the_journal_will_fill(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    assert process.stderr is not None
    assert "CloudWatch is off" in process.stderr.readline()
    await_ports(process)
    assert stop(process)[0] == 0

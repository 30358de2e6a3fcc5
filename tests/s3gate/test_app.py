"""The running gate tells its health: ready, its policy, its counters."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs
from gate_process import MANY_RULES, POLICY, SETTINGS, GateFiles, ask, await_ports, stop
from s3gate.audit.reader import read_records


def test_health_and_admin_answer_while_the_gate_serves(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    _, health, admin = await_ports(process)
    try:
        assert ask(health, "/livez") == (200, b"alive\n")
        status, body = ask(health, "/readyz")
        state = json.loads(body)
        assert (status, state["ready"], state["journal"]) == (200, True, "writable")
        assert (state["selftest"], state["workers"]["serving"]) == ("refused", 1)
        assert state["policy"].startswith("sha256:")
        assert ask(health, "/metrics")[0] == 404, "counters are for the operator, not for the balancer"
        status, body = ask(admin, "/metrics")
        assert (status, b"s3gate_journal_seq 3.0" in body) == (200, True)
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
        ("selftest", None),
        ("heartbeat", True),
    ]
    assert records[1]["heads"] == [{"writer": records[0]["writer"], "seq": 1, "hash": records[0]["hash"]}]
    assert (records[2]["decision"], records[2]["reason"]) == ("deny", "BUCKET_NOT_LISTED")
    assert records[3]["counts"] == {}, "nobody was refused"


def test_what_is_in_monitor_mode_is_told_at_the_start(tmp_path: Path) -> None:
    text = "mode: monitor\nuntil: 2999-12-31\n"
    process = GateFiles(tmp_path, policy=POLICY + text).start()
    await_ports(process)
    code, _ = stop(process)
    assert code == 0
    (told,) = [one for one in read_records(tmp_path / "audit") if one["event"] == "monitor"]
    assert (told["watched"], told["whole_until"], told["rules"]) == (1, "2999-12-31", [])


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
    assert events == ["policy", "heartbeat", "selftest", "heartbeat"], "also what was written at the very end"


def test_a_start_without_shipping_says_that_the_journal_will_fill(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    assert process.stderr is not None
    assert "CloudWatch is off" in process.stderr.readline()
    await_ports(process)
    assert stop(process)[0] == 0


def test_a_start_that_lets_a_forbidden_request_through_ends_with_3(tmp_path: Path) -> None:
    """The process of a gate whose judge lets everything pass: it says so, and never listens."""
    main = tmp_path / "broken.py"
    main.write_text(
        "from s3gate.policy import decide\n"
        "from s3gate.policy.decision import Decision, Reason\n"
        "from s3gate.policy.reading import NOTHING_READ\n"
        "decide.decide_request = lambda *_: Decision(Reason.ALLOWED_BY_RULE, 'x', NOTHING_READ)\n"
        "from s3gate.cli import main\n"
        "main()\n"
    )
    files = GateFiles(tmp_path)
    command = [sys.executable, str(main), "run", "--config", str(files.write())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    assert "s3gate: not started: the self-test found no request that this policy refuses" in done.stderr
    assert "listening" not in done.stderr


def get_often(port: int, stop: threading.Event, seen: list[int]) -> None:
    """A load balancer's health check, only faster."""
    while not stop.is_set():
        with contextlib.suppress(OSError):
            seen.append(ask(port, "/readyz")[0])
        stop.wait(0.05)


def test_who_asks_regularly_hears_that_the_gate_leaves_before_it_closes(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    gate, health, _ = await_ports(process)
    over, seen = threading.Event(), list[int]()
    checker = threading.Thread(target=get_often, args=(health, over, seen))
    checker.start()
    try:
        deadline = time.monotonic() + 10
        while seen.count(200) < 2:
            assert time.monotonic() < deadline
            over.wait(0.01)
        code, _ = stop(process)
    finally:
        over.set()
        checker.join()
    assert code == 0
    assert seen.count(503) >= 3, seen
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", gate), 5)


def test_two_gates_share_a_directory_each_with_its_own_journal(tmp_path: Path) -> None:
    """As in a rolling restart; what is free again is taken up by the next."""
    first = GateFiles(tmp_path).start()
    port = await_ports(first)[0]
    second = GateFiles(tmp_path, environment={"S3GATE_LISTEN__PORT": str(port)}).start()
    assert await_ports(second)[0] == port
    assert stop(first)[0] == 0
    third = GateFiles(tmp_path).start()
    await_ports(third)
    assert stop(second)[0] == stop(third)[0] == 0
    directories = sorted((tmp_path / "audit").iterdir())
    assert len(directories) == 2
    ends = [sum(bool(one.get("last")) for one in read_records(path)) for path in directories]
    assert ends == [2, 1]


def test_ten_thousand_rules_fit_into_what_a_worker_may_take(tmp_path: Path) -> None:
    """The policy itself, without the tree that it was read from."""
    process = GateFiles(tmp_path, policy=MANY_RULES).start()
    try:
        await_ports(process)
        status = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        code, _ = stop(process)
    (kibibytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    assert code == 0
    assert int(kibibytes) < 120 * 1024

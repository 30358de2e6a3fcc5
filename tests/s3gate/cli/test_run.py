"""`s3gate run` starts with everything in place, ends cleanly, and otherwise says what is wrong."""

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles, await_port, stop
from s3gate.audit.reader import list_writers, read_records
from s3gate.proxy.authority import CA_DAYS, Authority


def test_it_listens_and_ends_with_zero_after_sigterm(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    port = await_port(process)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 403 HOST_NOT_LISTED\r\n")
    code, rest = stop(process)
    assert (code, rest) == (0, "s3gate: ended\n")
    (writer,) = list_writers(tmp_path / "audit")
    records = list(read_records(writer))
    assert [one["event"] for one in records] == [
        "policy",
        "heartbeat",
        "selftest",
        "egress",
        "heartbeat",
    ]
    assert records[3]["reason"] == "HOST_NOT_LISTED"


def test_a_variable_replaces_a_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = GateFiles(tmp_path, environment={"S3GATE_LISTEN__PORT": str(port)}).run_to_end()
    assert code == 3
    assert f"cannot listen on 127.0.0.1:{port}" in text


Spoil = Callable[[GateFiles], None]


def bad_policy(files: GateFiles) -> None:
    files.policy = files.policy.replace("good-bucket", "Good-Bucket").replace("allow:", "alow:")


def bad_settings(files: GateFiles) -> None:
    files.settings = SETTINGS.replace("listen:", "lisen:")


def unsupported(files: GateFiles) -> None:
    files.settings = SETTINGS + "reload: later\n"


def no_policy(files: GateFiles) -> None:
    files.settings = SETTINGS.replace("policy.yaml", "nowhere.yaml")


def no_ca(files: GateFiles) -> None:
    files.settings = SETTINGS.replace("ca.pem", "nowhere.pem")


def foreign_ca(files: GateFiles) -> None:
    GateFiles(files.directory / "other").write()
    (files.directory / "ca.key").write_bytes((files.directory / "other" / "ca.key").read_bytes())


def short_key(files: GateFiles) -> None:
    (files.directory / "audit.key").write_bytes(b"short")


def no_key(files: GateFiles) -> None:
    files.settings = SETTINGS.replace("audit.key", "nowhere.key")


def no_roots(files: GateFiles) -> None:
    files.settings = SETTINGS + "upstream: {ca_bundle: nowhere.pem}\n"


def roots_that_are_none(files: GateFiles) -> None:
    files.settings = SETTINGS + "upstream: {ca_bundle: policy.yaml}\n"


def ended_ca(files: GateFiles) -> None:
    ended = Authority.generate(datetime.now(UTC) - timedelta(days=CA_DAYS + 1))
    (files.directory / "ca.pem").write_bytes(ended.certificate_pem())
    (files.directory / "ca.key").write_bytes(ended.private_key_pem())


def audit_is_a_file(files: GateFiles) -> None:
    (files.directory / "audit").write_bytes(b"")


PEOPLE = "clients: {people: {users: [alice]}}\n"


def users_with_a_mistake(files: GateFiles) -> None:
    files.settings = SETTINGS + "users: users\n"
    (files.directory / "users").write_text("alice:plain-text-secret\n")


def no_users(files: GateFiles) -> None:
    files.settings = SETTINGS + "users: nowhere\n"


def users_that_nobody_checks(files: GateFiles) -> None:
    files.policy += PEOPLE


def no_region(files: GateFiles) -> None:
    files.settings = SETTINGS.replace("enabled: false", "enabled: true")


BAD: list[tuple[str, Spoil, int, str]] = [
    ("policy with mistakes", bad_policy, 2, "good-bucket"),
    ("settings with a mistake", bad_settings, 2, "listen"),
    ("a setting of later", unsupported, 2, "not supported yet"),
    ("no policy", no_policy, 3, "nowhere.yaml"),
    ("no ca", no_ca, 3, "nowhere.pem"),
    ("the key of another ca", foreign_ca, 3, "does not belong"),
    ("an ended ca", ended_ca, 3, "the CA ended on"),
    ("a short audit key", short_key, 3, "32 bytes"),
    ("no audit key", no_key, 3, "openssl rand -hex 32 >"),
    ("no roots", no_roots, 3, "nowhere.pem` cannot be read"),
    ("roots that are none", roots_that_are_none, 3, "`upstream.ca_bundle`"),
    ("no audit directory", audit_is_a_file, 3, "audit"),
    ("a hash that is none", users_with_a_mistake, 2, "users:1:7: what stands behind user `alice`"),
    ("no users file", no_users, 2, "nowhere` cannot be read"),
    ("a policy that asks", users_that_nobody_checks, 2, "client group `people` has users"),
    ("no region to ship to", no_region, 2, "region"),
]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("name", "spoil", "code", "told"), BAD, ids=[row[0].replace(" ", "-") for row in BAD]
)
def test_it_does_not_start_and_says_why(
    tmp_path: Path, name: str, spoil: Spoil, code: int, told: str, workers: str
) -> None:
    files = GateFiles(tmp_path, environment={"S3GATE_WORKERS": workers})
    spoil(files)
    ended, text = files.run_to_end()
    assert (ended, told in text) == (code, True), text
    assert "Traceback" not in text
    assert "not started" in text
    assert "plain-text-secret" not in text


def test_all_that_is_missing_is_told_in_one_start(tmp_path: Path) -> None:
    names = ("policy.yaml", "ca.pem", "ca.key", "audit.key")
    files = GateFiles(tmp_path)
    files.write()
    for name in names:
        (tmp_path / name).unlink()
    command = [sys.executable, "-m", "s3gate", "run", "--config", str(tmp_path / "s3gate.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert [any(name in line for line in lines) for name in names] == [True] * 4, lines
    assert all(line.startswith("s3gate: not started: ") for line in lines), lines


def test_a_secret_that_others_may_read_is_told_and_the_gate_starts(tmp_path: Path) -> None:
    files = GateFiles(tmp_path)
    files.write()
    (tmp_path / "audit.key").chmod(0o644)
    process = files.start()
    assert process.stderr is not None
    assert "`audit.hmac_key` (mode 0644): chmod 600" in process.stderr.readline()
    await_port(process)
    assert stop(process)[0] == 0


def test_a_damaged_journal_stops_the_start(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    await_port(process)
    stop(process)
    (writer,) = list_writers(tmp_path / "audit")
    segment = next(writer.glob("*.jsonl"))
    data = segment.read_bytes()
    segment.write_bytes(b"x" + data[1:] + data)
    code, text = GateFiles(tmp_path).run_to_end()
    assert code == 3, text
    assert writer.name in text

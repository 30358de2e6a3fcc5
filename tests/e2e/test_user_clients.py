"""The real awscli, boto3 and curl give a password to `s3gate run`: what passes, and what a wrong one reads like."""

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import bcrypt
import pytest

from drive.wait import SECONDS
from gate_process import SETTINGS, GateFiles, await_port, stop

pytestmark = pytest.mark.e2e

AWS = Path(sys.executable).parent / "aws"
PATIENCE_S = 90.0  # awscli takes a second to start on an idle machine, and tries a refused proxy again
REFUSED_S = 30.0  # what a user with a wrong password waits at most, on a busy machine
PASSWORD = "p@ss:w/rd #1?%+"  # everything that an URL would take for its own
POLICY = """\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
clients:
  people: {users: [alice]}
rules:
  - {id: theirs, bucket: theirs, allow: [read], clients: [people], accounts: ["999999999999"]}
"""
# The gate has no upstream here: whoever is let in reaches the list, which refuses the signer's account.
LET_IN, KEPT_OUT = "ACCOUNT_NOT_ALLOWED", "PROXY_AUTH_REQUIRED"
HOST = "theirs.s3.eu-west-1.amazonaws.com"


@dataclass
class Running:
    """A gate with users, and its clients."""

    files: GateFiles
    process: subprocess.Popen[str]
    port: int

    def proxy(self, user: str = "alice", password: str = PASSWORD) -> str:
        return f"http://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{self.port}"

    def run(self, proxy: str, *argv: str) -> tuple[int, str]:
        """Exit code and everything printed by a client behind a proxy."""
        environment = {
            "PATH": os.environ["PATH"],
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "AWS_CA_BUNDLE": str(self.files.directory / "ca.pem"),
            "CURL_CA_BUNDLE": str(self.files.directory / "ca.pem"),
            "AWS_ACCESS_KEY_ID": "AKIAY34FZKBOKMUTVV7A",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(self.files.directory),
            "PYTHONWARNINGS": "ignore",
        }
        done = subprocess.run(argv, env=environment, capture_output=True, timeout=PATIENCE_S, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def curl(self, proxy: str, *more: str) -> tuple[int, str]:
        return self.run(proxy, "curl", "-sS", "-i", f"https://{HOST}/k", *more)

    def records(self) -> list[dict[str, object]]:
        """Decisions in the journal."""
        lines = [
            json.loads(line)
            for path in sorted((self.files.directory / "audit").rglob("*.jsonl"))
            for line in path.read_bytes().splitlines()
        ]
        return [one for one in lines if one["event"] == "egress"]

    def told(self) -> Counter[tuple[object, object]]:
        """How often which reason was recorded for which user."""
        return Counter((one["reason"], one["client"]["user"]) for one in self.records())  # type: ignore[index] # an object


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Running]:
    files = GateFiles(tmp_path / "gate", settings=SETTINGS + "users: users\n", policy=POLICY)
    files.directory.mkdir()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10, b"2a")).decode().replace("$2a$", "$2y$")
    (files.directory / "users").write_text(f"alice:{hashed}\n")
    process = files.start()
    try:
        yield Running(files, process, await_port(process))
    finally:
        if process.poll() is None:
            stop(process)


def test_curl_with_the_password_in_the_url(gate: Running) -> None:
    code, text = gate.curl(gate.proxy())
    assert code == 0, text
    assert f"x-s3gate-reason: {LET_IN}" in text
    assert gate.told() == {(LET_IN, "alice"): 1}


@pytest.mark.parametrize("choose", [["--proxy-basic"], ["--proxy-anyauth"]], ids=["at once", "when asked"])
def test_curl_with_proxy_user(gate: Running, choose: list[str]) -> None:
    code, text = gate.curl(f"http://127.0.0.1:{gate.port}", *choose, "--proxy-user", f"alice:{PASSWORD}")
    assert code == 0, text
    assert f"x-s3gate-reason: {LET_IN}" in text
    assert gate.told()[LET_IN, "alice"] == 1
    assert gate.told()[KEPT_OUT, None] == (1 if "--proxy-anyauth" in choose else 0)


def test_curl_is_told_what_is_missing_or_wrong(gate: Running) -> None:
    code, text = gate.curl(f"http://127.0.0.1:{gate.port}")
    assert code == 56
    assert "HTTP/1.1 407 PROXY_AUTH_REQUIRED" in text
    assert 'Basic realm="s3gate", charset="UTF-8"' in text
    assert "response 407" in text
    assert gate.curl(gate.proxy(password="wrong"))[0] == 56
    assert gate.curl(gate.proxy(user="nobody"))[0] == 56
    assert gate.told() == {(KEPT_OUT, None): 2, (KEPT_OUT, "alice"): 1}


def aws(gate: Running, proxy: str, *more: str) -> tuple[int, str]:
    return gate.run(proxy, str(AWS), "s3api", "head-bucket", "--bucket", "theirs", *more)


def test_awscli(gate: Running) -> None:
    code, text = gate.run(
        gate.proxy(), str(AWS), "s3api", "get-object", "--bucket", "theirs", "--key", "k", "out"
    )
    assert code != 0
    assert "(AccessDenied) when calling the GetObject operation: s3gate: " in text
    assert f"({LET_IN})" in text
    assert gate.told() == {(LET_IN, "alice"): 1}


def test_awscli_with_a_wrong_password_ends_soon_and_shows_no_password(gate: Running) -> None:
    began = time.monotonic()
    code, text = aws(gate, gate.proxy(password="wrong-and-secret"))
    took = time.monotonic() - began
    assert code != 0
    assert "Failed to connect to proxy URL" in text
    assert "wrong-and-secret" not in text
    told = gate.told()
    print(f"awscli, wrong password: {told[KEPT_OUT, 'alice']} tries in {took:.1f} s; {text.strip()}")
    assert set(told) == {(KEPT_OUT, "alice")}
    assert told[KEPT_OUT, "alice"] <= 5, "as often as it tries any proxy that refuses"
    assert took < REFUSED_S
    code, text = aws(gate, gate.proxy(password="wrong-and-secret"), "--debug")
    assert "407 PROXY_AUTH_REQUIRED" in text, "the reason stands in its debug output"


BOTO3 = """
import boto3, sys
s3 = boto3.client("s3")
try:
    s3.get_object(Bucket="theirs", Key="k")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_boto3(gate: Running) -> None:
    code, text = gate.run(gate.proxy(), sys.executable, "-c", BOTO3)
    assert code == 0, text
    assert f"({LET_IN})" in text
    code, text = gate.run(gate.proxy(password="wrong-and-secret"), sys.executable, "-c", BOTO3)
    assert text.startswith("ProxyConnectionError"), text
    assert "wrong-and-secret" not in text


def test_nothing_of_a_password_reaches_the_disk_or_the_log(gate: Running) -> None:

    gate.curl(gate.proxy())
    gate.curl(gate.proxy(password="wrong-and-secret"))
    gate.curl(gate.proxy(user="wrong-and-secret", password="x"))
    _, text = stop(gate.process)
    data = b"".join(
        one.read_bytes() for one in gate.files.directory.rglob("*") if one.is_file() and one.name != "users"
    )
    for secret in (PASSWORD, "wrong-and-secret", f"alice:{PASSWORD}", "alice:wrong-and-secret"):
        for form in (secret.encode(), b64encode(secret.encode()), quote(secret, safe="").encode()):
            assert form not in data
            assert form not in text.encode()
    assert b"$2y$" not in data


def test_a_user_who_is_deleted_is_out_within_seconds(gate: Running) -> None:
    assert gate.curl(gate.proxy())[0] == 0
    (gate.files.directory / "users").write_text("# nobody\n")
    until = time.monotonic() + 4 * SECONDS
    while gate.curl(gate.proxy())[0] == 0:
        assert time.monotonic() < until
    assert gate.told()[KEPT_OUT, None] >= 1

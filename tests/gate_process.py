"""`s3gate run` as a process of its own, with its files in a directory."""

import os
import re
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from s3gate.proxy.authority import Authority

START_S = 20.0
SECRET, PUBLIC = 0o600, 0o644  # permissions
POLICY = """\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules:
  - {id: data, bucket: good-bucket, allow: [read, write, list, delete]}
"""
MANY_RULES = POLICY + "".join(
    f"  - {{id: r{number}, bucket: example-bucket-{number}, allow: [read, list], keys: [in/*]}}\n"
    for number in range(10_000)
)
SETTINGS = """\
listen: {host: 127.0.0.1, port: 0}
policy: policy.yaml
ca: {certificate: ca.pem, private_key: ca.key}
audit: {directory: audit, hmac_key: audit.key}
cloudwatch: {enabled: false}
health: {host: 127.0.0.1, port: 0}
admin: {host: 127.0.0.1, port: 0}
"""


@dataclass
class GateFiles:
    """A directory with everything that `s3gate run` needs."""

    directory: Path
    settings: str = SETTINGS
    policy: str = POLICY
    environment: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()  # words of a command that becomes the gate

    def write(self) -> Path:
        """Write what is not there; returns the settings file."""
        self.directory.mkdir(parents=True, exist_ok=True)
        authority = Authority.generate(datetime.now(UTC))
        for name, data in (
            ("ca.pem", authority.certificate_pem()),
            ("ca.key", authority.private_key_pem()),
            ("audit.key", secrets.token_hex(32).encode()),
            ("policy.yaml", self.policy.encode()),
            ("s3gate.yaml", self.settings.encode()),
        ):
            if not (self.directory / name).exists():
                (self.directory / name).touch(SECRET if name.endswith(".key") else PUBLIC)
                (self.directory / name).write_bytes(data)
        return self.directory / "s3gate.yaml"

    def start(self) -> subprocess.Popen[str]:
        """The process, just started."""
        command = [*self.before, sys.executable, "-m", "s3gate", "run", "--config", str(self.write())]
        own = {name: value for name, value in os.environ.items() if not name.startswith("S3GATE_")}
        return subprocess.Popen(command, env=own | self.environment, stderr=subprocess.PIPE, text=True)

    def run_to_end(self) -> tuple[int, str]:
        """Exit code and standard error of a start that must fail."""
        process = self.start()
        try:
            return process.wait(START_S), process.communicate()[1]
        finally:
            process.kill()


def await_ports(process: subprocess.Popen[str]) -> tuple[int, int, int]:
    """The ports that its first lines tell: gate, health, admin."""
    assert process.stderr is not None
    found: list[int] = []
    for line in process.stderr:
        found += [int(port) for port in re.findall(r" on 127\.0\.0\.1:(\d+)", line)]
        if len(found) == 3:
            return found[0], found[1], found[2]
    raise AssertionError(f"ended with {process.wait(START_S)} before it listened")


def await_port(process: subprocess.Popen[str]) -> int:
    """The port of the gate, once it listens."""
    return await_ports(process)[0]


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """SIGTERM; its exit code and the rest of its standard error."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(START_S), process.stderr.read() if process.stderr else ""
    finally:
        process.kill()
        if process.stderr:
            process.stderr.close()


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of one of its pages."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()

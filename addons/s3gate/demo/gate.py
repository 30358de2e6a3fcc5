"""s3gate itself as the demo runs it: its files in a directory, `s3gate run` as a process.

The files are those of any gate: settings, policy, CA, key of the audit's chain. Only what
points at the emulated AWS differs from a real one: name servers, upstream networks, port
and trust, and the endpoint of CloudWatch Logs.
"""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from s3gate.demo.certificates import KeyPair
from s3gate.demo.child import Child, Served, answers

START_TIMEOUT_S: Final = 20.0
"""Seconds until the gate must be ready (about 1.5 when the machine is idle)."""

SETTINGS: Final = """\
listen: {{host: 127.0.0.1, port: {port}}}
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{dns_port}"]}}
upstream: {{networks: ["127.0.0.0/8"], ca_bundle: {origin_ca}, port: {origin_port}}}
audit: {{directory: audit, hmac_key: audit.key}}
cloudwatch: {{region: {region}, log_group: {log_group}, endpoint_url: "{logs_url}"}}
health: {{host: 127.0.0.1, port: {health_port}}}
admin: {{host: 127.0.0.1, port: {admin_port}}}
"""
"""The settings file, s3gate.yaml; its keys are those of config/s3gate.yaml."""


class GateError(RuntimeError):
    """The gate does not start; the text has its last line."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the gate is pointed at.

    Args:
        region: of the log group.
        log_group: where records are shipped.
        logs_url: endpoint of CloudWatch Logs.
        dns_port: of the name server on 127.0.0.1.
        origin_port: of the TLS front.
        origin_ca: PEM file that proves the TLS front.
        credentials: variables with the gate's own AWS credentials.
    """

    region: str
    log_group: str
    logs_url: str
    dns_port: int
    origin_port: int
    origin_ca: Path
    credentials: dict[str, str]


class Gate(Served):
    """The process; `with Gate(directory, ports, policy, authority, around) as gate:` runs it.

    Args:
        directory: takes its files, its journal and its log.
        ports: three free ports on 127.0.0.1: proxy, health, admin.
        policy: text of the policy file.
        authority: its CA.
        around: what it is pointed at.
    """

    def __init__(
        self,
        directory: Path,
        ports: tuple[int, int, int],
        policy: str,
        authority: KeyPair,
        around: Surroundings,
    ) -> None:
        self.directory = directory
        self.port, self._health_port, self._admin_port = ports
        self._policy = policy
        self._authority = authority
        self._around = around

    @property
    def audit_directory(self) -> Path:
        """Where its journal lies."""
        return self.directory / "audit"

    @property
    def url(self) -> str:
        """What clients set as HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Write its files, start it and wait until it is ready.

        Raises:
            GateError: it ended, or was not ready in time.
        """
        self._write_files()
        command = [sys.executable, "-m", "s3gate", "run", "--config", str(self.directory / "s3gate.yaml")]
        child = self._child = Child(command, self._environment(), self.directory / "s3gate.log")
        if not child.wait_ready(lambda: answers(self._health_port, "/readyz"), START_TIMEOUT_S):
            self.stop()
            raise GateError(f"s3gate was not ready within {START_TIMEOUT_S:.0f} s: {child.last_line}")

    def wait_ended(self, seconds: float | None) -> bool:
        """Wait for it to end by itself, for so many seconds at most; whether it has ended."""
        return self._child is None or self._child.wait_ended(seconds)

    def _write_files(self) -> None:
        around = self._around
        settings = SETTINGS.format(
            port=self.port,
            health_port=self._health_port,
            admin_port=self._admin_port,
            dns_port=around.dns_port,
            origin_port=around.origin_port,
            origin_ca=around.origin_ca,
            region=around.region,
            log_group=around.log_group,
            logs_url=around.logs_url,
        )
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "s3gate.yaml").write_text(settings)
        (self.directory / "policy.yaml").write_text(self._policy)
        (self.directory / "ca.pem").write_bytes(self._authority.certificate)
        for name, secret in (("ca.key", self._authority.private_key), ("audit.key", secrets.token_bytes(32))):
            descriptor = os.open(self.directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secret)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours but PATH and where this package lies."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "HOME": str(self.directory),
            "AWS_CA_BUNDLE": str(self._around.origin_ca),
            **self._around.credentials,
        }

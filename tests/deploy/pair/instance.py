"""One instance of the gate: its directory, which outlives its processes, and all of these at once."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.pair.balancer import ADDRESS, Target
from gate_process import GateFiles, await_ports
from s3gate.audit.reader import read_records

END_S = 60.0  # under TimeoutStopSec of the service; nobody here has a transfer that lasts
COMMAND_S = 30.0
SETTINGS = """\
listen: {{host: 127.0.0.1, port: 0, proxy_protocol: v2, trusted_proxies: [{balancer}/32]}}
workers: 2
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{dns}"], timeout_s: 10}}
upstream: {{networks: [127.0.0.0/8], ca_bundle: ../s3.pem, port: {s3}}}
audit: {{directory: audit, hmac_key: audit.key}}
cloudwatch: {{enabled: false}}
health: {{host: 127.0.0.1, port: 0}}
admin: {{host: 127.0.0.1, port: 0}}
limits: {{idle_s: {idle_s}}}
"""
Process = subprocess.Popen[str]


@dataclass
class Instance:
    """What an instance in one zone is.

    Args:
        directory: its disk.
        policy: that it begins with.
        ca: certificate and key that it begins with, PEM.
        surroundings: ports and times for `SETTINGS`.
        target: where it listens now.
        admin: where its counters are.
    """

    directory: Path
    policy: str
    ca: tuple[bytes, bytes]
    surroundings: dict[str, object]
    process: Process | None = None
    target: Target = field(default_factory=lambda: Target(0, 0))
    admin: int = 0

    def write(self) -> None:
        """Its disk, before its first start."""
        self.directory.mkdir()
        self.give_ca(*self.ca)
        GateFiles(self.directory, SETTINGS.format(balancer=ADDRESS, **self.surroundings), self.policy).write()

    def give_ca(self, certificate: bytes, key: bytes) -> None:
        """Another CA, for its next start."""
        (self.directory / "ca.pem").write_bytes(certificate)
        (self.directory / "ca.key").write_bytes(key)

    async def start(self) -> Target:
        """Returns once it listens, on ports of its own choice."""
        self.process = self._spawn()
        port, health, self.admin = await asyncio.to_thread(await_ports, self.process)
        self.target = Target(port, health)
        return self.target

    def _spawn(self) -> Process:
        """In a process group of its own, so that all of it can be ended at one moment."""
        command = [sys.executable, "-m", "s3gate", "run", "--config", str(self.directory / "s3gate.yaml")]
        own = {name: value for name, value in os.environ.items() if not name.startswith("S3GATE_")}
        return subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True, process_group=0)

    def terminate(self) -> None:
        """What a service manager does first."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def listens(self) -> bool:
        """Whether it still takes somebody in."""
        try:
            socket.create_connection(("127.0.0.1", self.target.port), timeout=0.1).close()
        except ConnectionRefusedError:
            return False
        except TimeoutError:
            return True  # new handshakes are not answered while the last ones come in
        return True

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        assert self.process is not None
        code = await asyncio.to_thread(self.process.wait, END_S)
        self.forget()
        return code

    def kill(self) -> None:
        """Supervisor, workers and whatever else it started, at one moment."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(END_S)
        self.forget()

    def forget(self) -> None:
        """It is no more."""
        if self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()
        self.process = None

    async def command(self, *words: str) -> tuple[int, str]:
        """Exit code and output of a command of ours about it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "s3gate", *words, "--config", str(self.directory / "s3gate.yaml"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_S)
        return process.returncode or 0, output.decode()

    def records(self) -> list[dict[str, object]]:
        """Of all writers that ever were."""
        return list(read_records(self.directory / "audit"))

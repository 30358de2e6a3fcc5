"""The gate as a process of its own, so that its memory and CPU can be read from the kernel."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from e2e.fake_s3 import FakeS3
from e2e.rig import POLICY, REGION, server_context
from s3gate.demo.dns_server import DnsServer
from s3gate.proxy.authority import Authority

TESTS = Path(__file__).parent.parent
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class GateProcess:
    """A running gate and what surrounds it."""

    process: asyncio.subprocess.Process
    port: int
    s3: FakeS3
    dns: DnsServer
    directory: Path
    client_context: ssl.SSLContext

    @property
    def rss(self) -> int:
        """Resident bytes now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    @property
    def peak_rss(self) -> int:
        """Most resident bytes since `reset_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def reset_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    @property
    def cpu_s(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def record(self) -> list[str]:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 10)).decode().split()

    def environment(self) -> dict[str, str]:
        """What a client needs to use it."""
        return {
            "PATH": os.environ["PATH"],
            "HTTPS_PROXY": f"http://127.0.0.1:{self.port}",
            "AWS_CA_BUNDLE": str(self.directory / "ca.pem"),
            "AWS_ACCESS_KEY_ID": "AKIAY34FZKBOKMUTVV7A",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(self.directory),
        }


@contextlib.asynccontextmanager
async def run_process(directory: Path, *command: str, **extra: object) -> AsyncIterator[GateProcess]:
    """Start the gate with its surroundings; `command` runs instead of `gate_main`."""
    now = datetime.now(UTC)
    ours, theirs = Authority.generate(now), Authority.generate(now)
    files = {
        "ca.pem": ours.certificate_pem(),
        "ca-key.pem": ours.private_key_pem(),
        "s3.pem": theirs.certificate_pem(),
        "policy.yaml": POLICY.replace("PLAIN", "deny").encode(),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    async with (
        DnsServer(["amazonaws.com"], ("127.0.0.1",)) as dns,
        FakeS3(server_context(theirs, f"*.s3.{REGION}.amazonaws.com", f"s3.{REGION}.amazonaws.com")) as s3,
    ):
        given = {
            "ca": str(directory / "ca.pem"),
            "ca_key": str(directory / "ca-key.pem"),
            "ca_bundle": str(directory / "s3.pem"),
            "policy": str(directory / "policy.yaml"),
            "nameserver": f"127.0.0.1:{dns.port}",
            "upstream_port": s3.port,
            **extra,
        }
        argv = command or (sys.executable, str(TESTS / "e2e" / "gate_main.py"), json.dumps(given))
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": f"{TESTS.parent / 'addons'}:{TESTS}",
                "S3GATE_TEST": json.dumps(given),
            },
        )
        assert process.stdout is not None
        try:
            port = int((await asyncio.wait_for(process.stdout.readline(), 20)).decode())
            client = ssl.create_default_context(cafile=str(directory / "ca.pem"))
            yield GateProcess(process, port, s3, dns, directory, client)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 20)
            process._transport.close()  # type: ignore[attr-defined] # else its pipes close after the loop

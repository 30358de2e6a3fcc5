"""The gate under stock mitmdump: the same verdicts, and no start with options that would open it."""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.fake_s3 import FakeS3
from e2e.rig import EVIL, GOOD, POLICY, REGION, SECONDS, server_context
from s3gate.audit.record import SCHEMA
from s3gate.demo.dns_server import DnsServer
from s3gate.proxy.authority import Authority

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "addons" / "s3gate_addon.py"
MITMDUMP = Path(sys.executable).parent / "mitmdump"
START_S = 30.0

SETTINGS = """\
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{dns}"], timeout_s: 10}}
upstream: {{networks: ["127.0.0.0/8"], ca_bundle: s3.pem, port: {s3}}}
audit: {{directory: audit, hmac_key: audit.key}}
cloudwatch: {{enabled: false}}
"""


class World:
    """The surroundings of a mitmdump."""

    def __init__(self, directory: Path, s3: FakeS3, dns: DnsServer, port: int) -> None:
        self.directory, self.s3, self.dns, self.port = directory, s3, dns, port
        self.script = directory / "s3gate_addon.py"
        shutil.copy(SCRIPT, self.script)

    async def start(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(MITMDUMP), "--listen-host", "127.0.0.1", "-p", str(self.port), "-s", str(self.script),
            "--set", f"s3gate_config={self.directory / 's3gate.yaml'}", "--set", f"confdir={self.directory}", *options,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "addons"), "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip

    async def curl(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HTTPS_PROXY": f"http://127.0.0.1:{self.port}"}
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--cacert", str(self.directory / "ca.pem"), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), START_S)
        return output.decode()

    @property
    def reasons(self) -> list[str]:
        lines = [
            line
            for path in sorted(self.directory.glob("audit/*/*"))
            if path.is_file()
            for line in path.read_bytes().splitlines()
        ]
        records = [json.loads(line) for line in lines if line.startswith(b'{"schema":%d' % SCHEMA)]
        return [one["reason"] for one in records if one["event"] == "egress"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    now = datetime.now(UTC)
    ours, theirs = Authority.generate(now), Authority.generate(now)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        DnsServer(["amazonaws.com"], ("127.0.0.1",)) as dns,
        FakeS3(server_context(theirs, f"*.s3.{REGION}.amazonaws.com")) as s3,
    ):
        files = {
            "ca.pem": ours.certificate_pem(), "ca.key": ours.private_key_pem(), "s3.pem": theirs.certificate_pem(),
            "policy.yaml": POLICY.replace("PLAIN", "deny").encode(), "audit.key": os.urandom(32).hex().encode(),
            "s3gate.yaml": SETTINGS.format(dns=dns.port, s3=s3.port).encode(),
        }  # fmt: skip
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
            (tmp_path / name).chmod(0o600)
        yield World(tmp_path, s3, dns, port)


async def until(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    """What it prints until `text`, or its end."""
    assert process.stdout is not None
    printed = b""
    async with asyncio.timeout(START_S):
        while text not in printed and (line := await process.stdout.readline()):
            printed += line
    return printed


async def stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await asyncio.wait_for(process.wait(), START_S)
    process._transport.close()  # type: ignore[attr-defined] # else its pipes close after the loop


async def test_the_same_verdicts(world: World) -> None:
    process = await world.start()
    try:
        printed = await until(process, b"listening at")
        assert b"listening at" in printed, printed.decode()
        assert await world.curl(f"https://{GOOD}/k") == "hello from /k"
        assert "BUCKET_NOT_LISTED" in await world.curl(f"https://{EVIL}/k")
        assert "HOST_MISMATCH" in await world.curl(f"https://{GOOD}/k", "-H", f"Host: {EVIL}")
        assert "403" in await world.curl("https://www.evil.example/")
        big = world.directory / "big"
        big.write_bytes(bytes(20 << 20))
        assert await world.curl("-T", str(big), f"https://{GOOD}/k") == ""
        assert world.s3.connections[-1].bodies[0][0] == 20 << 20
        assert len(world.s3.heads) == 2
        assert world.reasons == [
            "ALLOWED_BY_RULE",
            "BUCKET_NOT_LISTED",
            "HOST_MISMATCH",
            "HOST_NOT_LISTED",
            "ALLOWED_BY_RULE",
        ]
    finally:
        await stop(process)


UNSAFE: list[Sequence[str]] = [
    ("--allow-hosts", "good"),
    ("--ignore-hosts", "evil"),
    ("--ssl-insecure",),
    ("--mode", "upstream:http://127.0.0.1:1"),
    ("--set", "stream_large_bodies=1m"),
    ("--map-remote", "|a|b"),
    ("--set", "validate_inbound_headers=false"),
]


@pytest.mark.parametrize("options", UNSAFE, ids=" ".join)
async def test_it_does_not_start_with_options_that_open_it(world: World, options: Sequence[str]) -> None:
    process = await world.start(*options)
    try:
        printed = await until(process, b"never printed")
        assert b"would open the gate" in printed
        assert await asyncio.wait_for(process.wait(), START_S) != 0
    finally:
        await stop(process)


@pytest.mark.parametrize("change", ["broken", "deleted"])
async def test_when_its_script_goes_it_ends(world: World, change: str) -> None:
    """mitmproxy watches its scripts; the gate does not live without its own."""
    process = await world.start()
    try:
        await until(process, b"listening at")
        assert await world.curl(f"https://{GOOD}/k") == "hello from /k"
        if change == "broken":
            world.script.write_text("this is not python")
            os.utime(world.script, (2_000_000_000, 2_000_000_000))
        else:
            world.script.unlink()
        await asyncio.wait_for(process.communicate(), START_S)
        assert "hello" not in await world.curl(f"https://{GOOD}/k", "--max-time", str(SECONDS))
        assert len(world.s3.heads) == 1
    finally:
        await stop(process)

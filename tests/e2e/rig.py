"""The real gate between raw-socket clients and the fake S3, in one event loop, everything recorded."""

import asyncio
import contextlib
import itertools
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization

from e2e.fake_s3 import FakeS3
from s3gate.demo.dns_server import DnsServer
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import Request
from s3gate.proxy.authority import Authority, Leaf
from s3gate.proxy.ports import AuditUnavailable, Completion, PolicySource, Upstream
from s3gate.proxy.runtime import Gate, RuntimeSettings
from s3gate.s3.host import HostName

REGION = "ap-northeast-1"
GOOD = f"good-bucket.s3.{REGION}.amazonaws.com"
OTHER = f"other-bucket.s3.{REGION}.amazonaws.com"  # listed too
EVIL = f"evil-bucket.s3.{REGION}.amazonaws.com"
ROOT = f"s3.{REGION}.amazonaws.com"
SECONDS = 5.0  # a test's patience with one step

POLICY = f"""
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard], path_style: allow}}
unsigned: allow
rules:
  - {{id: good, bucket: good-bucket, allow: [read, write, list, delete]}}
  - {{id: other, bucket: other-bucket, allow: [read, write]}}
plain_http: PLAIN
"""


@dataclass(frozen=True)
class Recorded:
    """One decision as the recorder was given it."""

    decision: Decision
    request: Request
    upstream: Upstream | None
    decision_id: str


@dataclass
class MemoryRecorder:
    """Keeps records; `broken` makes it refuse like a full disk."""

    decisions: list[Recorded] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    broken: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def decision(
        self, decision: Decision, request: Request, upstream: Upstream | None, decision_id: str
    ) -> None:
        if self.broken:
            raise AuditUnavailable("the disk is full")
        self.decisions.append(Recorded(decision, request, upstream, decision_id))
        self.changed.set()

    def completion(self, completion: Completion) -> None:
        if self.broken:
            raise AuditUnavailable("the disk is full")
        self.completions.append(completion)
        self.changed.set()

    async def settle(self) -> None:
        """What is in memory is written."""

    @property
    def reasons(self) -> list[Reason]:
        return [one.decision.reason for one in self.decisions]

    async def wait_completions(self, count: int) -> list[Completion]:
        async with asyncio.timeout(SECONDS):
            while len(self.completions) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.completions


@dataclass
class FixedPolicy:
    """A policy source whose policy a test may take away."""

    policy: Policy | None

    def current(self) -> Policy | None:
        return self.policy


@dataclass
class Rig:
    """Everything of one test."""

    gate: Gate
    s3: FakeS3
    dns: DnsServer
    recorder: MemoryRecorder
    source: FixedPolicy
    client_context: ssl.SSLContext
    ca_file: Path
    origin: Authority

    async def connect(self) -> "RawClient":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.gate.port)
        return RawClient(self, reader, writer)

    async def tunnel(self, host: str = GOOD, sni: str | None = "") -> "RawClient":
        """A client inside TLS, after CONNECT."""
        client = await self.connect()
        await client.open_tunnel(host, host if sni == "" else sni)
        return client

    async def ask(self, raw: bytes, host: str = GOOD, sni: str | None = "") -> bytes:
        """Send bytes in a fresh tunnel and read until the gate closes or answers whole."""
        client = await self.tunnel(host, sni)
        async with client:
            await client.send(raw)
            return await client.read_answer()


@dataclass
class RawClient:
    """A client that sends exactly what it is told."""

    rig: Rig
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def open_tunnel(self, host: str, sni: str | None) -> None:
        await self.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        answer = await self.read_head()
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        await self.start_tls(sni)

    async def start_tls(self, sni: str | None, context: ssl.SSLContext | None = None) -> None:
        context = context or self.rig.client_context
        if sni is None:
            context = ssl.create_default_context(cafile=str(self.rig.ca_file))
            context.check_hostname = False
        await asyncio.wait_for(self.writer.start_tls(context, server_hostname=sni), SECONDS)

    async def read_head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SECONDS)

    async def read_answer(self, *, head_only: bool = False) -> bytes:
        """One whole response (head and body by Content-Length or chunks)."""
        head = await self.read_head()
        if head_only:
            return head
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return head + await asyncio.wait_for(self._read_chunks(), SECONDS)
        length = lower.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
        return head + await asyncio.wait_for(self.reader.readexactly(int(length or b"0")), SECONDS)

    async def _read_chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def read_all(self) -> bytes:
        """Everything until the gate closes; a reset counts as a close."""
        got = bytearray()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            async with asyncio.timeout(SECONDS):
                while piece := await self.reader.read(1 << 16):
                    got += piece
        return bytes(got)


def server_context(authority: Authority, *hosts: str) -> ssl.SSLContext:
    """A TLS side for the fake S3: a certificate for each of `hosts`, the first unless the SNI is another."""
    contexts = {host: _context_of(authority.sign_leaf(HostName(host), datetime.now(UTC))) for host in hosts}
    first = contexts[hosts[0]]

    def choose(connection: ssl.SSLObject, name: str, _context: ssl.SSLContext) -> None:
        connection.context = contexts.get(name, first)

    first.sni_callback = choose
    return first


def _context_of(leaf: Leaf) -> ssl.SSLContext:
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(leaf.certificate.public_bytes(serialization.Encoding.PEM) + key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@contextlib.asynccontextmanager
async def run_rig(
    directory: Path,
    *,
    plain: str = "deny",
    pool: tuple[str, ...] = ("127.0.0.1",),
    in_force: PolicySource | None = None,
    recorder: MemoryRecorder | None = None,
    **settings: object,
) -> AsyncIterator[Rig]:
    """Start everything, with another policy source or recorder if one is given; stop everything."""
    now = datetime.now(UTC)
    ours, theirs = Authority.generate(now), Authority.generate(now)
    (directory / "ca.pem").write_bytes(ours.certificate_pem())
    (directory / "s3.pem").write_bytes(theirs.certificate_pem())
    origin = server_context(theirs, f"*.s3.{REGION}.amazonaws.com")
    policy = parse_policy(POLICY.replace("PLAIN", plain).encode())
    recorder, source = recorder or MemoryRecorder(), FixedPolicy(policy)
    async with DnsServer(["amazonaws.com"], pool) as dns, FakeS3(origin) as s3:
        usual = RuntimeSettings(
            authority=ours,
            host="127.0.0.1",
            port=0,
            nameservers=(f"127.0.0.1:{dns.port}",),
            networks=parse_networks(["127.0.0.0/8"]),
            ca_bundle=directory / "s3.pem",
            upstream_port=s3.port,
            upstream_plain_port=s3.plain_port,
            linger_s=0.0,
        )
        runtime = replace(usual, **settings)  # type: ignore[arg-type] # a test's keywords
        ids = itertools.count(1)
        gate = Gate(runtime, in_force or source, recorder, lambda: f"01TEST{next(ids):020d}")
        await gate.start()
        client = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        try:
            yield Rig(gate, s3, dns, recorder, source, client, directory / "ca.pem", theirs)
        finally:
            await gate.drain(1.0)

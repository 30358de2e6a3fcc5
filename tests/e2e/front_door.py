"""`s3gate run` as it is deployed, between a fake S3 and clients that never stop asking."""

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.request import urlopen

from e2e.fake_s3 import FakeS3
from e2e.rig import GOOD, POLICY, REGION, server_context
from gate_process import GateFiles, await_ports, stop
from s3gate.audit.reader import list_writers, read_records
from s3gate.demo.dns_server import DnsServer
from s3gate.proxy.authority import Authority

SECONDS = 20.0
PATIENCE_S = 10.0  # of a client with one request
SETTINGS = """\
listen: {{host: 127.0.0.1, port: {port}{listen}}}
workers: {workers}
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{dns}"], timeout_s: 10}}
upstream: {{networks: [127.0.0.0/8], ca_bundle: s3.pem, port: {s3}}}
audit: {{directory: audit, hmac_key: audit.key}}
cloudwatch: {{enabled: false}}
health: {{host: 127.0.0.1, port: 0}}
admin: {{host: 127.0.0.1, port: 0}}
"""
Process = subprocess.Popen[str]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - other processes tell nothing
            await asyncio.sleep(0.02)


def workers_of(process: Process) -> set[int]:
    """The workers: grandchildren, forked by the fork server."""
    found: set[int] = set()
    with contextlib.suppress(OSError):  # one that has ended has none
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            found |= set(map(int, Path(f"/proc/{child}/task/{child}/children").read_text().split()))
    return found


@dataclass
class Answer:
    """What a client was told."""

    status: int
    headers: dict[str, str]


@dataclass
class Load:
    """Clients that ask without a pause, each over connections that it keeps as long as it may.

    Args:
        port: of the gate.
        context: trusts the gate's CA.
    """

    port: int
    context: ssl.SSLContext
    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: "count[int]" = field(default_factory=count)

    @contextlib.asynccontextmanager
    async def running(self, clients: int) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._client()) for _ in range(clients)]
        try:
            yield
        finally:
            self.over.set()
            await asyncio.gather(*tasks)

    async def more(self, requests: int) -> None:
        """Return when so many more have been answered."""
        wanted = len(self.good) + requests
        await until(lambda: len(self.good) >= wanted)

    async def _client(self) -> None:
        while not self.over.is_set():
            key = f"key-{next(self.numbers)}"
            try:
                await self._connection(key)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as exc:
                self.bad.append(f"{key}: {exc!r}")

    async def _connection(self, key: str) -> None:
        """Ask until the gate says that the connection ends."""
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await stack.enter_async_context(tunnel(self.port, self.context))
            while not self.over.is_set():
                async with asyncio.timeout(PATIENCE_S):
                    answer = await get(reader, writer, key)
                (self.good if answer.status == 200 else self.bad).append(key)
                if answer.headers.get("connection") == "close":
                    return
                key = f"key-{next(self.numbers)}"


@contextlib.asynccontextmanager
async def tunnel(
    port: int, context: ssl.SSLContext, host: str = GOOD, first: bytes = b"", lines: str = ""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(first + f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{lines}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(head.decode())
        await writer.start_tls(context, server_hostname=host)
        yield reader, writer
    finally:
        writer.transport.abort()


async def get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, host: str = GOOD
) -> Answer:
    writer.write(f"GET /{key} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    await reader.readexactly(int(headers["content-length"]))
    return Answer(int(status.split()[1]), headers)


@dataclass
class FrontDoor:
    """The surroundings of gates that share a directory."""

    directory: Path
    s3: FakeS3
    dns: DnsServer
    policy: str
    running: list[Process] = field(default_factory=list)
    admin: int = 0

    async def start(
        self,
        *,
        port: int = 0,
        workers: int = 2,
        listen: str = "",
        limits: str = "",
        more: str = "",
        before: tuple[str, ...] = (),
    ) -> tuple[Process, int, int]:
        """A gate, its port, and the port of its health page.

        Args:
            port: where it listens.
            workers: how many.
            listen: more of `listen`, as in the settings.
            limits: as in the settings.
            more: lines of the settings.
            before: words of a command that becomes the gate.
        """
        settings = SETTINGS.format(
            port=port, workers=workers, listen=listen, dns=self.dns.port, s3=self.s3.port
        )
        settings += f"limits: {{{limits}}}\n{more}"
        (self.directory / "s3gate.yaml").write_text(settings)
        process = GateFiles(self.directory, settings, self.policy, before=before).start()
        self.running.append(process)
        gate, health, self.admin = await asyncio.to_thread(await_ports, process)
        return process, gate, health

    async def stop(self, process: Process) -> tuple[int, str]:
        """SIGTERM; its exit code and what it said at the end."""
        self.running.remove(process)
        return await asyncio.to_thread(stop, process)

    async def metric(self, name: str) -> float:
        """A number on the page of the gate that was started last; 0 where it is not there yet."""
        page = await asyncio.to_thread(urlopen, f"http://127.0.0.1:{self.admin}/metrics", timeout=SECONDS)
        with page:
            lines = page.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)

    async def shows(self, name: str, value: float) -> bool:
        """Whether the page has this number."""
        return await self.metric(name) == value

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.directory / "ca.pem"))

    @property
    def records(self) -> list[dict[str, object]]:
        """Of every writer."""
        return [dict(one) for path in list_writers(self.directory / "audit") for one in read_records(path)]

    @property
    def asked(self) -> list[str]:
        """The keys that reached S3."""
        return [head.split(b" ")[1].decode().strip("/") for head in self.s3.heads]


@contextlib.asynccontextmanager
async def front_door(directory: Path, policy: str = POLICY) -> AsyncIterator[FrontDoor]:
    theirs = Authority.generate(datetime.now(UTC))
    (directory / "s3.pem").write_bytes(theirs.certificate_pem())
    async with (
        DnsServer(["amazonaws.com"], ("127.0.0.1",)) as dns,
        FakeS3(server_context(theirs, f"*.s3.{REGION}.amazonaws.com")) as s3,
    ):
        door = FrontDoor(directory, s3, dns, policy.replace("PLAIN", "deny"))
        try:
            yield door
        finally:
            for process in door.running:
                for worker in workers_of(process):
                    os.kill(worker, 9)
                process.kill()
                process.wait()
                if process.stderr:
                    process.stderr.close()

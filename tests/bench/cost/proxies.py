"""The proxies that are measured, each started as its users would, each behind the same interface.

Their own files lie on a disk: s3gate writes its journal through to it before each decision takes effect.
"""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.cost.accounting import Account, stop
from bench.cost.client import Route
from bench.cost.origin import ADDRESS, HOST, REGION, Origin, await_listening
from bench.cost.rows import DIRECT, MITMDUMP, OURS, SQUID
from drive.squid import free_port, run_squid
from gate_process import GateFiles, await_port
from s3gate.demo.dns_server import DnsServer

RULES = 10_000
ALLOW_ADDON = f"""
import socket

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: resolve("{ADDRESS}", *rest, **named)

def responseheaders(flow):
    flow.response.stream = True

def requestheaders(flow):
    flow.request.stream = flow.request.method == "PUT"
"""
SETTINGS = """\
listen: {{host: 127.0.0.1, port: 0}}
workers: {workers}
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{nameserver}"]}}
upstream: {{networks: [{address}/32], ca_bundle: "{roots}"}}
limits: {{connections: 8192, connections_per_client: 8192}}
audit: {{directory: audit, hmac_key: audit.key, max_bytes: 16GiB}}
cloudwatch: {{enabled: false}}
health: {{host: 127.0.0.1, port: 0}}
admin: {{host: 127.0.0.1, port: 0}}
"""


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Args:
        name: as in the table.
        address: where it listens; None: no proxy at all, straight to the origin.
        roots: what its clients trust.
        account: of its processes.
    """

    name: str
    address: tuple[str, int] | None
    roots: Path
    account: Account | None

    def route(self, host: str = HOST) -> Route:
        """The way through it to that host."""
        return Route(self.address or (ADDRESS, 443), self.address is not None, self.roots, host)


type Starter = Callable[[Path, Origin], AbstractContextManager[Proxy]]
"""Starts a proxy with its files in a directory that is not there yet, and stops it."""


@contextlib.contextmanager
def direct(_directory: Path, origin: Origin) -> Iterator[Proxy]:
    """No proxy."""
    yield Proxy(DIRECT, None, origin.roots, None)


@contextlib.contextmanager
def mitmdump(directory: Path, origin: Origin) -> Iterator[Proxy]:
    """Stock mitmdump with an addon that lets everything through, streamed."""
    directory.mkdir()
    (directory / "allow.py").write_text(ALLOW_ADDON)
    port = free_port()
    command: list[str | Path] = [
        Path(sys.executable).with_name("mitmdump"), "-q", "--listen-host", "127.0.0.1", "-p", str(port),
        "-s", directory / "allow.py", "--set", f"confdir={directory}",
        "--set", f"ssl_verify_upstream_trusted_ca={origin.roots}", "--set", "connection_strategy=lazy",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    try:
        await_listening(process, "127.0.0.1", port)
        roots = directory / "mitmproxy-ca-cert.pem"
        yield Proxy(MITMDUMP, ("127.0.0.1", port), roots, Account(process.pid))
    finally:
        stop(process)


@contextlib.contextmanager
def squid(directory: Path, origin: Origin) -> Iterator[Proxy]:
    """Squid with `ssl-bump` and one allowed name."""
    with run_squid(directory, [HOST], {HOST: ADDRESS}, origin.roots, bump=True) as running:
        account = Account(running.process.pid)
        yield Proxy(SQUID, ("127.0.0.1", running.port), running.authority, account)


def policy(rules: int = RULES) -> str:
    """So many rules; the one for the bucket in use is the last."""
    rows = "".join(
        f'  - {{id: rule-{n}, bucket: bucket-{n}, allow: [read, write, list], keys: ["incoming/*", "done/{n}/*"]}}\n'
        for n in range(rules - 1)
    )
    return (
        f"version: 1\nendpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard]}}\n"
        f"rules:\n{rows}  - {{id: good, bucket: good-bucket, allow: [read, write, list, delete]}}\n"
    )


@contextlib.contextmanager
def s3gate(directory: Path, origin: Origin, workers: int = 1) -> Iterator[Proxy]:
    """s3gate with 10,000 rules and its journal."""
    with _name_server() as nameserver:
        settings = SETTINGS.format(
            nameserver=nameserver, workers=workers, address=ADDRESS, roots=origin.roots
        )
        process = GateFiles(directory, settings, policy()).start()
        try:
            port = await_port(process)
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            yield Proxy(OURS, ("127.0.0.1", port), directory / "ca.pem", Account(process.pid))
        finally:
            stop(process)


def _drain(process: subprocess.Popen[str]) -> None:
    for _ in process.stderr or ():
        pass


@contextlib.contextmanager
def _name_server() -> Iterator[int]:
    """A name server in a thread; its CPU is nobody's."""
    loop = asyncio.new_event_loop()
    server = DnsServer(["amazonaws.com"], (ADDRESS,))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server.port
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


STARTERS: dict[str, Starter] = {DIRECT: direct, MITMDUMP: mitmdump, SQUID: squid, OURS: s3gate}

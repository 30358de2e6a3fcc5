"""The proxies that are measured, each started as its users would, each behind the same interface."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cost.origin import ADDRESS, HOST, REGION, Origin, await_listening
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


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Args:
        name: as in the table.
        port: on 127.0.0.1; None: no proxy at all.
        roots: what its clients trust.
        pid: of its first process.
    """

    name: str
    port: int | None
    roots: Path
    pid: int | None

    def cpu_s(self) -> float:
        """CPU seconds of its processes so far, those of ended children included."""
        return sum(_cpu_of(pid) for pid in self._tree())

    def rss(self) -> int:
        """Resident bytes of its processes now."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page for pid in self._tree())

    def _tree(self) -> list[int]:
        if self.pid is None:
            return []
        found = [self.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def direct(_directory: Path, origin: Origin) -> Iterator[Proxy]:
    """No proxy."""
    yield Proxy("direct", None, origin.roots, None)


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
        yield Proxy("mitmdump", port, directory / "mitmproxy-ca-cert.pem", process.pid)
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def squid(directory: Path, origin: Origin) -> Iterator[Proxy]:
    """Squid with `ssl-bump` and one allowed name."""
    with run_squid(directory, [HOST], {HOST: ADDRESS}, origin.roots, bump=True) as running:
        yield Proxy("Squid ssl-bump", running.port, running.authority, running.process.pid)


def settings(nameserver: int, origin: Origin, workers: int) -> str:
    """Of s3gate, as `s3gate run` reads them."""
    return f"""
listen: {{host: 127.0.0.1, port: 0}}
workers: {workers}
policy: policy.yaml
ca: {{certificate: ca.pem, private_key: ca.key}}
dns: {{nameservers: ["127.0.0.1:{nameserver}"]}}
upstream: {{networks: [{ADDRESS}/32], ca_bundle: "{origin.roots}"}}
limits: {{connections: 8192, connections_per_client: 8192}}
audit: {{directory: audit, hmac_key: audit.key}}
cloudwatch: {{enabled: false}}
health: {{host: 127.0.0.1, port: 0}}
admin: {{host: 127.0.0.1, port: 0}}
"""


def policy(rules: int = RULES) -> str:
    """So many rules; the one for the bucket in use is the last."""
    rows = "".join(
        f'  - {{id: rule-{n}, bucket: bucket-{n}, allow: [read, write, list], keys: ["incoming/*", "done/{n}/*"]}}\n'
        for n in range(rules - 1)
    )
    return (
        f"version: 1\nendpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard]}}\nunsigned: allow\n"
        f"rules:\n{rows}  - {{id: good, bucket: good-bucket, allow: [read, write, list, delete]}}\n"
    )


@contextlib.contextmanager
def s3gate(directory: Path, origin: Origin, workers: int = 1) -> Iterator[Proxy]:
    """s3gate with 10,000 rules and its journal."""
    with _name_server() as nameserver:
        files = GateFiles(directory, settings(nameserver, origin, workers), policy())
        process = files.start()
        try:
            port = await_port(process)
            reading = threading.Thread(target=_drain, args=(process,), daemon=True)
            reading.start()
            yield Proxy(
                "s3gate" if workers == 1 else f"s3gate, {workers} workers",
                port,
                directory / "ca.pem",
                process.pid,
            )
        finally:
            process.terminate()
            process.wait(60)


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

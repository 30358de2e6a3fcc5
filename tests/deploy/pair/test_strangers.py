"""Who is not introduced by the balancer, or not only by it; health checks of both kinds; whose idle time-out is over first.

One pair for all of them: its gates close what is idle for `GATE_IDLE_S`, and believe the
balancer's address alone. Each connection is known again by its port in the records.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Any, Final, NamedTuple

import pytest
import pytest_asyncio

from deploy.pair.balancer import ADDRESS, run_balancer
from deploy.pair.surroundings import Pair, run_pair
from e2e.front_door import until
from e2e.rig import GOOD
from s3gate.proxy.proxy_protocol import LOCAL, PROXY, SIGNATURE, TCP4

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs_program("haproxy"),
    pytest.mark.asyncio(loop_scope="module"),
]

GATE_IDLE_S: Final = 3
STEP_S: Final = 20.0
ALLOWED: Final = "127.0.0.1"  # the only client of the policy
OTHER: Final = "127.0.0.9"
HELD: Final = "held/idle"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with run_pair(tmp_path_factory.mktemp("pair"), idle_s=GATE_IDLE_S) as running:
        yield running


def introduce(source: str, command: int = PROXY) -> bytes:
    """A header as a balancer writes it."""
    block = IPv4Address(source).packed * 2 + struct.pack(">HH", 4711, 8080)
    return SIGNATURE + struct.pack(">BBH", command, TCP4, len(block)) + block


CONNECT: Final = f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode()
VERSION_1: Final = b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 8080\r\n"
INVALID: Final = "PROXY_HEADER_INVALID"


class Row(NamedTuple):
    """Bytes before the CONNECT, from where, whether through the balancer, and what the record says."""

    source: str
    balanced: bool
    first: bytes
    reason: str


ROWS: Final = {
    "v2 straight to the gate, for an allowed client": Row(OTHER, False, introduce(ALLOWED), INVALID),
    "v2 straight to the gate, by an allowed client": Row(ALLOWED, False, introduce(ALLOWED), INVALID),
    "v2 from the address beside the balancer's": Row("127.0.0.3", False, introduce(ALLOWED), INVALID),
    "v2 that calls itself a health check": Row(OTHER, False, introduce(ALLOWED, LOCAL), INVALID),
    "v1 straight to the gate": Row(OTHER, False, VERSION_1, INVALID),
    "nothing before the CONNECT": Row(ALLOWED, False, b"", INVALID),
    "the balancer's address, nothing before the CONNECT": Row(ADDRESS, False, b"", INVALID),
    "the balancer's address, v1": Row(ADDRESS, False, VERSION_1, INVALID),
    "a second v2 behind the balancer's": Row(OTHER, True, introduce(ALLOWED), "MALFORMED_REQUEST"),
    "a second v2 that is a health check": Row(OTHER, True, introduce(ALLOWED, LOCAL), "MALFORMED_REQUEST"),
    "v1 behind the balancer's v2": Row(OTHER, True, VERSION_1, "MALFORMED_REQUEST"),
    "half a header behind the balancer's": Row(OTHER, True, SIGNATURE, "MALFORMED_REQUEST"),
}


def told(pair: Pair, port: int) -> list[tuple[str, str]]:
    """Reason and client of what was recorded of a connection from this port."""
    every: list[Any] = [*pair.a.records(), *pair.b.records()]
    found = [one for one in every if one["event"] == "egress" and one["client"]["port"] == port]
    return [(one["reason"], one["client"]["address"]) for one in found]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_who_introduces_himself(pair: Pair, row: Row) -> None:
    """Refused, under the address that it really has; nothing reaches S3."""
    before = pair.store.asked.copy()
    gate = pair.balancer.port if row.balanced else pair.a.target.port
    reader, writer = await asyncio.open_connection("127.0.0.1", gate, local_addr=(row.source, 0))
    port = writer.get_extra_info("sockname")[1]
    writer.write(row.first + CONNECT)
    try:
        async with asyncio.timeout(STEP_S):
            answer = await reader.read()
    except ConnectionResetError:
        answer = b""  # it was closed before everything was read
    writer.transport.abort()
    assert b" 200 " not in answer
    assert told(pair, port) == [(row.reason, row.source)]
    assert pair.store.asked == before


class Tunnel(NamedTuple):
    """One through a balancer, with its port."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int

    def ask(self, key: str) -> None:
        """Send a request."""
        self.writer.write(f"GET /{key} HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())

    async def end(self) -> bytes:
        """What still comes, until it is closed."""
        try:
            async with asyncio.timeout(STEP_S):
                return await self.reader.read()
        finally:
            self.writer.transport.abort()


async def open_tunnel(pair: Pair, balancer: int, source: str = ALLOWED) -> Tunnel:
    reader, writer = await asyncio.open_connection("127.0.0.1", balancer, local_addr=(source, 0))
    port = writer.get_extra_info("sockname")[1]
    writer.write(CONNECT)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), STEP_S)
    assert head.startswith(b"HTTP/1.1 200 ")
    await writer.start_tls(ssl.create_default_context(cafile=str(pair.bundle)), server_hostname=GOOD)
    return Tunnel(reader, writer, port)


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [(ALLOWED, b"200", "ALLOWED_BY_RULE"), (OTHER, b"403", "CLIENT_NOT_ALLOWED")],
    ids=["allowed", "another"],
)
async def test_the_policy_sees_the_client_and_not_the_balancer(
    pair: Pair, source: str, status: bytes, reason: str
) -> None:
    pair.store.objects["good-bucket", "k"] = b"hello"
    tunnel = await open_tunnel(pair, pair.balancer.port, source)
    tunnel.ask("k")
    head = await asyncio.wait_for(tunnel.reader.readuntil(b"\r\n\r\n"), STEP_S)
    tunnel.writer.transport.abort()
    assert head.startswith(b"HTTP/1.1 " + status)
    assert told(pair, tunnel.port) == [(reason, source)]


@pytest.mark.parametrize("introduced", [True, False], ids=["with a header", "without"])
async def test_a_health_check_is_answered(pair: Pair, *, introduced: bool) -> None:
    """Targets begin as `UP`: with a port where nobody answers first, it is the check that says so."""
    with socket.create_server(("127.0.0.1", 0)) as dead:
        nowhere = [one.target._replace(health=dead.getsockname()[1]) for one in (pair.a, pair.b)]
    async with run_balancer(nowhere, introduced=introduced) as balancer:
        await balancer.until(a="DOWN", b="DOWN")
        for name, instance in pair.instances.items():
            balancer.register(name, instance.target)
        await balancer.until(a="UP", b="UP")


def completions(pair: Pair, key: str) -> list[tuple[str, str | None]]:
    """How the transfers of a key ended."""
    every: list[Any] = [*pair.a.records(), *pair.b.records()]
    ids = {one["decision_id"] for one in every if one["event"] == "egress" and one["request"]["key"] == key}
    ended = [one for one in every if one["event"] == "completion" and one["decision_id"] in ids]
    return [(one["outcome"], one["reason"]) for one in ended]


@pytest.mark.parametrize(
    ("balancer_idle_s", "how"),
    [(1.0, ("failed", None)), (30.0, ("failed", "TIMEOUT"))],
    ids=["the balancer's is shorter", "the gate's is shorter"],
)
async def test_whose_idle_time_is_over_first(
    pair: Pair, balancer_idle_s: float, how: tuple[str, str | None]
) -> None:
    """Whoever it is, both ends are closed, nobody takes half for whole, and the journal says how it ended."""
    key = f"{HELD}-{balancer_idle_s:g}"
    pair.store.objects["good-bucket", key] = body = b"x" * 1000
    targets = (pair.a.target, pair.b.target)
    async with run_balancer(targets, idle_s=balancer_idle_s) as balancer:
        waiting, idle = [await open_tunnel(pair, balancer.port) for _ in range(2)]
        waiting.ask(key)
        got = await waiting.end()
        assert got.endswith(body[:500])
        assert b"content-length: 1000\r\n" in got.lower()
        assert await idle.end() == b""
        await until(lambda: completions(pair, key))
        assert completions(pair, key) == [how]
        assert [one.now for one in balancer.standing().values()] == [0, 0]

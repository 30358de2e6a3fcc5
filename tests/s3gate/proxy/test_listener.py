"""The listener: binds what it is told, turns away what is too much, survives what breaks, and ends."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import NoReturn

import pytest

from drive.layers import make_services
from drive.wait import until
from s3gate.policy import decide
from s3gate.policy.decision import Decision
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import Client, Request
from s3gate.proxy.arrival import Network
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.door import ConnectionLimits
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.listener import Listener
from s3gate.proxy.occupancy import Occupancy, make_slots
from s3gate.proxy.selftest import make_header


class Keeper:
    """Keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.clients: list[Client] = []

    async def decision(self, decision: Decision, request: Request, *_: object) -> None:
        self.reasons.append(decision.reason.value)
        self.clients.append(request.client)

    def completion(self, *_: object) -> None: ...

    async def settle(self) -> None: ...


def broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("no handler on purpose")


@contextlib.asynccontextmanager
async def listening(
    connections: int = 10,
    per_client: int = 10,
    trusted: tuple[Network, ...] | None = None,
    occupancy: Occupancy | None = None,
) -> AsyncIterator[tuple[Listener, int, Keeper]]:
    services, keeper = make_services(), Keeper()
    addon = GateAddon(
        services,
        services.policy_source,
        decide,
        keeper,
        FreshResolver(["127.0.0.1"], 1.0),
        parse_networks(["public"]),
        {},
    )
    listener = Listener(addon, broken, ConnectionLimits(connections, per_client), trusted, occupancy)
    port = await listener.start(open_socket("127.0.0.1", 0))
    try:
        yield listener, port, keeper
    finally:
        await listener.drain(0.1, 0.0)


CONNECT = b"CONNECT x:443 HTTP/1.1\r\n\r\n"
LOOPBACK = (ip_network("127.0.0.0/8"),)
ELSEWHERE = (ip_network("10.0.0.0/8"),)


async def ask(port: int, host: str = "127.0.0.1", sent: bytes = CONNECT) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(sent)
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await asyncio.wait_for(reader.read(-1), 5)
    writer.close()
    return answer


async def test_too_many_are_turned_away_with_a_reason() -> None:
    async with listening(connections=0) as (listener, port, keeper):
        assert (await ask(port)).startswith(b"HTTP/1.1 503 LIMIT_EXCEEDED\r\n")
        assert keeper.reasons == ["LIMIT_EXCEEDED"]
        await until(lambda: not listener.connections)
        assert not listener._door._clients


async def test_a_connection_that_breaks_is_closed_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    async with listening() as (listener, port, _):
        assert await ask(port) == b""
        assert listener.connections == 0


async def test_it_listens_on_ipv6_too() -> None:
    async with listening(connections=0) as (listener, _, _):
        other = Listener(listener._door._gate, broken, ConnectionLimits(0, 0))
        port = await other.start(open_socket("::1", 0))
        assert b"LIMIT_EXCEEDED" in await ask(port, "::1")
        await other.drain(0.1, 0.0)


async def test_after_a_drain_nobody_gets_in() -> None:
    async with listening() as (listener, port, _):
        await listener.drain(0.1, 0.0)
        with pytest.raises(OSError, match=r"refused|failed"):
            await ask(port)


async def test_clients_behind_a_load_balancer_are_counted_one_by_one() -> None:
    """The limit of one client is that of the address in the header, not of the balancer."""
    async with listening(per_client=0, trusted=LOOPBACK) as (_, port, keeper):
        answer = await ask(port, sent=make_header(("10.20.0.5", 4711)) + CONNECT)
    assert answer.startswith(b"HTTP/1.1 503 LIMIT_EXCEEDED\r\n")
    assert keeper.clients == [Client("10.20.0.5", 4711)]


@pytest.mark.parametrize(
    ("trusted", "sent", "client"),
    [
        pytest.param(LOOPBACK, CONNECT, "127.0.0.1", id="no-header"),
        pytest.param(LOOPBACK, b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "127.0.0.1", id="version-1"),
        pytest.param(ELSEWHERE, make_header(("10.0.0.1", 1)) + CONNECT, "127.0.0.1", id="from-elsewhere"),
        pytest.param(ELSEWHERE, CONNECT, "127.0.0.1", id="no-balancer"),
    ],
)
async def test_what_is_no_header_of_the_balancer_is_closed(
    trusted: tuple[Network, ...], sent: bytes, client: str
) -> None:
    async with listening(trusted=trusted) as (listener, port, keeper):
        assert await ask(port, sent=sent) == b""
        await until(lambda: not listener.connections)
    assert keeper.reasons == ["PROXY_HEADER_INVALID"]
    assert keeper.clients[0].address == client


@pytest.mark.parametrize(
    ("most", "trusted"),
    [({"connections": 2}, LOOPBACK), ({"per_client": 2}, ELSEWHERE)],
    ids=["from the balancer", "from elsewhere"],
)
async def test_those_who_do_not_say_who_they_are_have_a_limit(
    most: dict[str, int], trusted: tuple[Network, ...]
) -> None:
    """They are no clients yet; without one of their own they could have every descriptor of the process."""
    async with listening(**most, trusted=trusted) as (listener, port, keeper):  # type: ignore[arg-type] # keywords
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await until(lambda: listener.connections == 2)
        assert (await ask(port, sent=b"")).startswith(b"HTTP/1.1 503 LIMIT_EXCEEDED\r\n")
        assert keeper.reasons == ["LIMIT_EXCEEDED"]
        for _, writer in silent:
            writer.close()
        await until(lambda: not listener.connections)
        assert await ask(port, sent=b"CONNECT") == b""
    assert keeper.reasons == ["LIMIT_EXCEEDED", "PROXY_HEADER_INVALID"]


async def test_strangers_from_elsewhere_do_not_keep_the_balancers_clients_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    trusted = (ip_network("127.0.0.2/32"),)
    async with listening(per_client=1, trusted=trusted) as (listener, port, keeper):
        _, stranger = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: listener.connections == 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        writer.write(make_header(("10.20.0.5", 4711)) + CONNECT)
        assert await asyncio.wait_for(reader.read(-1), 5) == b"", "a handler, which breaks here"
        writer.close()
        stranger.close()
    assert keeper.reasons == []


async def test_a_connection_without_a_byte_leaves_no_record() -> None:
    async with listening(trusted=ELSEWHERE) as (listener, port, keeper):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: listener.connections)
        writer.close()
        await until(lambda: not listener.connections)
    assert keeper.reasons == []


async def test_who_has_not_said_who_it_is_does_not_keep_a_drain_waiting() -> None:
    async with listening(trusted=LOOPBACK) as (listener, port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: listener.connections)
        await asyncio.wait_for(listener.drain(30.0, 0.01), 5)
        assert listener.connections == 0
        writer.close()


async def test_a_private_socket_serves_one_peer_alone() -> None:
    async with listening(connections=0, trusted=ELSEWHERE) as (listener, _, keeper):
        door = open_socket("127.0.0.1", 0)
        own = open_socket("127.0.0.1", 0)
        own.setblocking(False)
        where = door.getsockname()
        server = await listener.serve_privately(door, own.getsockname())
        assert await ask(where[1]) == b"", "somebody else"
        await asyncio.get_running_loop().sock_connect(own, where)
        reader, writer = await asyncio.open_connection(sock=own)
        writer.write(CONNECT)
        assert await asyncio.wait_for(reader.read(-1), 5) == b""
        writer.close()
        server.close()
    assert keeper.reasons == ["PROXY_HEADER_INVALID"]


async def test_the_gate_can_test_itself_when_it_is_full(caplog: pytest.LogCaptureFixture) -> None:
    """The one that is let in alone comes to a handler (which breaks here), everybody else to the limit."""
    caplog.set_level(logging.CRITICAL)
    async with listening(connections=0, per_client=0) as (listener, port, keeper):
        assert b"LIMIT_EXCEEDED" in await ask(port)
        door, own = open_socket("127.0.0.1", 0), open_socket("127.0.0.1", 0)
        own.setblocking(False)
        server = await listener.serve_privately(door, own.getsockname())
        await asyncio.get_running_loop().sock_connect(own, door.getsockname())
        reader, writer = await asyncio.open_connection(sock=own)
        assert await asyncio.wait_for(reader.read(-1), 5) == b""
        writer.close()
        server.close()
    assert keeper.reasons == ["LIMIT_EXCEEDED"]


async def test_what_is_open_elsewhere_counts_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    make_slots(tmp_path / "connections", 2)
    with (
        Occupancy.share(tmp_path / "connections") as here,
        Occupancy.share(tmp_path / "connections") as elsewhere,
    ):
        async with listening(connections=1, occupancy=here) as (_, port, keeper):
            elsewhere.enter()
            assert b"LIMIT_EXCEEDED" in await ask(port)
            elsewhere.leave()
            assert await ask(port) == b"", "a handler, which breaks here"
            assert not elsewhere.exceeds(0)
    assert keeper.reasons == ["LIMIT_EXCEEDED"]

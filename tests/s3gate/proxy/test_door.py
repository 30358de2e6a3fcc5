"""The door: counts whoever comes in, whatever becomes of it, and hears who is turned away for a while only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network

import pytest

from drive.layers import make_services
from drive.wait import until
from s3gate.policy import decide
from s3gate.policy.decision import Decision
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import Client, Request
from s3gate.proxy import door as module
from s3gate.proxy.arrival import Network, peer_client
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.door import REFUSED_BYTES, Caller, ConnectionLimits, Door
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.occupancy import Occupancy

DEADLINE_S = 10.0
EVERYBODY = (ip_network("127.0.0.0/8"),)
NOBODY = (ip_network("192.0.2.0/24"),)


class Details:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def decision(self, decision: Decision, _request: Request, *_: object) -> None:
        self.told.append(f"{decision.reason}: {decision.detail}")

    def completion(self, *_: object) -> None: ...

    async def settle(self) -> None: ...


type Knock = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@contextlib.asynccontextmanager
async def open_door(
    limits: ConnectionLimits,
    serve: Callable[[Client], Awaitable[None]],
    trusted: tuple[Network, ...] | None = None,
    *,
    limited: bool = True,
) -> AsyncIterator[tuple[Knock, Door, Details]]:
    services, details = make_services(), Details()
    resolver = FreshResolver(["127.0.0.1:1"], 1.0)
    gate = GateAddon(
        services, services.policy_source, decide, details, resolver, parse_networks(["127.0.0.0/8"]), {}
    )
    door, opened = Door(gate, limits, Occupancy.alone()), list[asyncio.StreamWriter]()
    serving = set[asyncio.Task[None] | None]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        peer = peer_client(writer.get_extra_info("peername"))
        with contextlib.suppress(ZeroDivisionError):
            await door.welcome(Caller(reader, writer, peer, trusted, limited), serve)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        serving.discard(asyncio.current_task())

    async def knock() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        opened.append(writer)
        return reader, writer

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield knock, door, details
    finally:
        for writer in opened:
            writer.close()
        server.close()
        await until(lambda: not serving)


async def break_off(_client: Client) -> None:
    raise ZeroDivisionError


async def test_who_breaks_off_is_counted_no_longer() -> None:
    async with open_door(ConnectionLimits(1, 1), break_off) as (knock, door, details):
        for _ in range(5):
            reader, _writer = await knock()
            assert await reader.read() == b""
        assert not door._clients
        assert details.told == []


FULL = {
    "in all": (ConnectionLimits(1, 9), "LIMIT_EXCEEDED: more than 1 connections are open"),
    "of one client": (
        ConnectionLimits(9, 1),
        "LIMIT_EXCEEDED: more than 1 connections are open from this client",
    ),
}


@pytest.mark.parametrize("row", FULL)
async def test_one_too_many_hears_why_and_leaves_no_trace(row: str) -> None:
    limits, told = FULL[row]
    served, leave = asyncio.Event(), asyncio.Event()

    async def stay(_client: Client) -> None:
        served.set()
        await leave.wait()

    async with open_door(limits, stay) as (knock, door, details):
        await knock()
        await served.wait()
        reader, writer = await knock()
        head = await reader.readuntil(b"\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        writer.close()
        assert details.told == [told]
        leave.set()
        await until(lambda: not door._clients)


async def test_a_limit_that_does_not_hold_for_the_gate_itself() -> None:
    async with open_door(ConnectionLimits(0, 0), break_off, limited=False) as (knock, _door, details):
        reader, _writer = await knock()
        assert await reader.read() == b""
        assert details.told == []


STRANGERS = {"from the balancer": (EVERYBODY, 2, 9), "from elsewhere": (NOBODY, 9, 2)}


@pytest.mark.parametrize("row", STRANGERS)
async def test_those_who_say_nothing_have_a_limit(row: str) -> None:
    trusted, connections, per_client = STRANGERS[row]
    limits = ConnectionLimits(connections, per_client)
    async with open_door(limits, break_off, trusted) as (knock, _door, details):
        silent = [await knock() for _ in range(2)]
        reader, _writer = await knock()
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 503 ")
        assert details.told == [
            "LIMIT_EXCEEDED: more than 2 connections have not begun with a PROXY header yet"
        ]
        for _reader, writer in silent:
            writer.close()


async def test_who_is_turned_away_is_heard_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFUSED_LINGER_S", 10 * DEADLINE_S)
    async with open_door(ConnectionLimits(0, 0), break_off) as (knock, door, _details):
        reader, writer = await knock()
        await reader.readuntil(b"\r\n")
        assert door._clients
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(REFUSED_BYTES // 4))
                await writer.drain()
                if not door._clients:
                    break
                await asyncio.sleep(0)
        assert not door._clients

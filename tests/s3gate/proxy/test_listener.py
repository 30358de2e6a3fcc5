"""The listener: binds what it is told, turns away what is too much, survives what breaks, and ends."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest

from drive.layers import make_services
from drive.wait import until
from s3gate.policy import decide
from s3gate.policy.network import parse_networks
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.listener import ConnectionLimits, Listener


class Keeper:
    """Keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def decision(self, decision: object, *_: object) -> None:
        self.reasons.append(str(getattr(decision, "reason", "")))

    async def completion(self, *_: object) -> None: ...


def broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("no handler on purpose")


@contextlib.asynccontextmanager
async def listening(connections: int = 10) -> AsyncIterator[tuple[Listener, int, Keeper]]:
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
    listener = Listener(addon, broken, ConnectionLimits(connections, 10))
    port = await listener.start("127.0.0.1", 0)
    try:
        yield listener, port, keeper
    finally:
        await listener.drain(0.1)


async def ask(port: int, host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"CONNECT x:443 HTTP/1.1\r\n\r\n")
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
        assert not listener._clients


async def test_a_connection_that_breaks_is_closed_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    async with listening() as (listener, port, _):
        assert await ask(port) == b""
        assert listener.connections == 0


async def test_a_port_in_use_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with listening() as (listener, _, _):
            with pytest.raises(OSError, match="in use"):
                await Listener(listener._gate, broken, ConnectionLimits(1, 1)).start(
                    "127.0.0.1", taken.getsockname()[1]
                )


async def test_it_listens_on_ipv6_too() -> None:
    async with listening(connections=0) as (listener, _, _):
        other = Listener(listener._gate, broken, ConnectionLimits(0, 0))
        port = await other.start("::1", 0)
        assert b"LIMIT_EXCEEDED" in await ask(port, "::1")
        await other.drain(0.1)


async def test_after_a_drain_nobody_gets_in() -> None:
    async with listening() as (listener, port, _):
        await listener.drain(0.1)
        with pytest.raises(OSError, match=r"refused|failed"):
            await ask(port)

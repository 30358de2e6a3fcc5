"""The connection handler over a real socket pair: reads only when there is room, and ends whole."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import events, layer, server

from drive.layers import make_services
from drive.wait import until
from s3gate.policy import decide
from s3gate.policy.decision import Reason
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import Client
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.runtime import make_options
from s3gate.proxy.stream import HttpGate
from s3gate.proxy.wire import serve_wires


class Silent:
    """A recorder that takes everything."""

    async def decision(self, *_: object) -> None: ...

    def completion(self, *_: object) -> None: ...

    async def settle(self) -> None: ...


@dataclass
class Pair:
    """A handler and its client."""

    connection: GateConnection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    task: asyncio.Task[None]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    services = make_services()
    addon = GateAddon(
        services,
        services.policy_source,
        decide,
        Silent(),
        FreshResolver(["127.0.0.1"], 1.0),
        parse_networks(["public"]),
        {443: 443, 80: 80},
    )
    options = make_options(60)
    made: asyncio.Future[tuple[GateConnection, asyncio.Task[None]]] = (
        asyncio.get_running_loop().create_future()
    )

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = GateConnection(options, addon, reader, writer, Client("127.0.0.1", 5))
        task = asyncio.current_task()
        assert task is not None
        made.set_result((connection, task))
        await connection.handle_client()

    front = open_socket("127.0.0.1", 0)
    listening = await serve_wires(accept, front, 5)
    async with listening:
        client = await asyncio.open_connection("127.0.0.1", listening.sockets[0].getsockname()[1])
        connection, task = await asyncio.wait_for(made, 5)
        one = Pair(connection, client[0], client[1], task)
        yield one
        one.connection.cancel()
        client[1].close()
        await asyncio.wait([one.task], timeout=5)
        assert addon.sessions == {}


async def test_it_answers_and_ends(pair: Pair) -> None:
    pair.writer.write(b"nonsense\r\n")
    assert (await asyncio.wait_for(pair.reader.readuntil(b"\r\n"), 5)).startswith(b"HTTP/1.1 403 ")
    pair.writer.close()
    await asyncio.wait_for(asyncio.shield(pair.task), 5)


async def test_a_closed_valve_leaves_bytes_with_the_client(pair: Pair) -> None:
    pair.connection.session.valve.close()
    pair.writer.write(b"G" + bytes(100))
    layer = pair.connection.layer
    assert isinstance(layer, HttpGate)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pair.reader.read(1), 0.2)
    assert not len(layer._heads)
    pair.connection.session.valve.open()
    assert await asyncio.wait_for(pair.reader.read(8), 5) == b"HTTP/1.1"


async def test_an_idle_time_out_is_remembered(pair: Pair) -> None:
    await pair.connection.on_timeout()
    assert pair.connection.session.cut is Reason.TIMEOUT
    await asyncio.wait_for(asyncio.shield(pair.task), 5)


@pytest.mark.parametrize(
    ("linger", "states"),
    [
        (None, [ConnectionState.CAN_WRITE, ConnectionState.CLOSED]),
        (b"\1\0\0\0\0\0\0\0", [ConnectionState.CLOSED]),
    ],
    ids=["an end of its half, then of the rest", "a reset"],
)
async def test_the_layers_hear_what_is_left_of_a_client(
    pair: Pair, linger: bytes | None, states: list[ConnectionState]
) -> None:
    heard: list[ConnectionState] = []

    class Listening(layer.Layer):
        def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
            if isinstance(event, events.ConnectionClosed):
                heard.append(event.connection.state)
            yield from ()

    await until(lambda: pair.connection.transports[pair.connection.client].handler is not None)
    pair.connection.layer = Listening(pair.connection.layer.context)
    if linger is None:
        pair.writer.write_eof()
        await until(lambda: heard)
        pair.connection.cancel()
    else:
        pair.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        pair.writer.transport.abort()
    await asyncio.wait_for(asyncio.shield(pair.task), 5)
    assert heard == states


async def test_cancel_ends_it(pair: Pair) -> None:
    await until(lambda: pair.connection.transports[pair.connection.client].handler is not None)
    pair.connection.cancel()
    await asyncio.wait_for(asyncio.shield(pair.task), 5)
    pair.connection.cancel()


def test_contract_connection_handler() -> None:
    """What of mitmproxy's ConnectionHandler is overridden or used."""
    for name in (
        "handle_client",
        "handle_connection",
        "handle_hook",
        "on_timeout",
        "open_connection",
        "server_event",
    ):
        assert inspect.iscoroutinefunction(getattr(server.LiveConnectionHandler, name, None)), (
            f"mitmproxy's ConnectionHandler.{name} moved"
        )
    fields = set(inspect.signature(server.ConnectionIO).parameters)
    assert fields == {"handler", "reader", "writer"}, "mitmproxy's ConnectionIO has other fields now"
    source = inspect.getsource(server.ConnectionHandler.open_connection)
    assert "ServerConnectHook" in source, "mitmproxy no longer asks server_connect before it dials"
    assert source.index("ServerConnectHook") < source.index("asyncio.open_connection("), (
        "mitmproxy dials before server_connect"
    )

"""A side tells the layers what its wire reads, and waits for the other one."""

import asyncio
import socket
import struct

import pytest
from mitmproxy.connection import Client
from mitmproxy.proxy import events

from drive.wait import until
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.side import Side
from s3gate.proxy.wire import dial_wire, serve_wires, wire_of


@pytest.mark.parametrize("reset", [False, True])
async def test_bytes_then_the_end(*, reset: bool) -> None:
    front = open_socket("127.0.0.1", 0)
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)

    server = await serve_wires(welcome, front, 5)
    writer = await dial_wire(*front.getsockname())
    peer = await accepted
    connection = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
    heard: list[events.Event] = []
    wire = wire_of(writer)
    side = Side(connection, wire, heard.append, lambda: [wire])
    running = asyncio.create_task(side.run())
    peer.write(b"hello")
    await until(lambda: heard)
    (event,) = heard
    assert isinstance(event, events.DataReceived)
    assert (event.connection, event.data) == (connection, b"hello")
    if reset:
        sock = peer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.transport.abort()
        with pytest.raises(OSError, match="reset"):
            await asyncio.wait_for(running, 5)
    else:
        peer.write_eof()
        await asyncio.wait_for(running, 5)
        peer.transport.abort()
    writer.transport.abort()
    await asyncio.wait_for(side.lost(), 5)
    server.close()
    await server.wait_closed()

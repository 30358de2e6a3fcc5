"""A wire hands on what comes in the call that read it, and stops reading where it must wait."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drive.wait import until
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.wire import READ_BYTES, Wire, dial_wire, serve_wires, wire_of

MUCH = 16 << 20  # more than both kernels hold


class Ear:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.data = b""
        self.told: list[str] = []

    def received(self, data: bytes) -> None:
        self.data += data

    def ended(self) -> None:
        self.told.append("ended")

    def gone(self) -> None:
        self.told.append("gone")


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[asyncio.StreamWriter, socket.socket]]:
    """An accepted connection, and the client's socket."""
    made: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.set_result(writer)

    front = open_socket("127.0.0.1", 0)
    server = await serve_wires(welcome, front, 5)
    try:
        with socket.create_connection(front.getsockname()) as client:
            writer = await asyncio.wait_for(made, 5)
            yield writer, client
            writer.transport.abort()
    finally:
        server.close()
        await server.wait_closed()


async def test_what_a_stream_held_comes_first() -> None:
    async with pair() as (writer, client):
        wire = wire_of(writer)
        client.sendall(b"PROXY rest")
        assert await wire.reader.readexactly(6) == b"PROXY "
        await asyncio.sleep(0)
        ear = Ear()
        wire.take_over(ear)
        client.sendall(b", more")
        await until(lambda: ear.data == b"rest, more")


async def test_an_end_that_came_before_is_told() -> None:
    async with pair() as (writer, client):
        wire = wire_of(writer)
        client.sendall(b"all of it")
        client.shutdown(socket.SHUT_WR)
        await until(lambda: wire.ended)
        ear = Ear()
        wire.take_over(ear)
        assert (ear.data, ear.told) == (b"all of it", ["ended"])


async def test_an_end_and_a_reset_are_told_apart() -> None:
    async with pair() as (writer, client):
        ear = Ear()
        wire_of(writer).take_over(ear)
        client.shutdown(socket.SHUT_WR)
        await until(lambda: ear.told == ["ended"])
        writer.write(b"we still may")
        assert client.recv(100) == b"we still may"
    await until(lambda: ear.told == ["ended", "gone"])
    async with pair() as (writer, client):
        ear = Ear()
        wire_of(writer).take_over(ear)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        await until(lambda: ear.told == ["gone"])


async def test_a_held_wire_reads_one_piece_more_at_most() -> None:
    async with pair() as (writer, client):
        ear, wire = Ear(), wire_of(writer)
        wire.take_over(ear)
        wire.hold()
        client.setblocking(False)
        sent = await _pour(client)
        assert ear.data == b""
        assert wire.waiting <= READ_BYTES
        wire.let_go()
        await until(lambda: len(ear.data) == sent)


async def test_a_source_waits_until_its_target_is_empty() -> None:
    async with pair() as (source, sender), pair() as (target, receiver):
        ear, wire = Ear(), wire_of(source)
        wire.take_over(ear)
        target.write(bytes(MUCH))
        assert wire_of(target).full
        wire.wait_for(wire_of(target))
        wire.wait_for(wire_of(target))
        sender.sendall(b"late")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await until(lambda: ear.data)
        receiver.setblocking(False)
        left = MUCH
        loop = asyncio.get_running_loop()
        while left:
            left -= len(await loop.sock_recv(receiver, 1 << 20))
        await until(lambda: ear.data == b"late")


async def test_a_source_goes_on_when_its_target_dies() -> None:
    async with pair() as (source, sender):
        ear, wire = Ear(), wire_of(source)
        wire.take_over(ear)
        async with pair() as (target, _):
            target.write(bytes(MUCH))
            wire.wait_for(wire_of(target))
        sender.sendall(b"for nobody")
        await until(lambda: ear.data == b"for nobody")


async def test_a_dialled_wire_reads_and_writes() -> None:
    front = open_socket("127.0.0.1", 0)

    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await serve_wires(welcome, front, 5)
    writer = await dial_wire("127.0.0.1", front.getsockname()[1])
    ear = Ear()
    wire_of(writer).take_over(ear)
    await until(lambda: ear.told == ["ended"])
    assert ear.data == b"hello"
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_both_ends_send_at_once() -> None:
    """TCP_NODELAY: asyncio sets it only on sockets whose protocol is named."""
    async with pair() as (writer, _):
        sock = writer.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_another_stream_is_no_wire() -> None:
    with pytest.raises(TypeError):
        wire_of(None)


def test_contract_asyncio_streams() -> None:
    """What of asyncio's stream protocol is overridden."""
    for name in ("connection_made", "data_received", "eof_received", "connection_lost", "pause_writing"):
        assert callable(getattr(asyncio.StreamReaderProtocol, name, None)), (
            f"asyncio's StreamReaderProtocol.{name} moved"
        )
    assert issubclass(Wire, asyncio.StreamReaderProtocol)


async def _pour(client: socket.socket) -> int:
    """Send until nothing more is taken; how much it was."""
    sent, piece, idle = 0, bytes(65_536), 0
    while idle < 10 and sent < MUCH:
        try:
            sent += client.send(piece)
            idle = 0
        except BlockingIOError:
            idle += 1
            await asyncio.sleep(0.01)
    return sent

"""The TLS front of the emulated AWS."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from s3gate.demo.certificates import Authority
from s3gate.demo.origin import Origin

NAME = "example-uploads.s3.ap-northeast-1.amazonaws.com"
ADDRESSES = ("127.83.51.1", "127.83.51.2")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def origin(authority: Authority) -> AsyncIterator[Origin]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Origin(authority, ["amazonaws.com"], port, ADDRESSES) as front:
        yield front


async def connect(
    front: Origin, authority: Authority, name: str, address: str = ADDRESSES[0]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cadata=authority.pair.certificate.decode())
    async with asyncio.timeout(10):
        return await asyncio.open_connection(address, front.port, ssl=context, server_hostname=name)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make("demo origin CA")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", [NAME, "dotted.name.s3.amazonaws.com", "logs.ap-northeast-1.amazonaws.com"])
async def test_bytes_reach_the_emulator_and_come_back(name: str, address: str, authority: Authority) -> None:
    async with origin(authority) as front:
        reader, writer = await connect(front, authority, name, address)
        writer.write(b"x" * 100_000)
        assert await asyncio.wait_for(reader.readexactly(100_000), 10) == b"x" * 100_000
        writer.close()
        (arrival,) = front.arrivals
    assert (arrival.sni, arrival.address, arrival.received) == (name, address, 100_000)


async def test_a_client_that_dials_an_address_gets_a_certificate_for_it(authority: Authority) -> None:
    async with origin(authority) as front:
        reader, writer = await connect(front, authority, ADDRESSES[1], ADDRESSES[1])
        writer.write(b"x")
        assert await asyncio.wait_for(reader.readexactly(1), 10) == b"x"
        writer.close()
        assert [arrival.sni for arrival in front.arrivals] == [""]


@pytest.mark.parametrize("name", ["example.org", "notamazonaws.com"])
async def test_a_name_that_is_not_its_own_ends_the_handshake(name: str, authority: Authority) -> None:
    async with origin(authority) as front:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await connect(front, authority, name)
        assert front.arrivals == []


async def test_every_address_of_the_pool_listens_and_no_other(authority: Authority) -> None:
    async with origin(authority) as front:
        for address in ADDRESSES:
            socket.create_connection((address, front.port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.83.51.3", front.port), timeout=5)


async def test_it_stops_with_a_connection_open(authority: Authority) -> None:
    async with origin(authority) as front:
        reader, writer = await connect(front, authority, NAME)
        writer.write(b"x")
        await asyncio.wait_for(reader.readexactly(1), 10)
        await asyncio.wait_for(front.close(), 10)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_an_emulator_that_is_gone_ends_the_connection(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Origin(authority, ["amazonaws.com"], port, ADDRESSES) as front:
        reader, writer = await connect(front, authority, NAME)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()

"""The sealed look-up: judged addresses of the current task, or nothing."""

import asyncio
import socket

import pytest

from s3gate.proxy.dial import Judged, allow_dial, judged_getaddrinfo, seal_loop

HOST = "b.s3.amazonaws.com"


async def test_nothing_is_resolved_without_a_verdict() -> None:
    for host in (HOST, "localhost", "127.0.0.1.example"):
        with pytest.raises(socket.gaierror):
            await judged_getaddrinfo(host, 443)


async def test_only_the_judged_name_and_port_are_answered() -> None:
    allow_dial(Judged(HOST, 443, ("192.0.2.1", "2001:db8::1"), 8443))
    assert [info[4] for info in await judged_getaddrinfo(HOST, 443)] == [
        ("192.0.2.1", 8443),
        ("2001:db8::1", 8443, 0, 0),
    ]
    assert [info[0] for info in await judged_getaddrinfo(HOST, 443, family=socket.AF_INET6)] == [
        socket.AF_INET6
    ]
    for host, port in ((HOST, 80), ("other.s3.amazonaws.com", 443)):
        with pytest.raises(socket.gaierror):
            await judged_getaddrinfo(host, port)


async def test_no_address_of_the_wanted_family() -> None:
    allow_dial(Judged(HOST, 443, ("192.0.2.1",), 443))
    with pytest.raises(socket.gaierror):
        await judged_getaddrinfo(HOST, 443, family=socket.AF_INET6)


async def test_a_verdict_is_not_seen_by_another_task() -> None:
    async def allowed() -> None:
        allow_dial(Judged(HOST, 443, ("192.0.2.1",), 443))
        await judged_getaddrinfo(HOST, 443)

    await asyncio.create_task(allowed())
    with pytest.raises(socket.gaierror):
        await judged_getaddrinfo(HOST, 443)


async def test_a_server_may_listen_everywhere() -> None:
    infos = await judged_getaddrinfo(None, 0, flags=socket.AI_PASSIVE)
    assert [info[4][0] for info in infos] == ["::", "0.0.0.0"]
    with pytest.raises(socket.gaierror):
        await judged_getaddrinfo(None, 443)


async def test_asyncio_asks_the_sealed_loop() -> None:
    """Contract: asyncio's `create_connection` resolves by `loop.getaddrinfo` alone."""
    loop = asyncio.get_running_loop()
    seal_loop(loop)
    with pytest.raises(socket.gaierror, match="resolves no names"):
        await loop.create_connection(asyncio.Protocol, HOST, 443)
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        allow_dial(Judged(HOST, 443, ("127.0.0.1",), server.sockets[0].getsockname()[1]))
        _, writer = await asyncio.open_connection(HOST, 443)
        assert writer.get_extra_info("peername")[0] == "127.0.0.1"
        writer.close()
        await writer.wait_closed()

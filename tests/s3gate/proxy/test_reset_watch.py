"""A reset is heard without reading; an end of one half, and bytes, are not."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from s3gate.proxy.reset_watch import ResetWatch

RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 seconds


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The gate's end and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
        with ours, client:
            yield ours, client


async def test_a_reset_is_heard_once(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    watch, heard = ResetWatch(), asyncio.Event()
    with watch.watching(ours.fileno(), heard.set):
        assert len(watch) == 1
        client.send(b"unread")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        await asyncio.wait_for(heard.wait(), 5)
        assert len(watch) == 0


async def test_bytes_and_the_end_of_a_half_are_not(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    watch, heard = ResetWatch(), asyncio.Event()
    with watch.watching(ours.fileno(), heard.set):
        client.send(b"unread")
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard.wait(), 0.1)
    assert ours.recv(10) == b"unread"


async def test_afterwards_nothing_is_heard(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    watch, heard = ResetWatch(), asyncio.Event()
    with watch.watching(ours.fileno(), heard.set):
        pass
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(heard.wait(), 0.1)


async def test_a_socket_that_is_closed_meanwhile_is_forgotten(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, client = pair
    watch = ResetWatch()
    with watch.watching(ours.fileno(), lambda: None):
        ours.close()
    with watch.watching(client.fileno(), lambda: None):
        assert len(watch) == 1
    assert len(watch) == 0

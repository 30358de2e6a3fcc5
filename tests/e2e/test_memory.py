"""Memory stays flat: 1 GiB up and down, byte-identical; a refused 1 GiB is not read at all."""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.fake_s3 import Seen, body_pieces, read_body, read_head
from e2e.process import GateProcess, run_process
from e2e.rig import EVIL, GOOD

pytestmark = pytest.mark.e2e

SIZE = 1 << 30
MIB = 1 << 20
BLOCK = hashlib.sha256(b"block").digest() * (MIB // 32)
ALLOWED_GROWTH = 64 * MIB
DENIED_GROWTH = 20 * MIB


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[GateProcess]:
    async with run_process(tmp_path, drain_s=0.5) as running:
        running.s3.script = serve_big
        yield running


async def serve_big(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Give `SIZE` bytes to every GET, take every PUT."""
    while True:
        head = await read_head(seen, reader)
        if b"expect" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await read_body(seen, reader, head)
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for _ in range(SIZE // MIB):
                writer.write(BLOCK)
                await writer.drain()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def whole() -> str:
    digest = hashlib.sha256()
    for _ in range(SIZE // MIB):
        digest.update(BLOCK)
    return digest.hexdigest()


@contextlib.asynccontextmanager
async def tunnel(
    gate: GateProcess, host: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port, limit=1 << 20)
    writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await writer.start_tls(gate.client_context, server_hostname=host)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def test_a_gibibyte_down_and_up(gate: GateProcess) -> None:
    async with tunnel(gate, GOOD) as (reader, writer):
        writer.write(f"PUT /warm HTTP/1.1\r\nHost: {GOOD}\r\nContent-Length: 2\r\n\r\nok".encode())
        await reader.readuntil(b"\r\n\r\n")
        expected = whole()

        gate.reset_peak()
        before = gate.rss
        writer.write(f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        digest = hashlib.sha256()
        async for piece in body_pieces(reader, head):
            digest.update(piece)
        assert digest.hexdigest() == expected
        assert gate.peak_rss - before < ALLOWED_GROWTH

        gate.reset_peak()
        before = gate.rss
        writer.write(f"PUT /k HTTP/1.1\r\nHost: {GOOD}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(SIZE // MIB):
            writer.write(b"%x\r\n%s\r\n" % (MIB, BLOCK))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert gate.s3.connections[0].bodies[-1] == (SIZE, expected)
        assert gate.peak_rss - before < ALLOWED_GROWTH


async def test_an_upload_waits_for_a_slow_upstream(gate: GateProcess) -> None:
    """Back-pressure: what the upstream does not take stays with the client."""
    reading = asyncio.Event()

    async def stuck(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        reading.set()
        await asyncio.Event().wait()

    gate.s3.script = stuck
    async with tunnel(gate, GOOD) as (reader, writer):
        gate.reset_peak()
        before = gate.rss
        writer.write(f"PUT /k HTTP/1.1\r\nHost: {GOOD}\r\nContent-Length: {SIZE}\r\n\r\n".encode())
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while sent < SIZE:
                    writer.write(BLOCK)
                    await writer.drain()
                    sent += len(BLOCK)
        assert reading.is_set()
        assert sent < SIZE // 8
        assert gate.peak_rss - before < DENIED_GROWTH
        assert not reader.at_eof()


@pytest.mark.parametrize("expect", ["Expect: 100-continue\r\n", ""], ids=["with Expect", "without Expect"])
async def test_a_refused_gibibyte(gate: GateProcess, expect: str) -> None:
    async with tunnel(gate, EVIL) as (reader, writer):
        gate.reset_peak()
        before = gate.rss
        started = asyncio.get_running_loop().time()
        writer.write(f"PUT /k HTTP/1.1\r\nHost: {EVIL}\r\n{expect}Content-Length: {SIZE}\r\n\r\n".encode())
        sending = asyncio.create_task(send_all(writer)) if not expect else None
        answer = await reader.readuntil(b"\r\n\r\n")
        assert asyncio.get_running_loop().time() - started < 1.0
        assert answer.startswith(b"HTTP/1.1 403 ")
        if sending is not None:
            assert await asyncio.wait_for(sending, 10) < SIZE // 8
        assert gate.peak_rss - before < DENIED_GROWTH
        assert not gate.s3.touched


async def send_all(writer: asyncio.StreamWriter) -> int:
    """Send a body without a look at any answer, until that is not possible any more."""
    sent = 0
    try:
        while sent < SIZE and not writer.is_closing():
            writer.write(BLOCK)
            await writer.drain()
            await asyncio.sleep(0)
            sent += len(BLOCK)
    except ConnectionError:
        pass
    return sent

"""Limits, each with its reason: connections, heads and handshakes that take their time, idle ones, the end."""

import asyncio
from pathlib import Path

import pytest

from drive.wait import until
from e2e.fake_s3 import Seen, read_head
from e2e.rig import EVIL, GOOD, Rig, run_rig
from s3gate.policy.decision import Reason
from s3gate.proxy import client_tls, closing, stream

pytestmark = pytest.mark.e2e

GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()
CONNECT = f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode()


@pytest.mark.parametrize("limits", [{"connections": 2}, {"connections_per_client": 2}], ids=str)
async def test_one_connection_too_many_is_answered_503(tmp_path: Path, limits: dict[str, int]) -> None:
    async with run_rig(tmp_path, **limits) as rig:  # type: ignore[arg-type] # keywords of the settings
        first, second = await rig.tunnel(), await rig.tunnel()
        async with await rig.connect() as third:
            answer = await third.read_all()
        assert answer.startswith(b"HTTP/1.1 503 LIMIT_EXCEEDED\r\n")
        assert rig.recorder.reasons == [Reason.LIMIT_EXCEEDED]
        async with first, second:
            pass
        await until(lambda: not rig.gate.connections)
        assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")


async def test_a_head_that_takes_its_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEAD_S", 0.2)
    async with await rig.tunnel() as client:
        await client.send(b"GET /k HTTP/1.1\r\nHo")
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert rig.recorder.reasons == [Reason.TIMEOUT]


async def test_a_handshake_that_takes_its_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_tls, "HANDSHAKE_S", 0.2)
    async with await rig.connect() as client:
        await client.send(CONNECT)
        await client.read_head()
        await client.send(b"\x16\x03\x01\x02")
        assert await client.read_all() == b""
    assert rig.recorder.reasons == [Reason.TIMEOUT]


async def test_a_tunnel_in_which_nothing_comes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_tls, "HANDSHAKE_S", 0.2)
    async with await rig.connect() as client:
        await client.send(CONNECT)
        await client.read_head()
        assert await client.read_all() == b""
    assert rig.recorder.reasons == []


async def test_an_idle_connection_is_closed_without_a_record(tmp_path: Path) -> None:
    async with run_rig(tmp_path, idle_s=1) as rig, await rig.tunnel() as client:
        assert await client.read_all() == b""
        assert rig.recorder.reasons == []


async def test_a_transfer_on_which_nothing_moves_ends_as_timeout(tmp_path: Path) -> None:
    async def never(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        await reader.read()

    async with run_rig(tmp_path, idle_s=1) as rig, await rig.tunnel() as client:
        rig.s3.script = never
        await client.send(GET)
        await client.read_all()
        (done,) = await rig.recorder.wait_completions(1)
        assert (done.complete, done.reason) == (False, Reason.TIMEOUT)


async def test_a_refused_body_is_not_read_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends on after its 403 is cut off by bytes."""
    async with await rig.tunnel(EVIL) as client:
        await client.send(f"PUT /k HTTP/1.1\r\nHost: {EVIL}\r\nContent-Length: 1073741824\r\n\r\n".encode())
        sent = 0
        async with asyncio.timeout(10):
            while not client.writer.is_closing() and sent < 4 * closing.DISCARD_BYTES:
                await client.send(bytes(1 << 20))
                await asyncio.sleep(0)
                sent += 1 << 20
    assert sent < 4 * closing.DISCARD_BYTES
    assert rig.recorder.reasons == [Reason.BUCKET_NOT_LISTED]


async def test_a_refused_client_that_stays_is_cut_off_by_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "DISCARD_S", 0.2)
    client = await rig.connect()
    async with client:
        await client.send(b"CONNECT www.evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
        await until(lambda: not rig.gate.connections)


async def test_many_refused_connections_leave_nothing_behind(rig: Rig) -> None:
    for _ in range(200):
        async with await rig.connect() as client:
            await client.send(b"CONNECT www.evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.read_head()).startswith(b"HTTP/1.1 403 ")
    await until(lambda: not rig.gate.connections)
    assert rig.gate.addon.sessions == {}
    assert rig.gate.addon.services.judged == {}
    assert len(rig.recorder.decisions) == 200


async def test_a_drain_lets_a_transfer_finish(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await release.wait()
        writer.write(b"again")
        await reader.read()

    async with run_rig(tmp_path) as rig:
        rig.s3.script = slow
        busy, idle = await rig.tunnel(), await rig.tunnel()
        async with busy, idle:
            await busy.send(GET)
            await busy.reader.readuntil(b"hello")
            draining = asyncio.create_task(rig.gate.drain(5.0))
            assert await idle.read_all() == b""
            with pytest.raises(OSError, match=r"Connect call failed|refused"):
                await rig.connect()
            release.set()
            assert await busy.read_all() == b"again"
            await draining
        (done,) = await rig.recorder.wait_completions(1)
        assert done.complete


async def test_a_drain_ends_at_its_deadline(tmp_path: Path) -> None:
    async def never(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        await reader.read()

    async with run_rig(tmp_path) as rig, await rig.tunnel() as client:
        rig.s3.script = never
        await client.send(GET)
        await until(lambda: rig.s3.heads)
        await rig.gate.drain(0.2)
        assert rig.gate.connections == 0
        (done,) = await rig.recorder.wait_completions(1)
        assert not done.complete


async def test_a_client_that_never_reads_does_not_hold_the_end_up(tmp_path: Path) -> None:
    flowing = asyncio.Event()

    async def endless(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while True:
            writer.write(bytes(1 << 20))
            await writer.drain()
            flowing.set()
            await asyncio.sleep(0)

    async with run_rig(tmp_path) as rig:
        rig.s3.script = endless
        client = await rig.tunnel()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport that reads
        await client.send(GET)
        await asyncio.wait_for(flowing.wait(), 5)
        async with asyncio.timeout(5):
            await rig.gate.drain(0.2)
        assert rig.gate.connections == 0
        (done,) = await rig.recorder.wait_completions(1)
        assert not done.complete
        client.writer.transport.abort()

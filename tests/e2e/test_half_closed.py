"""Connections of which one half ends: what was asked for in full is answered, everything else ends, each with its reason."""

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path

import pytest

from drive.wait import until
from e2e.fake_s3 import Seen, read_head, serve_ok
from e2e.rig import GOOD, SECONDS, RawClient, Rig, run_rig
from s3gate.policy.decision import Reason
from s3gate.proxy.client_failure import explain_hang_up

pytestmark = pytest.mark.e2e

CONNECT = f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode()
HOST = f"Host: {GOOD}\r\n"
GET = f"GET /k HTTP/1.1\r\n{HOST}\r\n".encode()
LAST = f"GET /last HTTP/1.1\r\n{HOST}\r\n".encode()
PUT = f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\n".encode()


def end(client: RawClient) -> None:
    """Send a FIN: the client will say nothing more, not even in TLS."""
    client.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)


def reset(client: RawClient) -> None:
    """Send a RST."""
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.writer.transport.abort()


def send_clear(client: RawClient, data: bytes) -> None:
    """Send bytes past the client's own TLS."""
    os.write(client.writer.get_extra_info("socket").fileno(), data)


class HalfTls:
    """TLS with a mere close_notify in one direction, which asyncio's cannot send."""

    def __init__(self, client: RawClient) -> None:
        self._client, self._in, self._out = client, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client.rig.client_context.wrap_bio(self._in, self._out, server_hostname=GOOD)

    async def open(self) -> None:
        await self._client.send(CONNECT)
        await self._client.read_head()
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._client.send(self._out.read())
                self._in.write(await asyncio.wait_for(self._client.reader.read(1 << 16), SECONDS))
            else:
                await self._client.send(self._out.read())
                return

    async def say(self, data: bytes) -> None:
        """Send all that there is to say, and say that it was all."""
        self._tls.write(data)
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        await self._client.send(self._out.read())

    async def read_all(self) -> bytes:
        got = bytearray()
        self._in.write(await self._client.read_all())
        with contextlib.suppress(ssl.SSLError):
            while piece := self._tls.read(1 << 16):
                got += piece
        return bytes(got)


async def ended(rig: Rig) -> None:
    """The gate let go of the connection."""
    await until(lambda: not rig.gate.connections)
    assert rig.gate.addon.sessions == {}


async def test_behind_the_connect_nothing_was_tried(rig: Rig) -> None:
    async with await rig.connect() as client:
        await client.send(CONNECT)
        end(client)
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
        await ended(rig)
    assert rig.recorder.reasons == []


@pytest.mark.parametrize("size", [1, 60])
async def test_in_the_middle_of_the_clienthello(rig: Rig, size: int) -> None:
    async with await rig.connect() as client:
        await client.send(CONNECT + (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60))[:size])
        end(client)
        assert (await client.read_all()).endswith(b"\r\n\r\n")
    assert [one.decision.detail for one in rig.recorder.decisions] == [explain_hang_up(shown=False)]
    assert rig.recorder.reasons == [Reason.NOT_TLS]


async def test_at_the_certificate(rig: Rig) -> None:
    outgoing = ssl.MemoryBIO()
    tls = rig.client_context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=GOOD)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    async with await rig.connect() as client:
        await client.send(CONNECT)
        await client.read_head()
        await client.send(outgoing.read())
        await client.reader.readexactly(1)
        end(client)
        await client.read_all()
    assert [one.decision.detail for one in rig.recorder.decisions] == [explain_hang_up(shown=True)]


async def test_in_the_middle_of_a_head(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(GET[:-1])
        end(client)
        await until(lambda: rig.recorder.reasons)
        await ended(rig)
    assert rig.recorder.reasons == [Reason.MALFORMED_REQUEST]
    assert not rig.s3.touched


async def test_in_the_middle_of_a_head_in_clear_text_it_is_told_so(tmp_path: Path) -> None:
    async with run_rig(tmp_path, plain="allow") as rig, await rig.connect() as client:
        await client.send(f"GET http://{GOOD}/k HTTP/1.1\r\nHo".encode())
        client.writer.write_eof()
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
        assert rig.recorder.reasons == [Reason.MALFORMED_REQUEST]


async def test_between_two_requests_it_is_no_refusal(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(GET)
        await client.read_answer()
        end(client)
        await ended(rig)
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE]


async def test_in_the_middle_of_a_body(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(PUT + b"12345")
        await until(lambda: rig.s3.heads)
        end(client)
        (done,) = await rig.recorder.wait_completions(1)
        await ended(rig)
    assert (done.complete, done.reason, done.bytes_up) == (False, None, 5)
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE]


@pytest.mark.parametrize("asked", [GET, PUT + b"1234567890"], ids=["GET", "PUT"])
async def test_behind_a_whole_request_the_answer_comes(rig: Rig, asked: bytes) -> None:
    """A client that says at once that it will not say more."""
    async with await rig.tunnel() as client:
        await client.send(asked)
        end(client)
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
        (done,) = await rig.recorder.wait_completions(1)
        await ended(rig)
    assert done.complete


async def test_so_does_that_to_a_polite_end_of_tls(rig: Rig) -> None:
    async with await rig.connect() as raw:
        client = HalfTls(raw)
        await client.open()
        await client.say(GET)
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
        await ended(rig)
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE]


async def test_and_in_clear_text(tmp_path: Path) -> None:
    async with run_rig(tmp_path, plain="allow") as rig, await rig.connect() as client:
        await client.send(f"GET http://{GOOD}/k HTTP/1.1\r\n{HOST}\r\n".encode())
        client.writer.write_eof()
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
        await ended(rig)


async def test_requests_that_were_sent_together_are_all_judged_and_answered(rig: Rig) -> None:
    async with await rig.connect() as raw:
        client = HalfTls(raw)
        await client.open()
        await client.say(GET + PUT + b"1234567890" + LAST)
        assert (await client.read_all()).count(b"HTTP/1.1 200 ") == 3
        await ended(rig)
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE] * 3
    assert [head.split()[1] for head in rig.s3.heads] == [b"/k", b"/k", b"/last"]


async def test_half_a_request_behind_a_whole_one(rig: Rig) -> None:
    async with await rig.connect() as raw:
        client = HalfTls(raw)
        await client.open()
        await client.say(GET + b"GET /secret HTTP/1.1\r\n")
        answers = await client.read_all()
        await ended(rig)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert answers.count(b"HTTP/1.1 403 ") == 1
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.MALFORMED_REQUEST]
    assert len(rig.s3.heads) == 1


async def test_a_refused_request_is_answered_too(rig: Rig) -> None:
    async with await rig.connect() as raw:
        client = HalfTls(raw)
        await client.open()
        await client.say(GET.replace(GOOD.encode(), b"evil-bucket.s3.ap-northeast-1.amazonaws.com") + LAST)
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
        await ended(rig)
    assert rig.recorder.reasons == [Reason.HOST_MISMATCH]
    assert not rig.s3.touched


async def stalled(seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """An S3 that takes a head and says nothing."""
    await read_head(seen, reader)
    await reader.read()


async def unread(seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """An S3 that takes a head and then reads nothing."""
    await read_head(seen, reader)
    await asyncio.Event().wait()


async def test_whoever_waits_with_half_a_connection_waits_as_long_as_anybody(tmp_path: Path) -> None:
    async with run_rig(tmp_path, idle_s=1) as rig, await rig.tunnel() as client:
        rig.s3.script = stalled
        await client.send(GET)
        end(client)
        (done,) = await rig.recorder.wait_completions(1)
        assert (done.complete, done.reason) == (False, Reason.TIMEOUT)
        await ended(rig)


async def test_a_drain_ends_half_a_connection_at_its_deadline(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig, await rig.tunnel() as client:
        rig.s3.script = stalled
        await client.send(GET)
        end(client)
        await until(lambda: rig.s3.heads)
        await rig.gate.drain(0.2)
        (done,) = await rig.recorder.wait_completions(1)
        assert (done.complete, done.reason) == (False, Reason.DRAINING)


async def test_a_reset_ends_a_transfer_at_once(rig: Rig) -> None:
    rig.s3.script = stalled
    client = await rig.tunnel()
    await client.send(GET)
    await until(lambda: rig.s3.heads)
    reset(client)
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.reason) == (False, None)
    await ended(rig)


async def test_a_client_that_is_gone_altogether_is_noticed_at_the_answer(rig: Rig) -> None:
    """A FIN looks the same; the answer is met with a reset."""
    answer = asyncio.Event()

    async def endless(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        await answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

    rig.s3.script = endless
    client = await rig.tunnel()
    await client.send(GET)
    await until(lambda: rig.s3.heads)
    client.writer.transport.abort()
    answer.set()
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.reason) == (False, None)
    await ended(rig)


async def test_a_reset_is_noticed_while_the_upload_waits_for_its_upstream(rig: Rig) -> None:
    """The client is not read then; still its upstream is let go of at once."""
    rig.s3.script = unread
    client = await rig.tunnel()
    watch = rig.gate.addon.services.resets
    client.writer.write(PUT.replace(b": 10", b": 1000000000"))
    client.writer.write(bytes(32 << 20))
    await until(lambda: len(watch))
    reset(client)
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.reason) == (False, None)
    await ended(rig)
    assert len(watch) == 0


async def test_a_reset_of_half_a_connection_is_noticed_too(rig: Rig) -> None:
    rig.s3.script = stalled
    client = await rig.tunnel()
    watch = rig.gate.addon.services.resets
    await client.send(GET)
    end(client)
    await until(lambda: len(watch))
    reset(client)
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.reason) == (False, None)
    await ended(rig)


async def test_half_a_client_whose_upload_waits_is_still_answered(tmp_path: Path) -> None:
    """Its body is whole, in the kernel: it must not be taken for gone."""
    go_on = asyncio.Event()

    async def late(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await serve_ok(seen, reader, writer)

    async with run_rig(tmp_path, plain="allow") as rig, await rig.connect() as client:
        rig.s3.script = late
        watch, transport, size = rig.gate.addon.services.resets, client.writer.transport, 0
        client.writer.write(
            f"PUT http://{GOOD}/k HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        while not len(watch):
            client.writer.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            size += 1 << 16
            await until(lambda: len(watch) or not transport.get_write_buffer_size())
        client.writer.write(b"0\r\n\r\n")
        await until(lambda: not transport.get_write_buffer_size())
        client.writer.write_eof()
        go_on.set()
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
        (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.bytes_up) == (True, size)


async def test_an_upstream_that_ends_in_the_middle_of_its_answer(rig: Rig) -> None:
    async def half(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")

    rig.s3.script = half
    async with await rig.tunnel() as client:
        await client.send(GET)
        assert (await client.read_all()).endswith(b"\r\n\r\nhello")
        (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.reason, done.bytes_down) == (False, Reason.UPSTREAM_UNREACHABLE, 5)


async def test_a_broken_record_in_the_middle_of_a_head_is_one_record(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(GET[:-1])
        send_clear(client, b"clear text")
        await until(lambda: rig.recorder.reasons)
        await ended(rig)
    assert rig.recorder.reasons == [Reason.NOT_TLS]


async def test_a_broken_record_in_the_middle_of_a_body_ends_the_transfer(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(PUT + b"12345")
        await until(lambda: rig.s3.heads)
        send_clear(client, b"\x17\x03\x03\x00\x20" + bytes(32))
        (done,) = await rig.recorder.wait_completions(1)
        await ended(rig)
    assert done.reason is Reason.NOT_TLS
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.NOT_TLS]

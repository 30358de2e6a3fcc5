"""Allowed bodies and answers: every byte, in both directions, with the framing of their own connection."""

import asyncio
import hashlib

import pytest

from e2e.fake_s3 import Seen, answering, read_body, read_head
from e2e.rig import GOOD, Rig
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e

PUT = f"PUT /k HTTP/1.1\r\nHost: {GOOD}\r\n".encode()
GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()


async def test_target_and_headers_are_forwarded_byte_for_byte(rig: Rig) -> None:
    head = (
        f"GET /a//b/../c%2fd%2F%e3%81%82;x?versionId=3%2f4&x-id=GetObject HTTP/1.1\r\nHOST:  {GOOD} \r\n"
        "x-amz-Date:20261122T000000Z\r\nRANGE:   bytes=0-1\t \r\ncontent-encoding: aws-chunked\r\n"
        "Accept-Encoding: identity\r\nx-empty:\r\nX-Latin: \xe9\r\n"
    ).encode("latin-1")
    answer = await rig.ask(
        head + b"Connection: keep-alive\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rig.s3.heads == [head + b"\r\n"]


async def test_chunks_go_in_and_out_with_our_own_sizes(rig: Rig) -> None:
    """An aws-chunked body holds what looks like the end of its own framing."""
    payload = b"5;chunk-signature=a\r\nhello\r\n0\r\n\r\n" + b"y" * 100_000
    body = (
        b"".join(b"%X;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in (payload[:7], payload[7:]))
        + b"0\r\n\r\n"
    )
    async with await rig.tunnel() as client:
        await client.send(PUT + b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 10_007):
            await client.send(body[at : at + 10_007])
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")
    assert rig.s3.connections[0].bodies == [(len(payload), hashlib.sha256(payload).hexdigest())]
    assert rig.s3.heads == [PUT + b"Transfer-Encoding: chunked\r\n\r\n"]
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.bytes_up, done.complete) == (len(payload), True)


async def test_a_chunked_body_split_at_every_byte(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        for byte in PUT + b"Transfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;a=b\r\npedia\r\n0\r\n\r\n":
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")
    assert rig.s3.connections[0].bodies == [(9, hashlib.sha256(b"wikipedia").hexdigest())]


async def test_the_client_is_asked_for_its_body_by_the_upstream_alone(rig: Rig) -> None:
    asked, allow = asyncio.Event(), asyncio.Event()

    async def slow(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(seen, reader)
        asked.set()
        await allow.wait()
        writer.write(b"HTTP/1.1 100 Continue\r\nx-amz-odd: 1\r\n\r\n")
        await read_body(seen, reader, head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    rig.s3.script = slow
    async with await rig.tunnel() as client:
        await client.send(PUT + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        await asyncio.wait_for(asked.wait(), 5)
        assert not client.reader._buffer  # type: ignore[attr-defined] # nothing came yet
        allow.set()
        assert await client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")


async def test_an_early_final_answer_ends_the_connection(rig: Rig) -> None:
    """S3 redirects before the body; the client leaves the body unsent, so the next byte would be ambiguous."""

    async def redirect(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://x/\r\nContent-Length: 2\r\n\r\nno"
        )
        await reader.read()

    rig.s3.script = redirect
    async with await rig.tunnel() as client:
        await client.send(PUT + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 307 Temporary Redirect\r\n")
    assert b"\r\nConnection: close\r\n\r\nno" in answer


ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nETag: x\r\n\r\n",
        b"hello",
        True,
    ),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "no body, 204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "no body, 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True),
    "no reason phrase": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers_arrive_whole(rig: Rig, name: str) -> None:
    raw, body, complete = ANSWERS[name]
    rig.s3.script = answering(raw, close=not complete)
    async with await rig.tunnel() as client:
        await client.send(GET)
        head = await client.read_head()
        got = b""
        if b"chunked" in head:
            got = await client._read_chunks()
        elif body:
            got = await client.reader.readexactly(len(body))
    assert got == body
    assert head[9:12] == raw[9:12]
    (done,) = await rig.recorder.wait_completions(1)
    assert done.complete
    assert done.bytes_down == len(body)


async def test_an_answer_to_head_has_no_body(rig: Rig) -> None:
    rig.s3.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", close=False)
    async with await rig.tunnel() as client:
        await client.send(GET.replace(b"GET", b"HEAD"))
        assert b"\r\nContent-Length: 1000000\r\n" in await client.read_head()
    (done,) = await rig.recorder.wait_completions(1)
    assert done.complete


async def test_a_refused_head_request_has_no_body(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(GET.replace(b"GET", b"HEAD").replace(b"good", b"evil"))
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_connection_serves_many_requests(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        for number in range(5):
            await client.send(GET.replace(b"/k", b"/%d" % number))
            assert (await client.read_answer()).endswith(b"hello from /%d" % number)
    assert len(rig.s3.connections) == 1
    assert len(rig.s3.heads) == 5
    assert [one.upstream.reused for one in rig.recorder.decisions if one.upstream] == [False] + [True] * 4
    done = await rig.recorder.wait_completions(5)
    assert {one.address for one in done} == {"127.0.0.1"}
    assert {one.ttl_s for one in done} == {1}


async def test_a_client_that_asks_to_close_is_closed(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = await client.read_all()
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"hello from /k")


async def test_a_kept_upstream_that_closed_is_dialled_anew(rig: Rig) -> None:
    closed = asyncio.Event()

    async def once(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if len(rig.s3.connections) == 1:
            await read_head(seen, reader)  # takes the second request, and hangs up without a word
            closed.set()
            return
        await reader.read()

    rig.s3.script = once
    async with await rig.tunnel() as client:
        await client.send(GET)
        await client.read_answer()
        await client.send(GET)
        assert (await client.read_answer()).endswith(b"ok")
    assert len(rig.s3.connections) == 2
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE] * 3
    assert [one.upstream.reused for one in rig.recorder.decisions if one.upstream] == [False, True, False]


async def test_a_client_that_goes_away_ends_the_transfer(rig: Rig) -> None:
    gone = asyncio.Event()

    async def endless(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        try:
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
                await asyncio.sleep(0)  # a dead TLS transport never makes `drain` wait
        finally:
            gone.set()

    rig.s3.script = endless
    async with await rig.tunnel() as client:
        await client.send(GET)
        await client.reader.readexactly(100_000)
        client.writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 5)
    (done,) = await rig.recorder.wait_completions(1)
    assert not done.complete
    assert done.status == 200

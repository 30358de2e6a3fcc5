"""Heads that two readers could read in two ways: refused, recorded, answered, closed; nothing upstream."""

import asyncio
import re
from dataclasses import dataclass

import pytest

from e2e.fake_s3 import Seen
from e2e.rig import EVIL, GOOD, OTHER, ROOT, Rig
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e

MALFORMED = Reason.MALFORMED_REQUEST
UPGRADE = Reason.PROTOCOL_UPGRADE


@dataclass(frozen=True)
class Row:
    name: str
    raw: bytes
    reason: Reason
    status: int = 403


def get(
    extra: str = "", *, target: str = "/k", host: str = GOOD, method: str = "GET", version: str = "HTTP/1.1"
) -> bytes:
    return f"{method} {target} {version}\r\nHost: {host}\r\n{extra}\r\n".encode("latin-1")


ROWS = [
    Row("bare LF between lines", f"GET /k HTTP/1.1\nHost: {GOOD}\n\n".encode(), MALFORMED),
    Row("bare LF in a header", get("x: a\ny: b\r\n"), MALFORMED),
    Row("bare CR in a header", get("x: a\rb\r\n"), MALFORMED),
    Row("CR CR LF", get("x: a\r\r\n"), MALFORMED),
    Row("NUL in a header", get("x: a\0b\r\n"), MALFORMED),
    Row("NUL in the target", get(target="/k\0"), MALFORMED),
    Row("folded header", get("x: a\r\n b\r\n"), MALFORMED),
    Row("folded with tab", get("x: a\r\n\tHost: evil\r\n"), MALFORMED),
    Row("space before colon", get("x : a\r\n"), MALFORMED),
    Row("Host with space before colon", f"GET /k HTTP/1.1\r\nHost : {GOOD}\r\n\r\n".encode(), MALFORMED),
    Row("header without colon", get("nonsense\r\n"), MALFORMED),
    Row("empty header name", get(": a\r\n"), MALFORMED),
    Row("line break in front", b"\r\n" + get(), MALFORMED),
    Row("two spaces in the request line", f"GET  /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode(), MALFORMED),
    Row("space in the target", get(target="/k HTTP/1.1 x"), MALFORMED),
    Row("tab in the request line", f"GET\t/k\tHTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode(), MALFORMED),
    Row("HTTP/0.9", b"GET /k\r\n\r\n", MALFORMED),
    Row("HTTP/1.2", get(version="HTTP/1.2"), MALFORMED),
    Row("HTTP/2.0", get(version="HTTP/2.0"), MALFORMED),
    Row("lower-case version", get(version="http/1.1"), MALFORMED),
    Row("no Host", b"GET /k HTTP/1.1\r\n\r\n", MALFORMED),
    Row("two Hosts", get(f"Host: {GOOD}\r\n"), MALFORMED),
    Row("two different Hosts", get(f"host: {EVIL}\r\n"), MALFORMED),
    Row("Connection names Host", get("Connection: host\r\n"), MALFORMED),
    Row("Connection names a signed header", get("Connection: close, x-amz-date\r\n"), MALFORMED),
    Row("another Host", get(host=OTHER), Reason.HOST_MISMATCH),
    Row("an evil Host", get(host=EVIL), Reason.HOST_MISMATCH),
    Row("the service root as Host", get(host=ROOT, target="/evil-bucket/k"), Reason.HOST_MISMATCH),
    Row("absolute form, another name", get(target=f"https://{EVIL}/k"), Reason.HOST_MISMATCH),
    Row("absolute form, another scheme", get(target=f"http://{GOOD}/k"), MALFORMED),
    Row("absolute form, userinfo", get(target=f"https://x@{GOOD}/k"), Reason.MALFORMED_HOST),
    Row(
        "CONNECT in the tunnel",
        f"CONNECT {EVIL}:443 HTTP/1.1\r\nHost: {EVIL}:443\r\n\r\n".encode(),
        MALFORMED,
    ),
    Row(
        "upgrade to h2c",
        get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"),
        UPGRADE,
    ),
    Row(
        "WebSocket",
        get(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n"
        ),
        UPGRADE,
    ),
    Row("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UPGRADE),
    Row("head without end", b"GET /k HTTP/1.1\r\nx: " + b"a" * 70_000, Reason.LIMIT_EXCEEDED, 431),
    Row("head too long", get("x: " + "a" * 70_000 + "\r\n"), Reason.LIMIT_EXCEEDED, 431),
    Row(
        "CL and TE",
        get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", method="PUT") + b"0\r\n\r\n",
        MALFORMED,
    ),
    Row("two CLs", get("Content-Length: 3\r\nContent-Length: 4\r\n", method="PUT") + b"abc", MALFORMED),
    Row("two equal CLs", get("Content-Length: 3\r\nContent-Length: 3\r\n", method="PUT") + b"abc", MALFORMED),
    Row("a list in CL", get("Content-Length: 3, 3\r\n", method="PUT") + b"abc", MALFORMED),
    Row("signed CL", get("Content-Length: +3\r\n", method="PUT") + b"abc", MALFORMED),
    Row("hex CL", get("Content-Length: 0x3\r\n", method="PUT") + b"abc", MALFORMED),
    Row("negative CL", get("Content-Length: -1\r\n", method="PUT"), MALFORMED),
    Row("huge CL", get("Content-Length: 99999999999999999999\r\n", method="PUT"), MALFORMED),
    Row("TE identity", get("Transfer-Encoding: identity\r\n", method="PUT"), MALFORMED),
    Row(
        "TE gzip, chunked",
        get("Transfer-Encoding: gzip, chunked\r\n", method="PUT") + b"0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "TE twice",
        get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", method="PUT") + b"0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "TE with vertical tab",
        get("Transfer-Encoding: \x0bchunked\r\n", method="PUT") + b"0\r\n\r\n",
        MALFORMED,
    ),
    Row("TE quoted", get('Transfer-Encoding: "chunked"\r\n', method="PUT") + b"0\r\n\r\n", MALFORMED),
    Row(
        "TE in HTTP/1.0",
        get("Transfer-Encoding: chunked\r\n", method="PUT", version="HTTP/1.0") + b"0\r\n\r\n",
        MALFORMED,
    ),
    Row("chunk size not hex", get("Transfer-Encoding: chunked\r\n", method="PUT") + b"zz\r\nabc", MALFORMED),
    Row(
        "chunk size with 0x",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"0x3\r\nabc\r\n0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "chunk size negative",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"-1\r\nabc\r\n0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "chunk size huge",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"fffffffffffffffff\r\n",
        MALFORMED,
    ),
    Row(
        "chunk size with bare LF",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3\nabc\r\n0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "chunk longer than its size",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3\r\nabcd\r\n0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "chunk extension with bare CR",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3;a\rb\r\nabc\r\n0\r\n\r\n",
        MALFORMED,
    ),
    Row(
        "chunk extension too long",
        get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3;" + b"a" * 5000 + b"\r\nabc",
        MALFORMED,
    ),
    Row(
        "trailer", get("Transfer-Encoding: chunked\r\n", method="PUT") + b"0\r\nHost: evil\r\n\r\n", MALFORMED
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_inside_the_tunnel(rig: Rig, row: Row) -> None:
    async with await rig.tunnel() as client:
        await client.send(row.raw)
        answer = await client.read_all()
    assert answer.startswith(f"HTTP/1.1 {row.status} ".encode()), answer[:200]
    assert f"x-s3gate-reason: {row.reason}\r\n".encode() in answer
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 1
    assert rig.recorder.reasons == [row.reason]
    assert not rig.s3.touched
    assert not rig.dns.asked


OUTSIDE = [
    Row("plain http", get(target=f"http://{GOOD}/k"), Reason.PLAIN_HTTP),
    Row(
        "plain http, foreign name",
        get(target="http://www.evil.example/k", host="www.evil.example"),
        Reason.HOST_NOT_LISTED,
    ),
    Row("https as absolute form", get(target=f"https://{GOOD}/k"), MALFORMED),
    Row("ftp", get(target=f"ftp://{GOOD}/k"), MALFORMED),
    Row("origin form", get(), MALFORMED),
    Row("TLS to the proxy", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", MALFORMED),
    Row("SSH to the proxy", b"SSH-2.0-OpenSSH_9.9\r\n", MALFORMED),
    Row("PROXY header", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n", MALFORMED),
    Row("binary PROXY header", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c", MALFORMED),
    Row("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UPGRADE),
    Row("head without end", b"CONNECT " + b"a" * 70_000, Reason.LIMIT_EXCEEDED, 431),
]


@pytest.mark.parametrize("row", OUTSIDE, ids=lambda row: row.name)
async def test_before_any_tunnel(rig: Rig, row: Row) -> None:
    async with await rig.connect() as client:
        await client.send(row.raw)
        answer = await client.read_all()
    assert answer.startswith(f"HTTP/1.1 {row.status} ".encode()), answer[:200]
    assert rig.recorder.reasons == [row.reason]
    assert not rig.s3.touched
    assert not rig.dns.asked


async def test_nothing_is_read_as_a_request_after_a_denial(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(get(host=EVIL) + get() + get())
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 1
    assert rig.recorder.reasons == [Reason.HOST_MISMATCH]
    assert not rig.s3.touched


async def test_after_an_allow_the_next_head_is_judged_by_itself(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(get(target="/1") + get(target="/2", host=EVIL) + get(target="/3"))
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 2
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.HOST_MISMATCH]
    assert [head.split(b" ")[1] for head in rig.s3.heads] == [b"/1"]


async def test_a_body_ends_where_it_ends(rig: Rig) -> None:
    """The bytes behind a body are the next head, however they arrive."""
    put = get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3\r\nabc\r\n0\r\n\r\n"
    async with await rig.tunnel() as client:
        await client.send(put + get(target="/2", host=EVIL))
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 2
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.HOST_MISMATCH]
    assert len(rig.s3.heads) == 1


async def test_too_much_behind_a_request_ends_the_connection(rig: Rig) -> None:
    async def never(_seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 20)
        await reader.read()

    rig.s3.script = never
    async with await rig.tunnel() as client:
        await client.send(get() + b"G" * 200_000)
        answer = await client.read_all()
    assert b"LIMIT_EXCEEDED" in answer
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.LIMIT_EXCEEDED]

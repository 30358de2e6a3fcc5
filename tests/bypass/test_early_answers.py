"""S3 answers at the head of a request that asks first: the body that nobody wants is never its next request.

`Expect: 100-continue` parts a request in two. A front end that answers 403 or 307 at the head
has the whole body still to come, and may take it for a request: one that no gate has judged.
"""

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from bypass.attack import REGION, signed_lines
from bypass.ground import run_ground
from bypass.wire import CONTEXT, PATIENCE_S
from drive.wait import until
from e2e.fake_s3 import Seen, read_body, read_head

pytestmark = pytest.mark.e2e

GOOD = f"good-bucket.s3.{REGION}.amazonaws.com"
STOLEN = f"GET /stolen HTTP/1.1\r\nHost: evil-bucket.s3.{REGION}.amazonaws.com\r\n{signed_lines()}\r\n\r\n"
BODIES = {
    "of known length": (f"Content-Length: {len(STOLEN)}", STOLEN),
    "longer than its request": (f"Content-Length: {len(STOLEN) + 10}", STOLEN),
    "in chunks": ("Transfer-Encoding: chunked", f"{len(STOLEN):x}\r\n{STOLEN}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("sent", ["with the head", "before the answer", "behind the answer"])
@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_s3_did_not_ask_for_is_not_its_next_request(
    tmp_path: Path, body: str, sent: str
) -> None:
    framing, content = BODIES[body]
    head = f"PUT /1 HTTP/1.1\r\nHost: {GOOD}\r\n{signed_lines()}\r\nExpect: 100-continue\r\n{framing}\r\n\r\n"
    answer = asyncio.Event()

    async def refuse_at_the_head(
        seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            asked = await read_head(seen, reader)
            await answer.wait()
            if b"expect:" not in asked.lower():
                await read_body(seen, reader, asked)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with run_ground(tmp_path) as ground:
        ground.s3.script = refuse_at_the_head
        reader, writer = await asyncio.open_connection("127.0.0.1", ground.gate.port)
        writer.write(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(CONTEXT, server_hostname=GOOD)
        pieces = {"with the head": [head + content], "before the answer": [head, content]}.get(sent, [head])
        for piece in pieces:
            writer.write(piece.encode())
            await until(lambda: bool(ground.s3.heads))
        answer.set()
        told = b""
        if body != "longer than its request" or sent != "with the head":  # there S3 waits for the rest
            told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        if sent == "behind the answer":
            writer.write(content.encode())
        if sent != "with the head":
            assert b"Connection: close" in told
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.transport.abort()
        await asyncio.wait_for(ground.s3.connections[0].ended.wait(), 10)
        assert [one.split(b" ")[1] for one in ground.s3.heads] == [b"/1"]

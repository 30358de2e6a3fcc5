"""A fake S3 that keeps what it is given, and answers some downloads only when it is let.

The normal case: what was put comes back byte for byte. A key under `held/` is answered
with its head and half of its body at once, with the rest when the test says so.
"""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

from e2e.fake_s3 import Seen, body_pieces, read_head

MISSING = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>no</Message></Error>'
)
Asked = tuple[str, str, str]


def read_chunks(body: bytes) -> bytes:
    """Data of an `aws-chunked` body (Amazon S3 API Reference, "Transferring Payload in Multiple Chunks")."""
    data, rest = b"", body
    while True:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            return data
        data, rest = data + rest[:size], rest[size + 2 :]


def asked_of(head: bytes) -> Asked:
    """Method, bucket and key of a request."""
    method, target, _ = head.split(b" ", 2)
    host = head.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0]
    path = target.decode().partition("?")[0]
    return method.decode(), host.decode().partition(".")[0], unquote(path[1:])


@dataclass
class Store:
    """What it holds, and what it was asked.

    Args:
        asked: every request that reached it, with how often.
        release: lets go what is held.
    """

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    asked: Counter[Asked] = field(default_factory=Counter)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while True:
            head = await read_head(seen, reader)
            asked = asked_of(head)
            self.asked[asked] += 1
            if b"expect: 100-continue" in head.lower():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = b"".join([piece async for piece in body_pieces(reader, head)])
            await self._answer(asked, read_chunks(body) if b"aws-chunked" in head else body, writer)

    async def _answer(self, asked: Asked, body: bytes, writer: asyncio.StreamWriter) -> None:
        method, bucket, key = asked
        if method == "PUT":
            self.objects[bucket, key] = body
            await _write(writer, 200, body, length=0)
            return
        found = self.objects.get((bucket, key))
        if found is None:
            await _write(writer, 404, MISSING, length=len(MISSING))
            writer.write(MISSING if method == "GET" else b"")
            return
        await _write(writer, 200, found, length=len(found))
        if method == "GET":
            await self._send(found, len(found) // 2 if key.startswith("held/") else 0, writer)

    async def _send(self, found: bytes, held: int, writer: asyncio.StreamWriter) -> None:
        """The body; so many bytes at its end must wait."""
        writer.write(found[: len(found) - held])
        await writer.drain()
        if held:
            await self.release.wait()
            writer.write(found[len(found) - held :])
            await writer.drain()


async def _write(writer: asyncio.StreamWriter, status: int, whole: bytes, *, length: int) -> None:
    """A head."""
    tag = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    writer.write(
        f"HTTP/1.1 {status} OK\r\nx-amz-request-id: S3\r\nLast-Modified: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
        f'ETag: "{tag}"\r\nContent-Length: {length}\r\n\r\n'.encode()
    )
    await writer.drain()

"""An origin that records every byte that reaches it, over TLS and in clear text, on one port each.

It answers 200 to whatever it can read. A test that wants another behaviour gives it a
`script`: a coroutine that speaks with the connection itself.
"""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

Script = Callable[["Seen", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Seen:
    """One connection as the origin saw it.

    Args:
        data: clear bytes of heads (and of small bodies).
        requests: heads, in order.
        bodies: size and SHA-256 of each body, chunks taken apart.
        address: the local address it was made to.
        resumed: whether it took up an earlier TLS session, so that no certificate was shown.
    """

    address: str = ""
    data: bytearray = field(default_factory=bytearray)
    requests: list[bytes] = field(default_factory=list)
    bodies: list[tuple[int, str]] = field(default_factory=list)
    failed_handshake: bool = False
    not_tls: bool = False
    resumed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class FakeS3:
    """The origin.

    Args:
        context: its TLS side.
        host: address to listen on; by default every one of this machine.
        ports: for TLS and for clear text, 0 for free ones.
    """

    def __init__(
        self, context: ssl.SSLContext, host: str = "0.0.0.0", ports: tuple[int, int] = (0, 0)
    ) -> None:
        self._context = context
        self._where = [(host, port) for port in ports]
        self.connections: list[Seen] = []
        self.script: Script = serve_ok
        self.port = 0
        self.plain_port = 0
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def touched(self) -> bool:
        """Whether any connection was made at all."""
        return bool(self.connections)

    @property
    def heads(self) -> list[bytes]:
        """Every request head, in order of the connections."""
        return [head for seen in self.connections for head in seen.requests]

    async def __aenter__(self) -> Self:
        """Listen on every loopback address."""
        for accept, (host, port) in zip((self._accept_tls, self._accept_plain), self._where, strict=True):
            server = await asyncio.start_server(accept, host, port, limit=1 << 20)
            self._servers.append(server)
        self.port, self.plain_port = (server.sockets[0].getsockname()[1] for server in self._servers)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()  # a TLS transport would wait for its peer's goodbye
        for writer in self._writers:
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def _accept_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, tls=True)

    async def _accept_plain(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, tls=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, tls: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        seen = Seen(writer.get_extra_info("sockname")[0])
        self.connections.append(seen)
        try:
            if tls:
                await self._shake(writer)
                seen.resumed = writer.get_extra_info("ssl_object").session_reused
            await self.script(seen, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, ValueError) as exc:
            seen.failed_handshake = isinstance(exc, ssl.SSLError) or not seen.data
            seen.not_tls = isinstance(exc, ssl.SSLError) and not seen.data
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            seen.ended.set()
            with contextlib.suppress(OSError, ssl.SSLError, RuntimeError):
                writer.close()

    async def _shake(self, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.start_tls(self._context)
        except (
            BaseException
        ):  # its peer was killed: asyncio tells the streams nothing, and they would be waited for
            self._writers.discard(writer)
            writer.transport.abort()
            raise


async def read_head(seen: Seen, reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    seen.data += head
    seen.requests.append(head)
    return head


async def read_body(seen: Seen, reader: asyncio.StreamReader, head: bytes) -> None:
    """Read a body by its framing, hash it, remember its size."""
    digest = hashlib.sha256()
    size = 0
    async for piece in body_pieces(reader, head):
        digest.update(piece)
        size += len(piece)
    if size or b"content-length" in head.lower() or b"transfer-encoding" in head.lower():
        seen.bodies.append((size, digest.hexdigest()))


async def body_pieces(reader: asyncio.StreamReader, head: bytes) -> AsyncIterator[bytes]:
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
    headers = {name.strip(): value.strip() for name, _, value in fields}
    if headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return
    left = int(headers.get(b"content-length", b"0"))
    while left:
        piece = await reader.read(min(left, 1 << 18))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


async def serve_ok(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request 200; ask for the body when the client expects to be asked."""
    while True:
        head = await read_head(seen, reader)
        if b"expect: 100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
        await read_body(seen, reader, head)
        method, target, _ = head.split(b" ", 2)
        body = b"" if method in (b"PUT", b"HEAD") else b"hello from " + target[:100]
        answer = (
            b"HTTP/1.1 200 OK\r\nx-amz-request-id: REQ1\r\nx-amz-id-2: ID2\r\n"
            b'ETag: "d41d8cd98f00b204e9800998ecf8427e"\r\nContent-Length: %d\r\n\r\n' % len(body)
        )
        writer.write(answer + body)
        await writer.drain()


def answering(*pieces: bytes, close: bool = True) -> Script:
    """A script that reads one request and answers these bytes, whatever they are."""

    async def script(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(seen, reader)
        await read_body(seen, reader, head)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if not close:
            await reader.read()

    return script

"""The TLS front of the emulated AWS: the addresses of the DNS pool, one port, any name under its suffixes.

A connection names its host by SNI, gets a certificate for exactly that name (without SNI,
as clients do for an IP address, one for the addresses), and its bytes go to the emulator's
plain port and back, unread. Each address of the pool has a listening socket of its own,
since a listener on 127.0.0.1 does not take connections to 127.0.0.7 and one on 0.0.0.0
would be open to the network. What arrived is counted by connection, so that a test can
assert which address was dialled and that a refused request sent no byte.
"""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from s3gate.demo.certificates import Authority
from s3gate.demo.dns_server import loopback_pool

CHUNK: Final = 256 * 1024
"""Octets moved at a time."""

PORT_TRIES: Final = 20
"""Free ports tried until one is free on every address of the pool."""


@dataclass(slots=True)
class Arrival:
    """One connection that completed its TLS handshake.

    Args:
        sni: the name asked for, lower case; empty without SNI.
        address: the local address that was dialled.
        received: octets of plain text from the client so far.
    """

    sni: str
    address: str
    received: int = 0


class Origin:
    """The front; `async with Origin(authority, ["amazonaws.com"], port) as origin:` runs it.

    Args:
        authority: signs the certificates.
        suffixes: names it has certificates for, each with everything below it.
        upstream_port: the emulator's port on 127.0.0.1.
        addresses: loopback addresses to listen on.
    """

    def __init__(
        self,
        authority: Authority,
        suffixes: Sequence[str],
        upstream_port: int,
        addresses: Sequence[str] = loopback_pool(),
    ) -> None:
        self.arrivals: list[Arrival] = []
        self.port = 0
        self._authority = authority
        self._suffixes = tuple(suffixes)
        self._upstream_port = upstream_port
        self._addresses = tuple(addresses)
        self._server: asyncio.Server | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._first_context = _context()
        self._first_context.sni_callback = self._choose
        self._flows: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on every address, on one free port.

        Raises:
            OSError: no port is free on all of them.
        """
        for attempt in range(PORT_TRIES):
            first = await asyncio.start_server(self._accept, self._addresses[0], 0)
            self.port = first.sockets[0].getsockname()[1]
            first.close()
            try:
                self._server = await asyncio.start_server(
                    self._accept, self._addresses, self.port, backlog=256
                )
            except OSError:
                if attempt + 1 == PORT_TRIES:
                    raise
            else:
                return

    async def close(self) -> None:
        """Stop listening and end the connections that are open."""
        if self._server is not None:
            self._server.close()
        for flow in tuple(self._flows):
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.close()

    def _choose(self, tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        """Put the certificate of `name` in place, or end the handshake with an alert."""
        name = (name or "").lower()
        if name and not any(name == suffix or name.endswith("." + suffix) for suffix in self._suffixes):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name not in self._contexts:
            pair = self._authority.issue([name] if name else self._addresses)
            context = _context()
            with tempfile.TemporaryDirectory() as directory:
                file = Path(directory) / "leaf.pem"
                file.write_bytes(pair.certificate + pair.private_key)
                context.load_cert_chain(file)
            self._contexts[name] = context
        tls.context = self._contexts[name]
        tls.s3gate_name = name  # type: ignore[union-attr]  # the one place to keep it: server side ssl has no getter
        return None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._flows.add(task)
            task.add_done_callback(self._flows.discard)
        try:
            # Nothing may be awaited before this: what was read until then would be lost.
            await writer.start_tls(self._first_context)
            tls = writer.get_extra_info("ssl_object")
            arrival = Arrival(sni=tls.s3gate_name, address=writer.get_extra_info("sockname")[0])
            self.arrivals.append(arrival)
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            with contextlib.closing(upstream_writer):
                async with asyncio.TaskGroup() as both:
                    both.create_task(_move(reader, upstream_writer, arrival))
                    both.create_task(_move(upstream_reader, writer, None))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()


async def _move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Arrival | None) -> None:
    """Move bytes until the sender ends, then say so to the receiver, as far as its transport can."""
    while data := await reader.read(CHUNK):
        if count is not None:
            count.received += len(data)
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context

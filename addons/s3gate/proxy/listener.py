"""Our own listening socket: accepts, and ends.

The normal case: accept, have the door let it in (door.py), hand over to mitmproxy's
handler. Draining: no new connections; answers close theirs; what is idle is closed after a
while, in which a request that is on its way arrives; the others may finish within a deadline.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client
from s3gate.proxy.arrival import Network, peer_client
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.door import Caller, ConnectionLimits, Door
from s3gate.proxy.front_socket import BACKLOG, HANDSHAKE_S, refuse_handshakes
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.occupancy import Occupancy
from s3gate.proxy.wire import serve_wires

_log = logging.getLogger(__name__)

CLOSE_S: Final = 1.0  # for the last bytes to leave towards a client that is being closed
LINGER_S: Final = 2.0  # how long a draining gate waits for a first or next request on an open connection
LOOK_S: Final = 0.1  # between looks at what is idle while draining

MakeConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Client], GateConnection]


@dataclass(slots=True)
class _Guest:
    """One accepted connection.

    Args:
        since: when it was accepted, on the loop's clock.
        connection: its handler, None while it is not known who it is, or refused.
        cut: whether it was told to end.
    """

    since: float
    connection: GateConnection | None = None
    cut: bool = False


class Listener:
    """Accepts connections until it is drained.

    Args:
        gate: records what is refused here.
        make: makes the handler of one connection.
        limits: how many.
        trusted: load balancers whose PROXY header tells the client; None: the peer is the client.
        occupancy: how many there are in all; None: those of this process.
    """

    def __init__(
        self,
        gate: GateAddon,
        make: MakeConnection,
        limits: ConnectionLimits,
        trusted: Sequence[Network] | None = None,
        occupancy: Occupancy | None = None,
    ) -> None:
        self._services = gate.services
        self._make = make
        self._door = Door(gate, limits, occupancy or Occupancy.alone())
        self._trusted = trusted
        self._open: dict[asyncio.Task[None], _Guest] = {}
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None

    async def start(self, sock: socket.socket) -> int:
        """Listen on a bound socket, which is ours from now on.

        Returns:
            The port.

        Raises:
            OSError: the kernel does not let us.
        """
        self._server = await self._serve(sock, self._trusted)
        self._socket = sock
        bound: int = sock.getsockname()[1]
        return bound

    async def serve_privately(self, sock: socket.socket, peer: tuple[str, int]) -> asyncio.Server:
        """Serve one peer on a socket of its own, on the very way that everybody takes.

        Args:
            sock: bound to a loopback address.
            peer: address and port of the only one that is let in; its PROXY header is believed.

        Returns:
            To be closed by the caller.
        """
        trusted = None if self._trusted is None else (IPv4Network(f"{peer[0]}/32"),)
        return await self._serve(sock, trusted, peer)

    async def drain(self, seconds: float, linger_s: float = LINGER_S) -> None:
        """Stop listening, close what stays idle, let the rest finish for a while, then cut it.

        Args:
            seconds: how long transfers may go on.
            linger_s: how long an open connection may be without a request.
        """
        services, loop = self._services, asyncio.get_running_loop()
        services.leaving = True
        await self._stop_listening(min(linger_s, HANDSHAKE_S))
        began = loop.time()
        while self._open and (left := began + seconds - loop.time()) > 0:
            if loop.time() >= began + linger_s:
                services.draining = True
            for task, guest in tuple(self._open.items()):
                idle = guest.connection is None or not guest.connection.session.busy
                if idle and loop.time() >= max(began, guest.since) + linger_s:
                    _cut(task, guest)
            await asyncio.wait(
                tuple(self._open), timeout=min(left, LOOK_S), return_when=asyncio.FIRST_COMPLETED
            )
        services.draining = True
        for task, guest in tuple(self._open.items()):
            _cut(task, guest)
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=2 * CLOSE_S)
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), CLOSE_S)

    @property
    def handlers(self) -> list[GateConnection]:
        """Those of the clients that are known."""
        return [guest.connection for guest in self._open.values() if guest.connection is not None]

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._open)

    @property
    def tunnels(self) -> int:
        """Open connections with an accepted CONNECT."""
        open_ones = (guest.connection for guest in tuple(self._open.values()))
        return sum(one is not None and one.session.connect is not None for one in open_ones)

    async def _serve(
        self, sock: socket.socket, trusted: Sequence[Network] | None, only: tuple[str, int] | None = None
    ) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername")
            task = asyncio.current_task()
            if task is None or not peer or only not in (None, peer):
                writer.close()
                return
            self._open[task] = guest = _Guest(asyncio.get_running_loop().time())
            try:
                # Whoever is let in alone is the gate itself: it must be able to test itself when it is full.
                caller = Caller(reader, writer, peer_client(peer[:2]), trusted, limited=only is None)
                await self._door.welcome(caller, partial(self._serve_guest, guest, reader, writer))
            except Exception:  # noqa: BLE001 - the gate: the connection ends
                _log.exception("a connection broke")
            finally:
                try:
                    await _hang_up(writer)
                finally:
                    del self._open[task]

        return await serve_wires(accept, sock, BACKLOG)

    async def _stop_listening(self, seconds: float) -> None:
        """Close the listening socket without resetting anybody whom the kernel let in already."""
        if self._server is None or self._socket is None or not self._server.is_serving():
            return
        if seconds and refuse_handshakes(self._socket):
            await asyncio.sleep(seconds)
        self._server.close()

    async def _serve_guest(
        self, guest: _Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: Client
    ) -> None:
        guest.connection = self._make(reader, writer, client)
        await guest.connection.handle_client()


def _cut(task: asyncio.Task[None], guest: _Guest) -> None:
    """Tell a connection to end, once."""
    if guest.connection is not None:
        guest.connection.session.cut = Reason.DRAINING
        guest.connection.cancel()
    elif not guest.cut:
        guest.cut = True
        task.cancel()


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; a client that does not read must not keep it open."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), CLOSE_S)
    except (OSError, TimeoutError):
        writer.transport.abort()

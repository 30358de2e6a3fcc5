"""Our own listening socket: who may come in, how many, and how it ends.

The normal case: accept, count, hand over to mitmproxy's handler. One client too many is
answered 503 with its reason and recorded. Draining: no new connections, idle ones are
closed, the others may finish within a deadline.
"""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client, Request
from s3gate.proxy.connection import READ_BYTES, GateConnection
from s3gate.proxy.denial import render_connect_denial
from s3gate.proxy.gate import GateAddon

_log = logging.getLogger(__name__)

BACKLOG: Final = 1024  # connections that the kernel holds while we are busy; SOMAXCONN caps it
REFUSED_LINGER_S: Final = 1.0  # for a client above the limits to read its answer
CLOSE_S: Final = 1.0  # for the last bytes to leave towards a client that is being closed
REFUSED_BYTES: Final = 65_536  # of it that are read and thrown away

MakeConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Client], GateConnection]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many clients at once.

    Args:
        connections: in all.
        connections_per_client: of one address.
    """

    connections: int
    connections_per_client: int


class Listener:
    """Accepts connections until it is drained.

    Args:
        gate: records what is refused here.
        make: makes the handler of one connection.
        limits: how many.
    """

    def __init__(self, gate: GateAddon, make: MakeConnection, limits: ConnectionLimits) -> None:
        self._gate = gate
        self._make = make
        self._limits = limits
        self._open: dict[asyncio.Task[None], GateConnection | None] = {}
        self._clients: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen.

        Args:
            host: address to bind.
            port: TCP port, 0 for a free one.

        Returns:
            The port.

        Raises:
            OSError: it cannot be bound.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            self._server = await asyncio.start_server(
                self._accept, sock=sock, limit=READ_BYTES, backlog=BACKLOG
            )
        except BaseException:
            sock.close()
            raise
        bound: int = sock.getsockname()[1]
        return bound

    async def drain(self, seconds: float) -> None:
        """Stop listening, close what is idle, let the rest finish for a while, then cut it.

        Args:
            seconds: how long transfers may go on.
        """
        if self._server is not None:
            self._server.close()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._open:
            for connection in self._open.values():
                if connection is not None and not connection.session.busy:
                    connection.cancel()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(tuple(self._open), timeout=min(left, 0.1), return_when=asyncio.FIRST_COMPLETED)
        for task, connection in tuple(self._open.items()):
            if connection is not None:
                connection.cancel()
            else:
                task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=2 * CLOSE_S)
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), CLOSE_S)

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._open)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")
        if task is None or not peer:
            writer.close()
            return
        client = Client(peer[0], peer[1])
        over = self._over(client)
        self._open[task] = None
        self._clients[client.address] += 1
        try:
            if over is not None:
                await self._turn_away(reader, writer, client, over)
                return
            connection = self._make(reader, writer, client)
            self._open[task] = connection
            await connection.handle_client()
        except Exception:  # noqa: BLE001 - the gate: the connection ends
            _log.exception("a connection broke")
        finally:
            await _hang_up(writer)
            del self._open[task]
            self._clients[client.address] -= 1
            if not self._clients[client.address]:
                del self._clients[client.address]

    def _over(self, client: Client) -> str | None:
        if len(self._open) >= self._limits.connections:
            return f"more than {self._limits.connections} connections are open"
        if self._clients[client.address] >= self._limits.connections_per_client:
            return f"more than {self._limits.connections_per_client} connections are open from this client"
        return None

    async def _turn_away(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: Client, detail: str
    ) -> None:
        services = self._gate.services
        request = Request("", "http", None, "", (), None, None, client, services.now())
        exchange = services.exchange(request)
        exchange.decision = services.refuse(Reason.LIMIT_EXCEEDED, detail)
        await self._gate.s3gate_refused(exchange)
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(render_connect_denial(exchange.decision, exchange.decision_id).to_bytes())
            writer.write_eof()
            async with asyncio.timeout(REFUSED_LINGER_S):
                for _ in range(REFUSED_BYTES):
                    if not await reader.read(READ_BYTES):
                        break


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; a client that does not read must not keep it open."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), CLOSE_S)
    except (OSError, TimeoutError):
        writer.transport.abort()

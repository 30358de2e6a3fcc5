"""One side of a client's connection, the client's or the upstream's: from its wire to the layers.

The normal case: what the wire reads is told to the layers at once; the wire reads on when
the other side has taken what became of it. Each direction waits for itself alone.
"""

import asyncio
from collections.abc import Callable, Iterable

from mitmproxy.connection import Connection
from mitmproxy.proxy import events

from s3gate.proxy.wire import Wire

Tell = Callable[[events.Event], None]
Wires = Callable[[], Iterable[Wire]]


class Side:
    """What one wire brings.

    Args:
        connection: mitmproxy's name for it.
        wire: of it.
        tell: gives the layers an event.
        wires: all that the connection has now, this one too.
    """

    def __init__(self, connection: Connection, wire: Wire, tell: Tell, wires: Wires) -> None:
        self._connection, self._wire, self._tell, self._wires = connection, wire, tell, wires
        loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()

    async def run(self) -> None:
        """Hand on what comes, until the peer ends its half.

        Raises:
            OSError: it is gone altogether.
        """
        self._wire.take_over(self)
        await asyncio.wait((self._end, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if not self._end.done():
            raise OSError("reset by the peer")

    async def lost(self) -> None:
        """Return once the peer is gone altogether."""
        with self._wire.watched():
            await self._lost

    # -- a wire's receiver --------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Give it to the layers; read on when the other side has taken what became of it."""
        self._tell(events.DataReceived(self._connection, data))
        for other in self._wires():
            if other.full and other is not self._wire:
                self._wire.wait_for(other)

    def ended(self) -> None:
        """The peer sends nothing more."""
        if not self._end.done():
            self._end.set_result(None)

    def gone(self) -> None:
        """The connection is no more."""
        if not self._lost.done():
            self._lost.set_result(None)

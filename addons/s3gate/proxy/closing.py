"""The end of a client's connection: the last answer is out, and the client is heard out for a while.

The normal case: our half ends, what the client still sends is thrown away, and it closes
when it has read the answer. To close at once would reset the connection under an upload,
and the client would never see why (RFC 9112 §9.6).
"""

from typing import Final

from mitmproxy.proxy import commands, layer
from mitmproxy.proxy.context import Context

from s3gate.proxy.exchange import Session

DISCARD_BYTES: Final = 8 << 20  # more than both kernels hold together
DISCARD_S: Final = 3.0  # a client that reads its answer does so within a round trip


class Closing:
    """Hears a client out.

    Args:
        context: of the layer that answered.
        session: the client's connection.
    """

    def __init__(self, context: Context, session: Session) -> None:
        self._client, self._session = context.client, session
        self.timer: commands.RequestWakeup | None = None
        """When it rings, the client has been heard out."""
        self._discarded = 0

    def begin(self, *, ended: bool) -> layer.CommandGenerator[None]:
        """End our half.

        Args:
            ended: whether the client has ended its own already.
        """
        self._session.valve.open()
        self._session.busy = False
        if ended:
            yield commands.CloseConnection(self._client)
            return
        yield commands.CloseTcpConnection(self._client, half_close=True)
        self.timer = commands.RequestWakeup(DISCARD_S)
        yield self.timer

    def discard(self, data: bytes) -> layer.CommandGenerator[None]:
        """Throw away what the client still sends, but not without end."""
        self._discarded += len(data)
        if self._discarded > DISCARD_BYTES:
            yield commands.CloseConnection(self._client)

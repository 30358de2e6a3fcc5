"""One connection to the upstream, seen from the HTTP layer: open it, send, hear what comes.

The normal case: `start` opens the connection (the dial is sealed, see dial.py) and does
the TLS handshake for the judged name; then bytes go out with `send` and come back as
news. A leg belongs to one (host, port) and is never pointed elsewhere.
"""

from collections import deque
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from mitmproxy.connection import Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from s3gate.proxy.exchange import HTTPS_PORT
from s3gate.proxy.ports import Upstream
from s3gate.proxy.services import Services
from s3gate.proxy.tunnel import UpstreamTls
from s3gate.s3.host import HostName

CLOSED_IN_HANDSHAKE: Final = "connection closed"  # mitmproxy's TunnelLayer, when the peer hangs up early


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection stands, or it does not.

    Args:
        problem: why not, or None.
        tls: whether TLS, not the network, was the problem.
    """

    problem: str | None = None
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """Clear bytes of the upstream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The upstream will send nothing more."""


News = Opened | Received | Closed


class _Send(events.Event):
    """The HTTP layer has bytes for the upstream."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class _Close(events.Event):
    """The HTTP layer is done with the upstream."""


class _Leaf(layer.Layer):
    """The end of the upstream's layers: turns events into news and wishes into commands."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.news: deque[News] = deque()
        self.ended = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        server = self.context.server
        if isinstance(event, _Send):
            yield commands.SendData(server, event.data)
        elif isinstance(event, _Close):
            yield commands.CloseConnection(server)
        elif isinstance(event, events.Start):
            problem = yield commands.OpenConnection(server)
            self.news.append(Opened(problem))
        elif isinstance(event, events.DataReceived):
            self.news.append(Received(event.data))
        elif isinstance(event, events.ConnectionClosed) and not self.ended:
            self.ended = True
            self.news.append(Closed())
            yield commands.CloseConnection(server)


class Leg:
    """One upstream connection.

    Args:
        context: of the HTTP layer.
        services: what the layers share.
        host: judged name.
        port: 443 with TLS, 80 in clear text.
        upstream: judged addresses and their time to live.
    """

    def __init__(
        self, context: Context, services: Services, host: HostName, port: int, upstream: Upstream
    ) -> None:
        fork = context.fork()
        fork.server = Server(address=(host, port))
        self.server = fork.server
        self.key = (host, port)
        self.upstream = upstream
        self._meter = services.meter
        self._began = 0.0
        self._leaf = _Leaf(fork)
        self._tls = UpstreamTls(fork, services, host, self._leaf) if port == HTTPS_PORT else None
        self._top: layer.Layer = self._tls or self._leaf

    @property
    def address(self) -> str | None:
        """The address that was dialled."""
        return self.server.peername[0] if self.server.peername else None

    @property
    def address_port(self) -> int | None:
        """Its port."""
        return self.server.peername[1] if self.server.peername else None

    @property
    def alive(self) -> bool:
        """Whether the upstream may still be spoken to."""
        return self.server.connected and not self._leaf.ended

    def start(self) -> layer.CommandGenerator[None]:
        """Dial."""
        self._began = perf_counter()
        yield from self._top.handle_event(events.Start())

    def handle(self, event: events.Event) -> layer.CommandGenerator[None]:
        """An event of mitmproxy that may be this connection's."""
        yield from self._top.handle_event(event)

    def send(self, data: bytes) -> layer.CommandGenerator[None]:
        """Send clear bytes."""
        yield from self._top.handle_event(_Send(data))

    def close(self) -> layer.CommandGenerator[None]:
        """Hang up; nothing more is heard of it."""
        self._leaf.ended = True
        if self._tls is not None:
            self._tls.leave()
        yield commands.CloseConnection(self.server)

    def hear(self) -> News | None:
        """The next news, oldest first, or None."""
        if not self._leaf.news:
            return None
        news = self._leaf.news.popleft()
        if isinstance(news, Opened):
            self._meter.took("connect", perf_counter() - self._began)
        if isinstance(news, Opened) and news.problem is not None and self._tls is not None:
            failure = self._tls.failure
            return Opened(failure or news.problem, tls=failure not in (None, CLOSED_IN_HANDSHAKE))
        return news

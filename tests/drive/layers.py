"""What tests of the layers share: a gate without sockets, whose hooks the test answers itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import NOTHING_READ, Reading
from s3gate.policy.reading import Client as Asker
from s3gate.proxy.authority import Authority
from s3gate.proxy.exchange import Exchange, Session
from s3gate.proxy.flow import exchange_of
from s3gate.proxy.ports import Upstream
from s3gate.proxy.services import Services
from s3gate.proxy.tls import TlsEnds
from s3gate.s3.host import HostName

HOST = HostName("good-bucket.s3.ap-northeast-1.amazonaws.com")
ALLOW = Decision(Reason.ALLOWED_BY_RULE, "on the egress allowlist", Reading(host=HOST))
DENY = Decision(Reason.BUCKET_NOT_LISTED, "not on the egress allowlist", NOTHING_READ)


JUDGING = {"http_connect", "requestheaders", "s3gate_connect", "s3gate_request", "s3gate_hello"}


class NoPolicy:
    """A policy source without a policy: what the layers refuse themselves needs none."""

    def current(self) -> None:
        return None


def make_services(**changes: object) -> Services:
    authority = Authority.generate(datetime.now(UTC))
    values = {
        "tls": TlsEnds(authority, None),
        "policy_source": NoPolicy(),
        "new_id": lambda: "01ID",
        "head_bytes": 1000,
        "connect_timeout_s": 5.0,
    }
    return Services(**(values | changes))  # type: ignore[arg-type] # a table of keyword arguments


def make_context() -> Context:
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), state=ConnectionState.OPEN)
    return Context(client, Options())


def make_session(connect: str | None = None) -> Session:
    return Session(Asker("127.0.0.1", 1), connect=connect, sni=HOST if connect else None)


def allow(exchange: Exchange) -> None:
    """What the gate does with an allowed request, or a CONNECT that may go on."""
    if exchange.request.method == "CONNECT":
        exchange.lifted = True
        return
    exchange.decision = ALLOW
    exchange.recorded = True
    exchange.host = HOST
    exchange.port = 80 if exchange.request.connect is None else 443
    exchange.upstream = Upstream(("127.0.0.1",), 1, reused=exchange.reusable is not None)


def deny(exchange: Exchange) -> None:
    exchange.decision = DENY
    exchange.recorded = True


class Driver:
    """Feeds events to a layer and answers its blocking commands.

    Args:
        top: the layer.
        judge: what a judging hook does with its exchange.
    """

    def __init__(self, top: layer.Layer, context: Context, judge: Callable[[Exchange], None] = allow) -> None:
        self.top, self.context, self.judge = top, context, judge
        self.commands: list[commands.Command] = []
        self.hooks: list[str] = []
        self.paused = False
        self._waiting: list[commands.StartHook] = []

    def feed(self, event: events.Event) -> None:
        for command in self.top.handle_event(event):
            self.commands.append(command)
            if isinstance(command, commands.StartHook):
                self.hooks.append(command.name)
                self._waiting.append(command)
        if not self.paused:
            self.resume()

    def resume(self) -> None:
        self.paused = False
        while self._waiting:
            hook = self._waiting.pop(0)
            (data,) = hook.args()
            exchange = (
                data
                if isinstance(data, Exchange)
                else exchange_of(data)
                if hasattr(data, "request")
                else None
            )
            if hook.name in JUDGING and exchange is not None:
                self.judge(exchange)
            if hook.name == "s3gate_refused" and exchange is not None:
                exchange.recorded = True
            if hook.blocking:
                self.feed(events.HookCompleted(hook))

    def data(self, data: bytes) -> None:
        self.feed(events.DataReceived(self.context.client, data))

    def sent(self) -> bytes:
        """Everything sent to the client."""
        return b"".join(
            one.data for one in self.of(commands.SendData) if one.connection is self.context.client
        )

    def of[T: commands.Command](self, kind: type[T]) -> list[T]:
        return [one for one in self.commands if isinstance(one, kind)]

    def closes(self) -> Iterator[commands.CloseConnection]:
        return (one for one in self.of(commands.CloseConnection) if one.connection is self.context.client)

"""Each head before the gate: an exchange begins, the gate's hook judges it, what has no verdict is denied.

The normal case: the valve is closed, so that the client is not read while its head is
judged; the hook leaves a recorded verdict on the exchange; the valve opens. What the layers
refuse by themselves is recorded through `deny`. mitmweb is shown a picture of each.
"""

from collections.abc import Iterable

from mitmproxy.http import HTTPFlow
from mitmproxy.proxy import layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._hooks import HttpConnectHook, HttpRequestHeadersHook, HttpResponseHook

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Request
from s3gate.proxy.carriage import HELD_BYTES
from s3gate.proxy.exchange import Exchange, Session
from s3gate.proxy.flow import make_flow, register, show_answer
from s3gate.proxy.head import RequestHead
from s3gate.proxy.hooks import S3gateConnectHook, S3gateRefusedHook, S3gateRequestHook
from s3gate.proxy.services import Services


class Hearing:
    """Has the heads of one HTTP layer judged, one after the other.

    Args:
        context: of the layer.
        services: what the layers share.
        session: the client's connection.
    """

    exchange: Exchange | None = None
    """The one that is judged, or was the last."""

    def __init__(self, context: Context, services: Services, session: Session) -> None:
        self._context, self._services, self._session = context, services, session
        self._scheme = "http" if session.connect is None else "https"
        self._flow: HTTPFlow | None = None
        self._flood = 0

    def request(self, head: RequestHead, authority: str | None, target: str) -> Request:
        """What is judged of a head.

        Args:
            head: as sent.
            authority: that of an absolute-form target, or None.
            target: the rest of the target, raw.
        """
        return self._session.request(head, self._scheme, authority, target, self._services.now())

    def begin(self, request: Request) -> Exchange:
        """A new exchange."""
        self.exchange = self._session.asked = exchange = self._services.exchange(request)
        exchange.proof = self._session.proof
        return exchange

    def judge(
        self,
        exchange: Exchange,
        head: RequestHead,
        hook: type[S3gateConnectHook] | type[S3gateRequestHook],
        shown: type[HttpConnectHook] | type[HttpRequestHeadersHook],
    ) -> layer.CommandGenerator[None]:
        """Have an exchange judged; nothing more is read of the client until the way is clear.

        Args:
            exchange: from `begin`.
            head: as sent.
            hook: the gate's own, that judges.
            shown: mitmproxy's in its place where flows are shown.
        """
        self._flood = 0
        self._session.valve.close()
        if self._services.show_flows:
            self._flow = make_flow(self._context, head, exchange.request)
            register(self._flow, exchange)
            yield shown(self._flow)
        else:
            yield hook(exchange)
        self._session.valve.open()
        if self._flood > HELD_BYTES:
            exchange.lifted = False
            yield from self.deny(exchange, Reason.LIMIT_EXCEEDED, "too much was sent before the verdict")
        elif exchange.decision is None and not exchange.lifted:
            yield from self.deny(exchange, Reason.INTERNAL_ERROR, "the gate gave no verdict")

    def holds(self, size: int) -> bool:
        """Whether so many more bytes may wait for the verdict.

        mitmdump's own reader knows no valve; a client that sent what does not fit is refused by `judge`.
        """
        self._flood += size
        return self._flood <= HELD_BYTES

    def deny(self, exchange: Exchange, reason: Reason, detail: str) -> layer.CommandGenerator[None]:
        """Refuse by ourselves, and have that recorded."""
        exchange.decision = self._services.refuse(reason, detail)
        yield S3gateRefusedHook(exchange)

    def show(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> layer.CommandGenerator[None]:
        """Let mitmweb show how it ended."""
        flow, self._flow = self._flow, None
        if self._services.show_flows and flow is not None:
            show_answer(flow, status, headers, body)
            hook = HttpResponseHook(flow)
            hook.blocking = False
            yield hook

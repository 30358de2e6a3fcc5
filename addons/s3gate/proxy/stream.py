"""HTTP/1.1 with the client: reads heads, has each judged, then refuses it there or carries it on.

The normal case inside a tunnel: a head is complete, the gate's hook judges it, the
upstream connection is opened or reused, both bodies stream. A refused request is
answered at its head: no 100 Continue, its body thrown away within limits, then the
connection ends. Before the verdict no more of the client is read than came with the head.
"""

import logging
from enum import Enum, auto
from typing import Final

from mitmproxy.http import HTTPFlow
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._hooks import HttpConnectHook, HttpRequestHeadersHook

from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Request
from s3gate.proxy.denial import Answer, render_connect_denial, render_denial
from s3gate.proxy.exchange import HTTP_PORT, HTTPS_PORT, Exchange, Session
from s3gate.proxy.flow import make_flow, register
from s3gate.proxy.forward import check_forwardable, split_target
from s3gate.proxy.framing import BodyError, request_body
from s3gate.proxy.head import HeadBuffer, HeadRefused, RequestHead, parse_request_head
from s3gate.proxy.hooks import S3gateCompletedHook, S3gateRefusedHook
from s3gate.proxy.services import Services
from s3gate.proxy.transfer import BadGateway, Transfer
from s3gate.proxy.tunnel import ClientTls
from s3gate.proxy.upstream import Closed, Leg, Opened, Received

_log = logging.getLogger(__name__)

HEAD_S: Final = 10.0  # from the first byte of a head to its last; a client sends it in one piece
# A refused body is read and thrown away so that the client comes to read the answer, but not for ever.
DISCARD_BYTES: Final = 8 << 20  # more than both kernels hold together
DISCARD_S: Final = 3.0
HELD_BYTES: Final = 1 << 20  # body bytes that may wait for the upstream; the valve is closed meanwhile
ACCEPTED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Phase(Enum):
    """Where the connection stands; while a hook judges, the layer is paused."""

    HEAD = auto()
    DIAL = auto()
    RELAY = auto()
    DISCARD = auto()
    TUNNEL = auto()


class HttpGate(layer.Layer):
    """One side of the client's connection that speaks HTTP: outside, or inside an accepted CONNECT.

    Args:
        context: mitmproxy's.
        services: what the layers share.
        session: the client's connection.
    """

    def __init__(self, context: Context, services: Services, session: Session) -> None:
        super().__init__(context)
        self._services = services
        self._session = session
        self._inside = session.connect is not None
        self._scheme = "https" if self._inside else "http"
        self._heads = HeadBuffer(services.head_bytes, request=True)
        self._phase = Phase.HEAD
        self._timer: commands.RequestWakeup | None = None
        self._discarded = 0
        self._child: layer.Layer | None = None
        self._leg: Leg | None = None
        self._transfer: Transfer | None = None
        self._exchange: Exchange | None = None
        self._flow: HTTPFlow | None = None

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._child is not None:
            yield from self._child.handle_event(event)
            return
        try:
            yield from self._on_event(event)
        except Exception:  # noqa: BLE001 - the gate: whatever breaks here denies
            _log.exception("the HTTP layer broke; the request is denied")
            yield from self._on_crash()

    def _on_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        client = self.context.client
        if isinstance(event, events.ConnectionEvent) and event.connection is client:
            if isinstance(event, events.DataReceived):
                yield from self._on_client_data(event.data)
            elif isinstance(event, events.ConnectionClosed):
                yield from self._on_client_closed()
        elif isinstance(event, events.Wakeup):
            if event.command is self._timer:
                yield from self._on_timer()
        elif self._leg is not None and not isinstance(event, events.Start):
            if isinstance(event, events.ConnectionEvent) and event.connection is not self._leg.server:
                return  # of a connection that was left behind
            yield from self._leg.handle(event)
            yield from self._on_news()

    # -- the client's bytes ---------------------------------------------------------------

    def _on_client_data(self, data: bytes) -> layer.CommandGenerator[None]:
        if self._phase is Phase.DISCARD:
            self._discarded += len(data)
            if self._discarded > DISCARD_BYTES:
                yield commands.CloseConnection(self.context.client)
        elif self._transfer is not None and not self._transfer.request_done:
            yield from self._on_body(data)
        else:
            self._heads.feed(data)
            if self._phase is Phase.HEAD:
                yield from self._read_head()
            elif len(self._heads) > self._services.head_bytes:
                yield from self._fail(Reason.LIMIT_EXCEEDED, "too much was sent before the answer to it")

    def _on_body(self, data: bytes) -> layer.CommandGenerator[None]:
        transfer, leg = self._transfer, self._leg
        if transfer is None or leg is None:
            raise AssertionError("a body without a transfer")
        try:
            out, rest = transfer.feed_request(data)
        except BodyError as exc:
            yield from self._fail(Reason.MALFORMED_REQUEST, str(exc))
            return
        if transfer.held > HELD_BYTES:
            yield from self._fail(Reason.LIMIT_EXCEEDED, "too much was sent before the upstream was there")
            return
        if rest:
            self._heads.feed(rest)
        if out:
            yield from leg.send(out)

    def _on_client_closed(self) -> layer.CommandGenerator[None]:
        """The client is gone, or half gone: nobody waits for what is still on its way."""
        if self._transfer is not None:
            reason = Reason.TIMEOUT if self._session.timed_out else None
            yield from self._complete(reason, "the client closed before the end")
        yield from self._leave_leg()
        self._session.busy = False
        yield commands.CloseConnection(self.context.client)

    def _on_timer(self) -> layer.CommandGenerator[None]:
        self._timer = None
        if self._phase is Phase.DISCARD:
            yield commands.CloseConnection(self.context.client)
        elif self._phase is Phase.DIAL:
            yield from self._fail(Reason.UPSTREAM_UNREACHABLE, "the upstream did not answer the dial in time")
        elif self._phase is Phase.HEAD:
            yield from self._refuse_unread(Reason.TIMEOUT, f"the head took longer than {HEAD_S:.0f} s")

    # -- heads ----------------------------------------------------------------------------

    def _read_head(self) -> layer.CommandGenerator[None]:
        try:
            raw = self._heads.take()
        except HeadRefused as exc:
            status = 431 if exc.reason is Reason.LIMIT_EXCEEDED else None
            yield from self._refuse_unread(exc.reason, exc.detail, status)
            return
        if raw is None:
            if len(self._heads) and self._timer is None:
                yield from self._set_timer(HEAD_S)
            return
        self._timer = None
        self._session.busy = True
        try:
            head = parse_request_head(raw)
            tunnel = head.method == "CONNECT" and not self._inside
            authority, target = (None, head.target) if tunnel else split_target(head.target, self._scheme)
        except HeadRefused as exc:
            yield from self._refuse_unread(exc.reason, exc.detail)
            return
        if tunnel:
            yield from self._on_connect(head)
        else:
            yield from self._on_request(head, authority, target)

    def _on_connect(self, head: RequestHead) -> layer.CommandGenerator[None]:
        self._session.connect = head.target
        exchange = self._begin(self._request(head, None, head.target))
        try:
            if request_body(head) is not None:
                raise HeadRefused(Reason.MALFORMED_REQUEST, "a CONNECT with a body")  # noqa: TRY301 - one way to refuse
        except HeadRefused as exc:
            exchange.problem = self._services.refuse(exc.reason, exc.detail)
        yield from self._judge(head, HttpConnectHook)
        if not exchange.lifted or exchange.decision is not None:
            yield from self._refuse()
            return
        self._session.busy = False
        yield commands.SendData(self.context.client, ACCEPTED)
        session, services = self._session, self._services
        self._child = ClientTls(self.context, services, session, lambda ctx: HttpGate(ctx, services, session))
        self._phase = Phase.TUNNEL
        yield from self._child.handle_event(events.Start())
        if rest := self._heads.rest():
            yield from self._child.handle_event(events.DataReceived(self.context.client, rest))

    def _on_request(
        self, head: RequestHead, authority: str | None, target: str
    ) -> layer.CommandGenerator[None]:
        exchange = self._begin(self._request(head, authority, target))
        transfer: Transfer | None = None
        try:
            check_forwardable(head)
            transfer = Transfer(exchange, head, target, request_body(head))
            # What came with the head is read before the verdict: a body broken already is refused unsent.
            _, rest = transfer.feed_request(self._heads.rest())
            self._heads.feed(rest)
        except HeadRefused as exc:
            exchange.problem = self._services.refuse(exc.reason, exc.detail)
        except BodyError as exc:
            exchange.problem = self._services.refuse(Reason.MALFORMED_REQUEST, str(exc))
        if self._leg is not None and self._leg.alive:
            exchange.reusable = (self._leg.key, self._leg.upstream)
        yield from self._judge(head, HttpRequestHeadersHook)
        decision = exchange.decision
        if transfer is None or decision is None or not decision.allowed or not exchange.recorded:
            yield from self._refuse()
            return
        self._transfer = transfer
        if self._services.draining:
            transfer.end_connection()
        yield from self._carry(exchange, transfer)

    def _request(self, head: RequestHead, authority: str | None, target: str) -> Request:
        session = self._session
        return Request(
            method=head.method,
            scheme=self._scheme if session.connect is None or self._inside else "https",
            authority=authority,
            target=target,
            headers=head.headers,
            connect=session.connect,
            sni=session.sni,
            client=session.client,
            now=self._services.now(),
            http_version=head.http_version,
        )

    def _begin(self, request: Request) -> Exchange:
        self._exchange = exchange = self._services.exchange(request)
        return exchange

    def _judge(
        self, head: RequestHead, hook: type[HttpConnectHook] | type[HttpRequestHeadersHook]
    ) -> layer.CommandGenerator[None]:
        """Have the exchange judged; nothing more is read of the client until the way is clear."""
        exchange = self._exchange
        if exchange is None:
            raise AssertionError("nothing to judge")
        self._session.valve.close()
        self._flow = make_flow(self.context, head, exchange.request)
        register(self._flow, exchange)
        yield hook(self._flow)
        self._session.valve.open()
        if exchange.decision is None and not exchange.lifted:
            exchange.decision = self._services.refuse(Reason.INTERNAL_ERROR, "the gate gave no verdict")
            yield S3gateRefusedHook(exchange)

    # -- the upstream ---------------------------------------------------------------------

    def _carry(self, exchange: Exchange, transfer: Transfer) -> layer.CommandGenerator[None]:
        """Bring an allowed, recorded request on its way."""
        host, port, upstream = exchange.host, exchange.port, exchange.upstream
        if host is None or upstream is None or port != (HTTPS_PORT if self._inside else HTTP_PORT):
            raise AssertionError("an allow without a destination")
        leg = self._leg
        if upstream.reused:
            if leg is None or not leg.alive or leg.key != (host, port):
                yield from self._retry_or_fail("the upstream closed the connection")
                return
            yield from self._send_request(transfer, leg)
            return
        yield from self._leave_leg()
        self._leg = Leg(self.context, self._services, host, port, upstream)
        self._phase = Phase.DIAL
        self._session.valve.close()
        self._services.judged[self._leg.server.id] = (self._leg.key, upstream)
        yield from self._set_timer(self._services.connect_timeout_s)
        yield from self._leg.start()
        yield from self._on_news()

    def _send_request(self, transfer: Transfer, leg: Leg) -> layer.CommandGenerator[None]:
        self._timer = None
        self._phase = Phase.RELAY
        self._session.valve.open()
        yield from leg.send(transfer.open())

    def _on_news(self) -> layer.CommandGenerator[None]:
        while (leg := self._leg) is not None and (news := leg.hear()) is not None:
            if isinstance(news, Opened):
                yield from self._on_opened(leg, news)
            elif self._transfer is None or self._phase is not Phase.RELAY:
                yield from self._leave_leg()  # idle: it closed, or spoke unasked
            elif isinstance(news, Received):
                yield from self._on_response(self._transfer, news.data)
            elif isinstance(news, Closed):
                yield from self._on_upstream_closed(self._transfer)

    def _on_opened(self, leg: Leg, news: Opened) -> layer.CommandGenerator[None]:
        if self._transfer is None:
            yield from self._leave_leg()
        elif news.problem is None:
            yield from self._send_request(self._transfer, leg)
        elif news.tls:
            yield from self._fail(
                Reason.UPSTREAM_TLS_FAILURE, f"the upstream's TLS was not accepted: {news.problem}"
            )
        else:
            yield from self._fail(Reason.UPSTREAM_UNREACHABLE, "the upstream could not be reached")

    def _on_response(self, transfer: Transfer, data: bytes) -> layer.CommandGenerator[None]:
        try:
            out = transfer.feed_response(data)
        except BadGateway as exc:
            yield from self._fail(Reason.UPSTREAM_UNREACHABLE, str(exc), 502)
            return
        if out:
            yield commands.SendData(self.context.client, out)
        if transfer.response_done:
            yield from self._finish(transfer)

    def _on_upstream_closed(self, transfer: Transfer) -> layer.CommandGenerator[None]:
        try:
            out = transfer.end_response()
        except BadGateway as exc:
            yield from self._retry_or_fail(str(exc))
            return
        if out:
            yield commands.SendData(self.context.client, out)
        yield from self._finish(transfer)

    def _retry_or_fail(self, detail: str) -> layer.CommandGenerator[None]:
        """A kept connection may close as it is used: judge and record the request once more, and dial."""
        transfer, exchange = self._transfer, self._exchange
        if transfer is None or exchange is None or exchange.upstream is None:
            raise AssertionError("nothing to retry")
        if not (exchange.upstream.reused and transfer.repeatable):
            yield from self._fail(Reason.UPSTREAM_UNREACHABLE, detail)
            return
        yield from self._complete(Reason.UPSTREAM_UNREACHABLE, detail)
        yield from self._leave_leg()
        yield from self._on_request(transfer.head, exchange.request.authority, exchange.request.target)

    # -- ends -----------------------------------------------------------------------------

    def _finish(self, transfer: Transfer) -> layer.CommandGenerator[None]:
        """The answer is complete."""
        yield from self._complete()
        if transfer.leg_spent or not transfer.request_done:
            yield from self._leave_leg()
        if transfer.close:
            yield from self._linger()
            return
        self._phase = Phase.HEAD
        self._session.busy = False
        if len(self._heads):
            yield from self._read_head()

    def _complete(
        self, reason: Reason | None = None, detail: str | None = None
    ) -> layer.CommandGenerator[None]:
        """Record how the transfer ended; it is over."""
        transfer, self._transfer = self._transfer, None
        if transfer is None:
            return
        leg = self._leg
        self._services.open_completions += 1
        yield S3gateCompletedHook(
            transfer.completion(
                address=leg.address if leg else None,
                port=leg.address_port if leg else None,
                reason=reason,
                detail=detail if not (transfer.response_done and reason is None) else None,
            )
        )

    def _fail(self, reason: Reason, detail: str, status: int | None = None) -> layer.CommandGenerator[None]:
        """An allowed request cannot go on: tell the client if it has no answer yet, else cut."""
        transfer, exchange = self._transfer, self._exchange
        allowed = exchange.decision if exchange else None
        if exchange is None or allowed is None:
            raise AssertionError("nothing to fail")
        answered = transfer is None or transfer.reply is not None
        yield from self._complete(reason, detail)
        yield from self._leave_leg()
        if reason in (Reason.MALFORMED_REQUEST, Reason.LIMIT_EXCEEDED):
            exchange = self._begin(exchange.request)
            exchange.decision = self._services.refuse(reason, detail)
            yield S3gateRefusedHook(exchange)
        if answered:
            yield commands.CloseConnection(self.context.client)
            return
        decision = Decision(reason, detail, allowed.reading, allowed.rule, None, allowed.policy)
        yield from self._answer(
            render_denial(decision, exchange.decision_id, method=exchange.request.method, status=status)
        )

    def _refuse_unread(
        self, reason: Reason, detail: str, status: int | None = None
    ) -> layer.CommandGenerator[None]:
        """Refuse bytes that are no request."""
        empty = RequestHead("", "", "HTTP/1.1", (), ())
        exchange = self._begin(self._request(empty, None, ""))
        exchange.decision = self._services.refuse(reason, detail)
        yield S3gateRefusedHook(exchange)
        yield from self._refuse(status)

    def _refuse(self, status: int | None = None) -> layer.CommandGenerator[None]:
        """Answer the exchange's denial, which is in the journal, or says that it could not be."""
        exchange = self._exchange
        decision = exchange.decision if exchange else None
        if exchange is None or decision is None or decision.allowed:
            raise AssertionError("a refusal without a denial")
        if exchange.request.method == "CONNECT" and not self._inside:
            yield from self._answer(render_connect_denial(decision, exchange.decision_id))
        else:
            method = exchange.request.method
            yield from self._answer(
                render_denial(decision, exchange.decision_id, method=method, status=status)
            )

    def _answer(self, answer: Answer) -> layer.CommandGenerator[None]:
        yield commands.SendData(self.context.client, answer.to_bytes())
        yield from self._linger()

    def _linger(self) -> layer.CommandGenerator[None]:
        """End our half, and hear the client out for a while, so that it comes to read the answer."""
        yield from self._leave_leg()
        self._phase = Phase.DISCARD
        self._heads.rest()
        self._session.valve.open()
        self._session.busy = False
        yield commands.CloseTcpConnection(self.context.client, half_close=True)
        yield from self._set_timer(DISCARD_S)

    def _leave_leg(self) -> layer.CommandGenerator[None]:
        leg, self._leg = self._leg, None
        if leg is not None:
            self._services.judged.pop(leg.server.id, None)
            yield from leg.close()

    def _set_timer(self, seconds: float) -> layer.CommandGenerator[None]:
        self._timer = commands.RequestWakeup(seconds)
        yield self._timer

    def _on_crash(self) -> layer.CommandGenerator[None]:
        """Something of ours broke: deny and record if the client has no answer yet, else cut."""
        transfer, exchange = self._transfer, self._exchange
        answered = self._phase is Phase.DISCARD or (transfer is not None and transfer.reply is not None)
        yield from self._complete(Reason.INTERNAL_ERROR, "the gate broke")
        yield from self._leave_leg()
        if answered or exchange is None:
            yield commands.CloseConnection(self.context.client)
            return
        exchange.decision = self._services.refuse(
            Reason.INTERNAL_ERROR, "the gate broke; the request is denied"
        )
        yield S3gateRefusedHook(exchange)
        yield from self._refuse()

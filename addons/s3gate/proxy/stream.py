"""HTTP/1.1 with the client: reads heads, has each judged, then refuses it there or has it carried.

The normal case inside a tunnel: a head is complete, the gate's hook judges it, the
carriage brings it to the upstream and the answer back. A refused request is answered at
its head: no 100 Continue, its body thrown away within limits, then the connection ends.
Before the verdict no more of the client is read than came with the head.
"""

import logging
from enum import Enum, auto
from typing import Final

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._hooks import HttpConnectHook, HttpRequestHeadersHook

from s3gate.policy.decide import refuse
from s3gate.policy.decision import Reason
from s3gate.proxy.carriage import Again, Carriage, Ending, Failed, Finished
from s3gate.proxy.client_tls import ClientTls
from s3gate.proxy.closing import Closing
from s3gate.proxy.denial import Answer, render_connect_denial, render_denial
from s3gate.proxy.exchange import Exchange, Session
from s3gate.proxy.forward import check_forwardable, split_target
from s3gate.proxy.framing import BodyError, request_body
from s3gate.proxy.head import HeadBuffer, HeadRefused, RequestHead, parse_request_head
from s3gate.proxy.hearing import Hearing
from s3gate.proxy.hooks import S3gateConnectHook, S3gateRequestHook
from s3gate.proxy.services import Services
from s3gate.proxy.transfer import Transfer

_log = logging.getLogger(__name__)

HEAD_S: Final = 10.0  # from the first byte of a head to its last; a client sends it in one piece
HEAD_TOO_LARGE: Final = 431  # RFC 6585 §5; clients do not retry it
# What only a proxy may ask for (RFC 9110 §15.5.8) is a plain refusal where we stand for the origin.
_BEHIND_TLS: Final = {Reason.PROXY_AUTH_REQUIRED: 403}
ACCEPTED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_NO_HEAD: Final = RequestHead("", "", "HTTP/1.1", (), ())
# Broken by the client after its head was allowed: a denial of its own, with its own record.
_CLIENT_FAULTS: Final = frozenset({Reason.MALFORMED_REQUEST, Reason.LIMIT_EXCEEDED})
_CUT: Final = {
    Reason.TIMEOUT: "nothing moved for too long",
    Reason.DRAINING: "the gate had to stop before the end",
    Reason.NOT_TLS: "the client's TLS broke before the end",
}
_RENEWED: Final = "a new policy refuses this: its reload is strict"
# Only what the client left unsaid is its denial; broken TLS has its own.
_IN_MID_HEAD: Final = {
    None: (Reason.MALFORMED_REQUEST, "the client ended in the middle of a head"),
    Reason.TIMEOUT: (Reason.TIMEOUT, "nothing moved in the middle of a head for too long"),
}


class Phase(Enum):
    """Where the connection stands; while a hook judges, the layer is paused."""

    HEAD = auto()
    CARRY = auto()
    CLOSING = auto()


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
        self._carriage = Carriage(context, services, session)
        self._phase = Phase.HEAD
        self._timer: commands.RequestWakeup | None = None
        self._ended = False
        self._tunnel: layer.Layer | None = None
        self._hearing = Hearing(context, services, session)
        self._closing = Closing(context, session)

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """Pass an event on; what comes while a verdict is awaited waits in the parent, within limits."""
        if self._tunnel is not None:
            yield from self._tunnel.handle_event(event)
            return
        if (
            self._paused is not None
            and isinstance(event, events.DataReceived)
            and not self._hearing.holds(len(event.data))
        ):
            return
        yield from super().handle_event(event)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._tunnel is not None:  # what waited while the CONNECT was judged
            yield from self._tunnel.handle_event(event)
            return
        try:
            yield from self._on_event(event)
            while (ending := self._carriage.take_ending()) is not None:
                yield from self._on_ending(ending)
        except Exception:  # noqa: BLE001 - the gate: whatever breaks here denies
            _log.exception("the HTTP layer broke; the request is denied")
            yield from self._on_crash()

    def _on_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.ConnectionEvent) and event.connection is self.context.client:
            if isinstance(event, events.DataReceived):
                yield from self._on_client_data(event.data)
            elif isinstance(event, events.ConnectionClosed):
                yield from self._on_client_closed()
        elif isinstance(event, events.Wakeup) and event.command is self._timer:
            self._timer = None
            yield from self._refuse_unread(Reason.TIMEOUT, f"the head took longer than {HEAD_S:.0f} s")
        elif isinstance(event, events.Wakeup) and event.command is self._closing.timer:
            yield commands.CloseConnection(self.context.client)
        elif not isinstance(event, events.Start):
            yield from self._carriage.handle(event)

    def _on_client_data(self, data: bytes) -> layer.CommandGenerator[None]:
        if self._phase is Phase.CLOSING:
            yield from self._closing.discard(data)
        elif self._carriage.wants_body:
            self._heads.feed((yield from self._carriage.feed(data)))
        else:
            self._heads.feed(data)
            if self._phase is Phase.HEAD:
                yield from self._read_head()
            elif len(self._heads) > self._services.head_bytes:
                yield from self._carriage.fail(
                    Reason.LIMIT_EXCEEDED, "too much was sent before the answer to it"
                )

    def _on_client_closed(self) -> layer.CommandGenerator[None]:
        """The client sends no more; what it asked for in full is answered, unless it is gone altogether."""
        self._ended = True
        cut = self._session.cut
        listens = cut is None and self.context.client.state & ConnectionState.CAN_WRITE
        if listens and self._carriage.busy and not self._carriage.wants_body:
            return
        if self._phase is Phase.HEAD and len(self._heads) and cut in _IN_MID_HEAD:
            yield from self._refuse_unread(*_IN_MID_HEAD[cut])
            return
        detail = "the client closed before the end" if cut is None else _CUT.get(cut, _RENEWED)
        yield from self._carriage.complete(cut, detail)
        yield from self._carriage.leave()
        self._session.busy = False
        yield commands.CloseConnection(self.context.client)

    def _read_head(self) -> layer.CommandGenerator[None]:
        try:
            raw = self._heads.take()
        except HeadRefused as exc:
            status = HEAD_TOO_LARGE if exc.reason is Reason.LIMIT_EXCEEDED else None
            yield from self._refuse_unread(exc.reason, exc.detail, status)
            return
        if raw is None:
            if len(self._heads) and self._timer is None:
                self._timer = commands.RequestWakeup(HEAD_S)
                yield self._timer
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
        exchange = self._hearing.begin(self._hearing.request(head, None, head.target))
        try:
            if request_body(head) is not None:
                exchange.problem = self._services.refuse(Reason.MALFORMED_REQUEST, "a CONNECT with a body")
        except HeadRefused as exc:
            exchange.problem = self._services.refuse(exc.reason, exc.detail)
        yield from self._hearing.judge(exchange, head, S3gateConnectHook, HttpConnectHook)
        if not exchange.lifted or exchange.decision is not None:
            yield from self._refuse()
            return
        self._session.busy = False
        self._session.client, self._session.proof = exchange.request.client, exchange.proof
        yield commands.SendData(self.context.client, ACCEPTED)
        session, services = self._session, self._services
        tunnel = ClientTls(self.context, services, session, lambda ctx: HttpGate(ctx, services, session))
        self._tunnel = tunnel
        yield from tunnel.handle_event(events.Start())
        if rest := self._heads.rest():
            yield from tunnel.handle_event(events.DataReceived(self.context.client, rest))

    def _on_request(
        self, head: RequestHead, authority: str | None, target: str
    ) -> layer.CommandGenerator[None]:
        exchange = self._hearing.begin(self._hearing.request(head, authority, target))
        exchange.reusable = self._carriage.reusable
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
        yield from self._hearing.judge(exchange, head, S3gateRequestHook, HttpRequestHeadersHook)
        decision = exchange.decision
        if transfer is None or decision is None or not decision.allowed or not exchange.recorded:
            yield from self._refuse()
            return
        if self._services.leaving or self._session.stale:
            transfer.end_connection()
        self._phase = Phase.CARRY
        yield from self._carriage.carry(exchange, transfer)

    def _on_ending(self, ending: Ending) -> layer.CommandGenerator[None]:
        """The carriage is done with a request."""
        exchange = self._hearing.exchange
        if exchange is None:
            raise AssertionError("the end of nothing")
        if isinstance(ending, Finished):
            yield from self._on_finished(ending.transfer)
        elif isinstance(ending, Again):
            yield from self._on_request(
                ending.transfer.head, exchange.request.authority, exchange.request.target
            )
        else:
            yield from self._on_failed(exchange, ending)

    def _on_finished(self, transfer: Transfer) -> layer.CommandGenerator[None]:
        if transfer.reply is not None:
            yield from self._hearing.show(transfer.reply.status, transfer.reply.headers)
        if transfer.close or self._session.stale:
            yield from self._linger()
            return
        self._phase = Phase.HEAD
        self._session.busy = False
        if len(self._heads):
            yield from self._read_head()
        if self._ended and self._phase is Phase.HEAD:
            yield from self._on_client_closed()

    def _on_failed(self, exchange: Exchange, failed: Failed) -> layer.CommandGenerator[None]:
        """Tell the client if it has no answer yet, else cut."""
        allowed = exchange.decision
        if failed.reason in _CLIENT_FAULTS:
            exchange = self._hearing.begin(exchange.request)
            yield from self._hearing.deny(exchange, failed.reason, failed.detail)
        if failed.answered or allowed is None:
            yield commands.CloseConnection(self.context.client)
            return
        decision = refuse(allowed, failed.reason, failed.detail)
        method, headers = exchange.request.method, exchange.request.headers
        yield from self._answer(
            render_denial(
                decision, exchange.decision_id, method=method, headers=headers, status=failed.status
            )
        )

    def _refuse_unread(
        self, reason: Reason, detail: str, status: int | None = None
    ) -> layer.CommandGenerator[None]:
        """Refuse bytes that are no request."""
        exchange = self._hearing.begin(self._hearing.request(_NO_HEAD, None, ""))
        yield from self._hearing.deny(exchange, reason, detail)
        yield from self._refuse(status)

    def _refuse(self, status: int | None = None) -> layer.CommandGenerator[None]:
        """Answer the exchange's denial, which is in the journal, or says that it could not be."""
        exchange = self._hearing.exchange
        decision = exchange.decision if exchange else None
        if exchange is None or decision is None or decision.allowed:
            raise AssertionError("a refusal without a denial")
        method, headers = exchange.request.method, exchange.request.headers
        if method == "CONNECT" and not self._inside:
            answer = render_connect_denial(decision, exchange.decision_id)
        else:
            status = _BEHIND_TLS.get(decision.reason, status) if self._inside else status
            answer = render_denial(
                decision, exchange.decision_id, method=method, headers=headers, status=status
            )
        yield from self._answer(answer)

    def _answer(self, answer: Answer) -> layer.CommandGenerator[None]:
        yield from self._hearing.show(answer.status, answer.headers, answer.body)
        yield commands.SendData(self.context.client, answer.to_bytes())
        yield from self._linger()

    def _linger(self) -> layer.CommandGenerator[None]:
        """End our half, and hear the client out for a while, so that it comes to read the answer."""
        yield from self._carriage.leave()
        self._phase, self._timer = Phase.CLOSING, None
        self._heads.rest()
        yield from self._closing.begin(ended=self._ended)

    def _on_crash(self) -> layer.CommandGenerator[None]:
        """Something of ours broke: deny and record if the client has no answer yet, else cut."""
        exchange = self._hearing.exchange
        answered = self._phase is Phase.CLOSING or self._carriage.answered
        yield from self._carriage.complete(Reason.INTERNAL_ERROR, "the gate broke")
        yield from self._carriage.leave()
        if answered or exchange is None:
            yield commands.CloseConnection(self.context.client)
            return
        detail = "the gate broke; the request is denied"
        yield from self._hearing.deny(exchange, Reason.INTERNAL_ERROR, detail)
        yield from self._refuse()

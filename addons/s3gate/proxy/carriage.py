"""The upstream half of a client's connection: brings allowed requests there and their answers back.

The normal case: `carry` opens a connection or uses the open one, body bytes go in by
`feed`, mitmproxy's events by `handle`, answers go straight to the client. How a request
ended stands in `ending` until the HTTP layer takes it; each end is recorded once.
"""

from dataclasses import dataclass
from typing import Final

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from s3gate.policy.decision import Reason
from s3gate.proxy.exchange import HTTP_PORT, HTTPS_PORT, Exchange, Session
from s3gate.proxy.framing import BodyError
from s3gate.proxy.hooks import S3gateCompletedHook
from s3gate.proxy.ports import Upstream
from s3gate.proxy.services import Services
from s3gate.proxy.transfer import BadGateway, Transfer
from s3gate.proxy.upstream import Closed, Leg, Opened, Received

HELD_BYTES: Final = 1 << 20  # body bytes that may wait for the upstream; the valve is closed meanwhile
BAD_GATEWAY: Final = 502  # RFC 9110 §15.6.3: the upstream's answer breaks HTTP


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot go on.

    Args:
        reason: why.
        detail: one lower-case sentence.
        status: instead of the reason's own, or None.
        answered: the client has the head of an answer already; nothing more can be said.
    """

    reason: Reason
    detail: str
    status: int | None
    answered: bool


@dataclass(frozen=True, slots=True)
class Again:
    """The kept connection closed just as it was used; nothing is lost if the request is judged once more."""

    transfer: Transfer


Ending = Finished | Failed | Again


class Carriage:
    """At most one upstream connection and one transfer at a time.

    Args:
        context: of the HTTP layer.
        services: what the layers share.
        session: the client's connection.
    """

    def __init__(self, context: Context, services: Services, session: Session) -> None:
        self._context = context
        self._services = services
        self._session = session
        self._leg: Leg | None = None
        self._transfer: Transfer | None = None
        self._dial_timer: commands.RequestWakeup | None = None
        self._ending: Ending | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is on its way."""
        return self._transfer is not None

    @property
    def wants_body(self) -> bool:
        """Whether the client's next bytes belong to a body."""
        return self._transfer is not None and not self._transfer.request_done

    @property
    def answered(self) -> bool:
        """Whether the client has the head of the answer to the request on its way."""
        return self._transfer is not None and self._transfer.reply is not None

    @property
    def reusable(self) -> tuple[tuple[str, int], Upstream] | None:
        """The open, judged connection with its (host, port), or None."""
        if self._leg is None or not self._leg.alive:
            return None
        return self._leg.key, self._leg.upstream

    def take_ending(self) -> Ending | None:
        """How the request ended, once."""
        ending, self._ending = self._ending, None
        return ending

    def carry(self, exchange: Exchange, transfer: Transfer) -> layer.CommandGenerator[None]:
        """Bring an allowed, recorded request on its way."""
        host, port, upstream = exchange.host, exchange.port, exchange.upstream
        allowed = exchange.recorded and exchange.decision is not None and exchange.decision.allowed
        wanted = HTTP_PORT if exchange.request.connect is None else HTTPS_PORT
        if not allowed or host is None or upstream is None or port != wanted:
            raise AssertionError("not allowed, not recorded, or nowhere to go")
        self._transfer = transfer
        if self._session.cut is not None:
            return  # since its verdict; the end of the client's connection, which comes next, tells why
        leg = self._leg
        if upstream.reused:
            if leg is None or not leg.alive or leg.key != (host, port):
                yield from self._retry_or_fail("the upstream closed the connection")
            else:
                yield from self._send_head(transfer, leg)
            return
        yield from self.leave()
        self._leg = leg = Leg(self._context, self._services, host, port, upstream)
        self._services.judged[leg.server.id] = (leg.key, upstream)
        self._session.valve.close()
        self._dial_timer = commands.RequestWakeup(self._services.connect_timeout_s)
        yield self._dial_timer
        yield from leg.start()
        yield from self._on_news()

    def feed(self, data: bytes) -> layer.CommandGenerator[bytes]:
        """Take bytes of the client's body; returns those behind its end."""
        transfer, leg = self._transfer, self._leg
        if transfer is None or leg is None:
            raise AssertionError("a body without a transfer")
        try:
            out, rest = transfer.feed_request(data)
        except BodyError as exc:
            yield from self.fail(Reason.MALFORMED_REQUEST, str(exc))
            return b""
        if transfer.held > HELD_BYTES:
            yield from self.fail(Reason.LIMIT_EXCEEDED, "too much was sent before the upstream was there")
            return b""
        if transfer.waits:
            self._session.valve.close()  # until the upstream wants the body, or has answered
        if out:
            yield from leg.send(out)
        return rest

    def handle(self, event: events.Event) -> layer.CommandGenerator[None]:
        """An event of mitmproxy that is not the client's."""
        if isinstance(event, events.Wakeup):
            if event.command is self._dial_timer:
                yield from self.fail(
                    Reason.UPSTREAM_UNREACHABLE, "the upstream did not answer the dial in time"
                )
            return
        leg = self._leg
        if leg is None or (isinstance(event, events.ConnectionEvent) and event.connection is not leg.server):
            return  # of a connection that was left behind
        yield from leg.handle(event)
        yield from self._on_news()

    def fail(self, reason: Reason, detail: str, status: int | None = None) -> layer.CommandGenerator[None]:
        """The request cannot go on."""
        answered = self.answered
        yield from self.complete(reason, detail)
        yield from self.leave()
        self._ending = Failed(reason, detail, status, answered)

    def complete(self, reason: Reason | None, detail: str | None) -> layer.CommandGenerator[None]:
        """Record how the request ended; it is over."""
        transfer, self._transfer = self._transfer, None
        self._dial_timer = None
        if transfer is None:
            return
        leg = self._leg
        yield S3gateCompletedHook(
            transfer.completion(
                address=leg.address if leg else None,
                port=leg.address_port if leg else None,
                reason=reason,
                detail=detail,
            )
        )

    def leave(self) -> layer.CommandGenerator[None]:
        """Hang up."""
        leg, self._leg = self._leg, None
        self._dial_timer = None
        if leg is not None:
            self._services.judged.pop(leg.server.id, None)
            yield from leg.close()

    def _send_head(self, transfer: Transfer, leg: Leg) -> layer.CommandGenerator[None]:
        self._dial_timer = None
        self._session.valve.open()
        yield from leg.send(transfer.open())

    def _on_news(self) -> layer.CommandGenerator[None]:
        while (leg := self._leg) is not None and (news := leg.hear()) is not None:
            transfer = self._transfer
            if transfer is None:
                yield from self.leave()  # idle: it closed, or spoke unasked
            elif isinstance(news, Opened):
                yield from self._on_opened(transfer, leg, news)
            elif isinstance(news, Received):
                yield from self._on_response(transfer, news.data)
            elif isinstance(news, Closed):
                yield from self._on_closed(transfer)

    def _on_opened(self, transfer: Transfer, leg: Leg, news: Opened) -> layer.CommandGenerator[None]:
        if news.problem is None:
            yield from self._send_head(transfer, leg)
        elif news.tls:
            detail = f"the upstream's TLS was not accepted: {news.problem}"
            yield from self.fail(Reason.UPSTREAM_TLS_FAILURE, detail)
        else:
            yield from self.fail(Reason.UPSTREAM_UNREACHABLE, "the upstream could not be reached")

    def _on_response(self, transfer: Transfer, data: bytes) -> layer.CommandGenerator[None]:
        try:
            out = transfer.feed_response(data)
        except BadGateway as exc:
            yield from self.fail(Reason.UPSTREAM_UNREACHABLE, str(exc), BAD_GATEWAY)
            return
        if not transfer.waits:
            self._session.valve.open()
        if self._leg is not None and (released := transfer.release()):
            yield from self._leg.send(released)
        if out:
            yield commands.SendData(self._context.client, out)
        if transfer.response_done:
            yield from self._finish(transfer)

    def _on_closed(self, transfer: Transfer) -> layer.CommandGenerator[None]:
        try:
            out = transfer.end_response()
        except BadGateway as exc:
            yield from self._retry_or_fail(str(exc))
            return
        if out:
            yield commands.SendData(self._context.client, out)
        yield from self._finish(transfer)

    def _finish(self, transfer: Transfer) -> layer.CommandGenerator[None]:
        yield from self.complete(None, None)
        if transfer.leg_spent or not transfer.request_done:
            yield from self.leave()
        self._ending = Finished(transfer)

    def _retry_or_fail(self, detail: str) -> layer.CommandGenerator[None]:
        transfer = self._transfer
        if transfer is None:
            raise AssertionError("nothing to retry")
        upstream = transfer.exchange.upstream
        if upstream is None or not upstream.reused or not transfer.repeatable:
            yield from self.fail(Reason.UPSTREAM_UNREACHABLE, detail)
            return
        yield from self.complete(Reason.UPSTREAM_UNREACHABLE, detail)
        yield from self.leave()
        self._ending = Again(transfer)

"""TLS towards the client, inside an accepted CONNECT: whether it may begin, and what breaks it.

The normal case: the client's first bytes are a ClientHello whose server name the gate
lets on; a leaf for that name is shown; from then on the inner layer sees clear bytes.

Whatever breaks TLS towards the client is recorded, once, before the connection closes:
no ClientHello, bytes right behind it, a handshake that fails or that the client leaves
after its first byte, a broken record or a fatal alert later. Only a tunnel in which not
one byte came ends without a record: nothing was tried in it.
"""

import logging
from collections.abc import Callable
from typing import Final

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from OpenSSL import SSL

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Request
from s3gate.proxy.client_failure import explain_failure, explain_hang_up, explain_rest
from s3gate.proxy.exchange import Session
from s3gate.proxy.hello import FATAL_UNRECOGNIZED_NAME, NotTls, read_hello
from s3gate.proxy.hooks import S3gateHelloHook, S3gateRefusedHook
from s3gate.proxy.services import Services
from s3gate.proxy.tls import was_read
from s3gate.proxy.tunnel import GateTls
from s3gate.s3.host import HostName, parse_authority

_log = logging.getLogger(__name__)

HANDSHAKE_S: Final = (
    10.0  # from the accepted CONNECT to the end of the handshake; nginx waits 60, a client needs < 1
)


class ClientTls(GateTls):
    """Towards the client, inside an accepted CONNECT.

    Args:
        context: mitmproxy's.
        services: what the layers share.
        session: the client's connection, with `connect` set.
        inner: makes the layer that speaks HTTP inside.
    """

    def __init__(
        self, context: Context, services: Services, session: Session, inner: Callable[[Context], layer.Layer]
    ) -> None:
        super().__init__(context, context.client)
        self.child_layer = inner(context)
        self._services = services
        self._session = session
        self._hello = b""
        self._timer: commands.RequestWakeup | None = None
        self._refused = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        try:
            if isinstance(event, events.Wakeup) and event.command is self._timer:
                yield from self._on_timer()
            elif self._is_the_end(event):
                yield from self.event_to_child(event)
            else:
                yield from super()._handle_event(event)
        except Exception:  # noqa: BLE001 - the gate: whatever breaks here closes
            _log.exception("the TLS layer towards the client broke; the connection is closed")
            yield from self._refuse(
                Reason.INTERNAL_ERROR, "the gate broke at the client's TLS; nothing passes"
            )
            yield commands.CloseConnection(self.conn)

    def start_handshake(self) -> layer.CommandGenerator[None]:
        """The client speaks first, and soon."""
        self._timer = commands.RequestWakeup(HANDSHAKE_S)
        yield self._timer

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Collect the ClientHello, have it judged, then go on with the handshake."""
        if self._refused:
            return False, None
        if self.tls is not None:
            return (yield from self._shake(data))
        self._hello += data
        try:
            hello = read_hello(self._hello)
        except NotTls as exc:
            return (yield from self._refuse(Reason.NOT_TLS, str(exc)))
        if hello is None:
            return False, None
        self._session.sni = hello.sni
        if rest := self._hello[hello.size :]:
            return (yield from self._refuse(Reason.NOT_TLS, explain_rest(rest[0])))
        host = yield from self._judge()
        if host is None:
            return False, "refused"
        self.tls = self._services.tls.accept(host)
        data, self._hello = self._hello, b""
        return (yield from self._shake(data))

    def _shake(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Go on with the handshake; one that fails is recorded before the connection closes."""
        done, error = yield from self.shake(data)
        if error is not None:
            yield from self._refuse(Reason.NOT_TLS, explain_failure(error))
        return done, error

    def on_handshake_error(self, err: str) -> layer.CommandGenerator[None]:
        """Close; a client that left in the middle of its handshake is recorded first."""
        cut = self._session.cut
        if self._hello or self.tls is not None:
            if cut is Reason.TIMEOUT:
                yield from self._refuse(cut, "nothing moved in the TLS handshake for too long")
            elif cut is None:  # else it was the gate that left
                yield from self._refuse(Reason.NOT_TLS, explain_hang_up(shown=self.tls is not None))
        yield from super().on_handshake_error(err)

    def _is_the_end(self, event: events.Event) -> bool:
        """Whether a client is gone altogether, maybe after its half: TunnelLayer tells of one end only."""
        ended = isinstance(event, events.ConnectionClosed) and event.connection is self.conn
        gone = self.conn.state is ConnectionState.CLOSED
        return ended and gone and self.tunnel_state is not tunnel.TunnelState.ESTABLISHING

    @property
    def deaf(self) -> bool:
        """What follows a broken record or a close_notify (RFC 8446 §6.1) is not kept."""
        return self._refused or bool(self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN)

    def send_data(self, data: bytes) -> layer.CommandGenerator[None]:
        """Encrypt; behind a broken record there is nothing more to say."""
        if not self._refused:
            yield from super().send_data(data)

    def on_broken(self, failure: str) -> layer.CommandGenerator[None]:
        """Record it; the inner layer closes."""
        self._session.cut = Reason.NOT_TLS
        yield from self._refuse(Reason.NOT_TLS, explain_failure(failure))

    def on_shaken(self) -> layer.CommandGenerator[None]:
        """OpenSSL read the same name as we did, or nothing goes on."""
        if self._session.sni is None or not was_read(self.tls, self._session.sni):
            raise AssertionError("OpenSSL reads another server name than the gate judged")
        yield from ()

    def _judge(self) -> layer.CommandGenerator[HostName | None]:
        """Ask the gate about the ClientHello: the name to show a leaf for, or None when it is refused."""
        exchange = self._services.exchange(self._request())
        self._session.valve.close()
        yield S3gateHelloHook(exchange)
        self._session.valve.open()
        if exchange.lifted and exchange.decision is None and self._session.sni is not None:
            return parse_authority(self._session.sni).name
        self._refused = True
        yield commands.SendData(self.conn, FATAL_UNRECOGNIZED_NAME)
        return None

    def _refuse(self, reason: Reason, detail: str) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Have a refusal recorded, the first of the connection alone."""
        if self._refused:
            return False, "refused"
        self._refused = True
        exchange = self._services.exchange(self._request("http"))
        exchange.decision = self._services.refuse(reason, detail)
        yield S3gateRefusedHook(exchange)
        return False, "refused"

    def _on_timer(self) -> layer.CommandGenerator[None]:
        if self.tunnel_state is not tunnel.TunnelState.ESTABLISHING or self._refused:
            return
        if self._hello or self.tls is not None:
            yield from self._refuse(Reason.TIMEOUT, f"the TLS handshake took longer than {HANDSHAKE_S:.0f} s")
        self._session.cut = Reason.TIMEOUT
        yield commands.CloseConnection(self.conn)

    def _request(self, scheme: str = "https") -> Request:
        session = self._session
        return Request(
            method="CONNECT",
            scheme=scheme,
            authority=None,
            target=session.connect or "",
            headers=(),
            connect=session.connect,
            sni=session.sni,
            client=session.client,
            now=self._services.now(),
        )

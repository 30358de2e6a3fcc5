"""The two TLS layers: they carry bytes, and decide nothing but whether TLS may begin.

The normal case: the client's first bytes are a ClientHello whose server name the gate
lets on; a leaf for that name is shown; from then on the inner layer sees clear bytes.
Towards the upstream the same, with the chain verified. mitmproxy's TLS hooks are not
started here: no other addon can pass a connection on un-intercepted.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mitmproxy import connection
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import tls
from OpenSSL import SSL

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Request
from s3gate.proxy.exchange import Session
from s3gate.proxy.hello import FATAL_UNRECOGNIZED_NAME, NotTls, read_hello
from s3gate.proxy.hooks import S3gateHelloHook, S3gateRefusedHook
from s3gate.proxy.services import Services
from s3gate.proxy.tls import verify_problem
from s3gate.s3.host import HostName, parse_authority

_log = logging.getLogger(__name__)

HANDSHAKE_S: Final = (
    10.0  # from the accepted CONNECT to the end of the handshake; nginx waits 60, a client needs < 1
)
RECORD_BYTES: Final = 16_384  # plain bytes of one TLS record (RFC 8446 §5.1): what one read can give
FLUSH_BYTES: Final = 262_144  # taken from OpenSSL's output at once


class GateTls(tls.TLSLayer):
    """What both sides share: handshake, decryption in big pieces, a clean close."""

    failure: str | None = None
    """Why the handshake or a record failed."""

    def start_tls(self) -> layer.CommandGenerator[None]:
        """Never through mitmproxy's hooks: `self.tls` is set by us alone."""
        raise AssertionError("TLS starts in the gate's own layers only")
        yield  # a generator, as its parent

    def shake(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Go on with the handshake: (done, error)."""
        if data:
            self.tls.bio_write(data)
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            yield from self.tls_interact()
            return False, None
        except SSL.Error as exc:
            yield from self.tls_interact()
            self.failure = verify_problem(self.tls) or _explain(exc)
            return False, self.failure
        self.conn.timestamp_tls_setup = datetime.now(UTC).timestamp()
        self.conn.alpn = self.tls.get_alpn_proto_negotiated()
        yield from self.tls_interact()
        yield from self.on_shaken()
        yield from self.receive_data(b"")
        return True, None

    def on_shaken(self) -> layer.CommandGenerator[None]:
        """The handshake is done."""
        yield from ()

    def tls_interact(self) -> layer.CommandGenerator[None]:
        """Send what OpenSSL wants to send."""
        while True:
            try:
                data = self.tls.bio_read(FLUSH_BYTES)
            except SSL.WantReadError:
                return
            yield commands.SendData(self.conn, data)

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        """Decrypt everything there is and give it on in one piece."""
        if data:
            self.tls.bio_write(data)
        pieces: list[bytes] = []
        closed = False
        while not closed:
            try:
                pieces.append(self.tls.recv(RECORD_BYTES))
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                closed = True
            except SSL.Error as exc:
                self.failure = _explain(exc)
                closed = True
        yield from self.tls_interact()
        if pieces:
            clear = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            yield from self.event_to_child(events.DataReceived(self.conn, clear))
        if closed:
            self.conn.state &= ~connection.ConnectionState.CAN_READ
            yield from self.event_to_child(events.ConnectionClosed(self.conn))

    def send_close(self, command: commands.CloseConnection) -> layer.CommandGenerator[None]:
        """Say close_notify before closing, so that the peer can tell an end from a cut."""
        if self.tunnel_state is tunnel.TunnelState.OPEN:
            try:
                self.tls.shutdown()
            except SSL.Error as exc:
                self.failure = self.failure or _explain(exc)
            yield from self.tls_interact()
        yield command

    def on_handshake_error(self, err: str) -> layer.CommandGenerator[None]:
        """Close; whoever asked for the connection is told by `failure`."""
        self.conn.error = err
        self.failure = self.failure or err
        yield commands.CloseConnection(self.tunnel_connection)


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
            else:
                yield from super()._handle_event(event)
        except Exception:  # noqa: BLE001 - the gate: whatever breaks here closes
            _log.exception("the TLS layer towards the client broke; the connection is closed")
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
            return (yield from self.shake(data))
        self._hello += data
        try:
            hello = read_hello(self._hello)
        except NotTls as exc:
            return (yield from self._refuse(Reason.NOT_TLS, str(exc)))
        if hello is None:
            return False, None
        self._session.sni = hello.sni
        host = yield from self._judge()
        if host is None:
            return False, "refused"
        self.tls = self._services.tls.accept(host)
        data, self._hello = self._hello, b""
        return (yield from self.shake(data))

    def on_shaken(self) -> layer.CommandGenerator[None]:
        """OpenSSL read the same name as we did, or nothing goes on."""
        name = self.tls.get_servername()
        if name is None or name.decode("latin-1") != self._session.sni:
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


class UpstreamTls(GateTls):
    """Towards the upstream, for the judged name.

    Args:
        context: mitmproxy's, with the server to speak to.
        services: what the layers share.
        host: the judged name: SNI, and what the certificate must be for.
        inner: the layer that speaks HTTP inside.
    """

    def __init__(self, context: Context, services: Services, host: HostName, inner: layer.Layer) -> None:
        super().__init__(context, context.server)
        self.child_layer = inner
        self._services = services
        self._host = host

    def start_handshake(self) -> layer.CommandGenerator[None]:
        """We speak first."""
        self.tls = self._services.tls.connect(self._host)
        yield from self.receive_handshake_data(b"")

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Go on with the handshake."""
        return (yield from self.shake(data))


def _explain(exc: SSL.Error) -> str:
    """OpenSSL's last word about an error, one line."""
    if isinstance(exc, SSL.SysCallError):
        return "the connection broke"
    queue = exc.args[0] if exc.args else None
    if isinstance(queue, list) and queue:
        return str(queue[-1][-1] or "TLS failed")
    return "TLS failed"

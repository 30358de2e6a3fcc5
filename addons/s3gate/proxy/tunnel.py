"""TLS around an inner layer, and the side towards the upstream: they carry bytes, and decide nothing.

The normal case: a handshake, the upstream's chain verified for the judged name; from then
on the inner layer sees clear bytes. The side towards the client is client_tls.py.
mitmproxy's TLS hooks are not started here: no other addon can pass a connection on
un-intercepted.
"""

from datetime import UTC, datetime
from typing import Final

from mitmproxy import connection
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import tls
from OpenSSL import SSL

from s3gate.proxy.records import FLUSH_BYTES, take_clear, take_sealed
from s3gate.proxy.services import Services
from s3gate.proxy.tls import verify_problem
from s3gate.s3.host import HostName

_VAGUE: Final = "record layer failure"  # OpenSSL's last word about a bad record; the word before says what


class GateTls(tls.TLSLayer):
    """What both sides share: handshake, decryption in big pieces, a clean close."""

    failure: str | None = None
    """Why the handshake or a record failed."""
    _late: tuple[list[bytes], SSL.Error] | None = None
    """What was decrypted before a record that could not be."""

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

    @property
    def deaf(self) -> bool:
        """Whether what comes is not kept."""
        return False

    def on_broken(self, _failure: str) -> layer.CommandGenerator[None]:
        """A record could not be read: nothing more will be."""
        yield from ()

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """Data of an open tunnel takes the short way as long as nothing is wrong with it."""
        if (
            self.tunnel_state is tunnel.TunnelState.OPEN
            and isinstance(event, events.DataReceived)
            and event.connection is self.conn
            and self._paused is None
        ):
            if self.deaf:
                return
            pieces, failure = self._decrypt(event.data)
            if failure is None:
                yield from self.give_on(pieces)
                return
            self._late = pieces, failure
            event = events.DataReceived(self.conn, b"")
        yield from super().handle_event(event)

    def event_to_child(self, event: events.Event) -> layer.CommandGenerator[None]:
        """What the inner layer sends is sealed; all else goes mitmproxy's way."""
        if self.tunnel_state is not tunnel.TunnelState.OPEN:
            yield from super().event_to_child(event)
            return
        for command in self.child_layer.handle_event(event):
            if isinstance(command, commands.SendData) and command.connection is self.conn:
                yield from self.send_data(command.data)
            else:
                yield from self._handle_command(command)

    def tls_interact(self) -> layer.CommandGenerator[None]:
        """Send what OpenSSL wants to send."""
        while True:
            data = take_sealed(self.tls)
            if data:
                yield commands.SendData(self.conn, data)
            if len(data) < FLUSH_BYTES:
                return

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        """Decrypt everything there is and give it on in one piece; then the end, if it came."""
        late, self._late = self._late, None
        if late is None and self.deaf:
            return
        pieces, failure = late or self._decrypt(data)
        yield from self.give_on(pieces)
        if failure is None:
            return
        if not isinstance(failure, SSL.ZeroReturnError):
            self.failure = broken = _explain(failure)
            yield from self.on_broken(broken)
        self.conn.state &= ~connection.ConnectionState.CAN_READ
        yield from self.event_to_child(events.ConnectionClosed(self.conn))

    def _decrypt(self, data: bytes) -> tuple[list[bytes], SSL.Error | None]:
        """What the peer's records hold, and why there will be no more, or None."""
        pieces: list[bytes] = []
        try:
            if data:
                self.tls.bio_write(data)
            take_clear(self.tls, pieces)
        except SSL.Error as exc:
            return pieces, exc
        return pieces, None

    def give_on(self, pieces: list[bytes]) -> layer.CommandGenerator[None]:
        """Send what OpenSSL answers by itself, and give the inner layer what was decrypted."""
        yield from self.tls_interact()
        if pieces:
            clear = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            yield from self.event_to_child(events.DataReceived(self.conn, clear))

    def send_close(self, command: commands.CloseConnection) -> layer.CommandGenerator[None]:
        """Say close_notify before closing, so that the peer can tell an end from a cut."""
        if self.tls is not None and self.tunnel_state is not tunnel.TunnelState.ESTABLISHING:
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
        self._remembered = False

    def start_handshake(self) -> layer.CommandGenerator[None]:
        """We speak first."""
        self.tls = self._services.tls.connect(self._host)
        yield from self.receive_handshake_data(b"")

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[tuple[bool, str | None]]:
        """Go on with the handshake."""
        return (yield from self.shake(data))

    def leave(self) -> None:
        """Nothing more is sent: OpenSSL forgets the session of a connection that it thinks was cut."""
        if self.tls is not None:
            self.tls.set_shutdown(SSL.SENT_SHUTDOWN)

    def give_on(self, pieces: list[bytes]) -> layer.CommandGenerator[None]:
        """Clear bytes of the upstream; with the first ones its session is there to be kept."""
        if pieces and not self._remembered:
            self._remembered = True
            self._services.tls.remember(self._host, self.tls)
        yield from super().give_on(pieces)


def _explain(exc: SSL.Error) -> str:
    """OpenSSL's last word about an error, one line."""
    if isinstance(exc, SSL.SysCallError):
        return "the connection broke"
    if isinstance(exc, SSL.ZeroReturnError):
        return "alert close notify"
    queue = exc.args[0] if exc.args else None
    said = [str(entry[-1]) for entry in queue if entry[-1]] if isinstance(queue, list) else []
    if len(said) > 1 and said[-1] == _VAGUE:
        said.pop()
    return said[-1] if said else "TLS failed"

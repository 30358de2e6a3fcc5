"""TLS towards the client without sockets: nothing is answered before the gate let the name on; what breaks is recorded once."""

import contextlib
import logging
import ssl
from collections.abc import Callable

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from drive.layers import HOST, Driver, deny, make_context, make_services, make_session
from s3gate.policy.decision import Reason
from s3gate.proxy.client_failure import DISTRUST, explain_hang_up
from s3gate.proxy.client_tls import ClientTls
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.hello import FATAL_UNRECOGNIZED_NAME, MAX_RECORDS
from s3gate.proxy.hooks import S3gateRefusedHook


def lift(exchange: Exchange) -> None:
    exchange.lifted = True


class Inner(layer.Layer):
    """Remembers what comes in clear."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.got: list[events.Event] = []

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        self.got.append(event)
        yield from ()


class Gate(Driver):
    """A ClientTls with the refusals that it had recorded."""

    def __init__(self, judge: Callable[[Exchange], None] = lift) -> None:
        self.session = make_session(f"{HOST}:443")
        self.refusals: list[Exchange] = []
        context = make_context()
        self.layer = ClientTls(context, make_services(), self.session, Inner)
        super().__init__(self.layer, context, judge)
        self.feed(events.Start())

    def feed(self, event: events.Event) -> None:
        before = len(self.commands)
        super().feed(event)
        hooks = [one for one in self.commands[before:] if isinstance(one, S3gateRefusedHook)]
        self.refusals += [one.exchange for one in hooks if one.exchange not in self.refusals]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Reason and detail of each refusal."""
        return [
            (one.decision.reason.value, one.decision.detail)
            for one in self.refusals
            if one.decision is not None
        ]

    @property
    def clear(self) -> bytes:
        """What the inner layer was given."""
        inner = self.layer.child_layer
        assert isinstance(inner, Inner)
        return b"".join(one.data for one in inner.got if isinstance(one, events.DataReceived))

    def shake(self, context: ssl.SSLContext) -> "Client":
        """Shake hands with a real client, as far as it goes."""
        client = Client(context)
        client.go_on(self)
        client.go_on(self)
        return client


class Client:
    """A real TLS client, of which the bytes go where a test wants them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out, self._read = ssl.MemoryBIO(), ssl.MemoryBIO(), 0
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=HOST)

    def go_on(self, gate: Gate) -> None:
        """One flight of the handshake."""
        sent = gate.sent()
        self._in.write(sent[self._read :])
        self._read = len(sent)
        with contextlib.suppress(ssl.SSLError):
            self.tls.do_handshake()
        if data := self._out.read():
            gate.data(data)

    def encrypt(self, data: bytes) -> bytes:
        """As a record."""
        self.tls.write(data)
        return self.flush()

    def flush(self) -> bytes:
        """What it has to send."""
        return self._out.read()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def old() -> ssl.SSLContext:
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def poor() -> ssl.SSLContext:
    context = trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")
    return context


def hello(name: str = HOST) -> bytes:
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_lifted_name_is_shaken_hands_with() -> None:
    driver = Gate()
    driver.data(hello())
    assert driver.hooks == ["s3gate_hello"]
    assert driver.sent().startswith(b"\x16\x03")


@pytest.mark.parametrize("judge", [deny, lambda _exchange: None], ids=["denied", "no verdict"])
def test_any_other_is_not(judge: Callable[[Exchange], None]) -> None:
    driver = Gate(judge)
    driver.data(hello())
    assert driver.sent() == FATAL_UNRECOGNIZED_NAME
    assert list(driver.closes())
    driver.data(hello())
    assert driver.sent() == FATAL_UNRECOGNIZED_NAME
    assert driver.hooks == ["s3gate_hello"]


def test_what_is_not_tls_is_recorded_once() -> None:
    driver = Gate()
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    driver.data(b"more")
    assert driver.hooks == ["s3gate_refused"]
    assert driver.sent() == b""
    assert list(driver.closes())


def test_an_endless_hello_ends() -> None:
    driver = Gate()
    driver.data(b"".join(b"\x16\x03\x01\x00\x01" + byte for byte in (b"\x01", b"\x00", b"\x30", b"\x00")))
    for _ in range(MAX_RECORDS):
        driver.data(b"\x16\x03\x01\x00\x01\x00")
    assert driver.hooks == ["s3gate_refused"]


def test_a_slow_handshake_ends() -> None:
    driver = Gate()
    driver.data(hello()[:50])
    (timer,) = driver.of(commands.RequestWakeup)
    driver.feed(events.Wakeup(timer))
    assert driver.hooks == ["s3gate_refused"]
    assert list(driver.closes())


def test_a_tunnel_without_a_byte_ends_quietly() -> None:
    driver = Gate()
    (timer,) = driver.of(commands.RequestWakeup)
    driver.feed(events.Wakeup(timer))
    assert driver.hooks == []
    assert list(driver.closes())


BEHIND = {
    "clear text": b"GET / HTTP/1.1\r\n\r\n",
    "early data": b"\x17\x03\x03\x00\x05hello",
    "another ClientHello": hello("evil-bucket.s3.ap-northeast-1.amazonaws.com"),
    "an alert": b"\x15\x03\x03\x00\x02\x01\x00",
}


@pytest.mark.parametrize("behind", BEHIND)
def test_nothing_follows_a_clienthello(behind: str) -> None:
    driver = Gate()
    driver.data(hello() + BEHIND[behind])
    driver.data(b"more")
    ((reason, detail),) = driver.told
    assert reason == "NOT_TLS"
    assert detail.endswith("follows the ClientHello before it is answered")
    assert driver.sent() == b""
    assert list(driver.closes())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_does_not_trust_the_ca_is_told_of_in_the_record(version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    driver = Gate()
    driver.shake(context)
    assert driver.told == [("NOT_TLS", f"{DISTRUST} (TLS alert unknown ca)")]
    assert driver.refusals[0].request.sni == HOST
    assert list(driver.closes())


@pytest.mark.parametrize(
    ("context", "detail"), [(old, "(unsupported protocol)"), (poor, "(no shared cipher)")]
)
def test_a_client_without_a_tls_of_ours(context: Callable[[], ssl.SSLContext], detail: str) -> None:
    driver = Gate()
    driver.shake(context())
    ((reason, told),) = driver.told
    assert reason == "NOT_TLS"
    assert told.endswith(detail)


def test_garbage_in_the_handshake() -> None:
    driver = Gate()
    driver.data(hello())
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    driver.feed(events.ConnectionClosed(driver.context.client))
    ((reason, detail),) = driver.told
    assert reason == "NOT_TLS"
    assert detail.startswith("the client's TLS is broken (")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", []),
        (hello()[:1], [("NOT_TLS", explain_hang_up(shown=False))]),
        (hello()[:-1], [("NOT_TLS", explain_hang_up(shown=False))]),
        (hello(), [("NOT_TLS", explain_hang_up(shown=True))]),
    ],
    ids=["before a byte", "behind one byte", "before the last byte", "at the certificate"],
)
def test_a_client_that_leaves_is_recorded_once_it_sent_something(
    sent: bytes, told: list[tuple[str, str]]
) -> None:
    driver = Gate()
    if sent:
        driver.data(sent)
    driver.feed(events.ConnectionClosed(driver.context.client))
    assert driver.told == told
    assert list(driver.closes())


@pytest.mark.parametrize(("cut", "told"), [(Reason.TIMEOUT, ["TIMEOUT"]), (Reason.DRAINING, [])])
def test_a_handshake_that_the_gate_cuts(cut: Reason, told: list[str]) -> None:
    driver = Gate()
    driver.data(hello())
    driver.session.cut = cut
    driver.feed(events.ConnectionClosed(driver.context.client))
    assert [reason for reason, _ in driver.told] == told


def test_a_broken_record_is_recorded_once_and_what_came_before_it_counts() -> None:
    driver = Gate()
    client = driver.shake(trusting())
    good, bad = client.encrypt(b"good"), bytearray(client.encrypt(b"evil"))
    bad[-1] ^= 1
    driver.data(good + bad)
    driver.data(bytes(bad))
    driver.data(client.encrypt(b"more"))
    ((reason, detail),) = driver.told
    assert reason == "NOT_TLS"
    assert "bad record mac" in detail
    assert driver.clear == b"good"
    inner = driver.layer.child_layer
    assert isinstance(inner, Inner)
    assert isinstance(inner.got[-1], events.ConnectionClosed)


def test_clear_text_in_an_open_tunnel_is_a_broken_record() -> None:
    driver = Gate()
    driver.shake(trusting())
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    assert [reason for reason, _ in driver.told] == ["NOT_TLS"]
    assert driver.clear == b""


def test_a_polite_end_of_an_open_tunnel_is_no_refusal() -> None:
    driver = Gate()
    client = driver.shake(trusting())
    with contextlib.suppress(ssl.SSLError):
        client.tls.unwrap()
    driver.data(client.flush())
    driver.feed(events.ConnectionClosed(driver.context.client))
    assert driver.told == []


@pytest.mark.parametrize("politely", [True, False])
def test_the_inner_layer_hears_of_both_ends(politely: bool) -> None:
    """Of the client's half, and then of the rest: whoever waits for an answer must not wait for ever."""
    driver = Gate()
    client = driver.shake(trusting())
    inner = driver.layer.child_layer
    assert isinstance(inner, Inner)
    conn = driver.context.client
    if politely:
        with contextlib.suppress(ssl.SSLError):
            client.tls.unwrap()
        driver.data(client.flush())
    conn.state = ConnectionState.CAN_WRITE
    driver.feed(events.ConnectionClosed(conn))
    assert len([one for one in inner.got if isinstance(one, events.ConnectionClosed)]) == 1
    conn.state = ConnectionState.CLOSED
    driver.feed(events.ConnectionClosed(conn))
    assert len([one for one in inner.got if isinstance(one, events.ConnectionClosed)]) == 2
    assert driver.told == []


def test_what_follows_a_polite_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender may wait for an answer meanwhile, and must not fill our memory."""
    driver = Gate()
    client = driver.shake(trusting())
    with contextlib.suppress(ssl.SSLError):
        client.tls.unwrap()
    driver.data(client.flush())
    kept: list[bytes] = []
    monkeypatch.setattr(type(driver.layer.tls), "bio_write", lambda _tls, data: kept.append(data))
    for _ in range(3):
        driver.data(bytes(1000))
    assert kept == []
    assert driver.told == []


def test_nothing_is_said_behind_a_broken_record() -> None:
    driver = Gate()
    driver.shake(trusting())
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    said = driver.sent()
    list(driver.layer.send_data(b"answer"))
    assert driver.sent() == said


def test_a_crash_closes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    driver = Gate()
    monkeypatch.setattr("s3gate.proxy.client_tls.read_hello", broken)
    driver.data(hello())
    assert list(driver.closes())
    assert driver.sent() == b""
    assert [reason for reason, _ in driver.told] == ["INTERNAL_ERROR"]

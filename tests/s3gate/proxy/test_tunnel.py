"""The TLS layers without sockets: nothing is answered before the gate let the name on."""

import contextlib
import logging
import ssl

import pytest
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import tls

from drive.layers import HOST, Driver, allow, deny, make_context, make_services, make_session
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.hello import FATAL_UNRECOGNIZED_NAME, MAX_RECORDS
from s3gate.proxy.tunnel import ClientTls, GateTls


class Inner(layer.Layer):
    """Remembers what comes in clear."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.got: list[events.Event] = []

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        self.got.append(event)
        yield from ()


def lift(exchange: Exchange) -> None:
    exchange.lifted = True


def start(**options: object) -> Driver:
    context = make_context()
    services = make_services()
    driver = Driver(ClientTls(context, services, make_session(f"{HOST}:443"), Inner), context, **options)  # type: ignore[arg-type] # keywords
    driver.feed(events.Start())
    return driver


def hello(name: str = HOST) -> bytes:
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_lifted_name_is_shaken_hands_with() -> None:
    driver = start(judge=lift)
    driver.data(hello())
    assert driver.hooks == ["s3gate_hello"]
    assert driver.sent().startswith(b"\x16\x03")


@pytest.mark.parametrize("judge", [deny, lambda _exchange: None], ids=["denied", "no verdict"])
def test_any_other_is_not(judge: object) -> None:
    driver = start(judge=judge)
    driver.data(hello())
    assert driver.sent() == FATAL_UNRECOGNIZED_NAME
    assert list(driver.closes())
    driver.data(hello())
    assert driver.sent() == FATAL_UNRECOGNIZED_NAME
    assert driver.hooks == ["s3gate_hello"]


def test_what_is_not_tls_is_recorded_once() -> None:
    driver = start()
    driver.data(b"GET / HTTP/1.1\r\n\r\n")
    driver.data(b"more")
    assert driver.hooks == ["s3gate_refused"]
    assert driver.sent() == b""
    assert list(driver.closes())


def test_an_endless_hello_ends() -> None:
    driver = start()
    driver.data(b"".join(b"\x16\x03\x01\x00\x01" + byte for byte in (b"\x01", b"\x00", b"\x30", b"\x00")))
    for _ in range(MAX_RECORDS):
        driver.data(b"\x16\x03\x01\x00\x01\x00")
    assert driver.hooks == ["s3gate_refused"]


def test_a_slow_handshake_ends() -> None:
    driver = start()
    driver.data(hello()[:50])
    (timer,) = driver.of(commands.RequestWakeup)
    driver.feed(events.Wakeup(timer))
    assert driver.hooks == ["s3gate_refused"]
    assert list(driver.closes())


def test_a_tunnel_without_a_byte_ends_quietly() -> None:
    driver = start()
    (timer,) = driver.of(commands.RequestWakeup)
    driver.feed(events.Wakeup(timer))
    assert driver.hooks == []
    assert list(driver.closes())


def test_a_crash_closes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    driver = start(judge=allow)
    monkeypatch.setattr("s3gate.proxy.tunnel.read_hello", broken)
    driver.data(hello())
    assert list(driver.closes())
    assert driver.sent() == b""


def test_mitmproxys_own_start_of_tls_is_closed() -> None:
    with pytest.raises(AssertionError):
        list(GateTls(make_context(), make_context().client).start_tls())


def test_contract_tls_layer() -> None:
    """What of mitmproxy's TLSLayer and TunnelLayer is overridden or called."""
    for name in (
        "start_tls",
        "tls_interact",
        "receive_handshake_data",
        "receive_data",
        "receive_close",
        "send_data",
        "send_close",
        "on_handshake_error",
    ):
        assert callable(getattr(tls.TLSLayer, name, None)), f"mitmproxy's TLSLayer.{name} moved"
    for name in (
        "start_handshake",
        "event_to_child",
        "_handle_event",
        "_handle_command",
        "_handshake_finished",
    ):
        assert callable(getattr(tunnel.TunnelLayer, name, None)), f"mitmproxy's TunnelLayer.{name} moved"
    assert tls.TLSLayer.tls is None, "mitmproxy's TLSLayer.tls is no longer None before the handshake"
    assert {state.name for state in tunnel.TunnelState} == {"INACTIVE", "ESTABLISHING", "OPEN", "CLOSED"}

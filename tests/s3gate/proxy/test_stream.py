"""The HTTP layer without sockets: no verdict is a denial, and a denial reads nothing more."""

import logging

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import _hooks

from drive.layers import HOST, Driver, allow, deny, make_context, make_services, make_session
from s3gate.policy.decision import Reason
from s3gate.proxy import stream
from s3gate.proxy.carriage import HELD_BYTES
from s3gate.proxy.closing import DISCARD_BYTES
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.stream import HttpGate

GET = f"GET /k HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
CONNECT = f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode()


def start(*, inside: bool = True, **options: object) -> Driver:
    context = make_context()
    session = make_session(f"{HOST}:443" if inside else None)
    driver = Driver(HttpGate(context, make_services(), session), context, **options)  # type: ignore[arg-type] # keywords
    driver.feed(events.Start())
    return driver


def nothing(_exchange: Exchange) -> None:
    """A hook that raised: no verdict."""


def test_no_verdict_is_a_denial() -> None:
    driver = start(judge=nothing)
    driver.data(GET)
    assert driver.hooks == ["s3gate_request", "s3gate_refused"]
    assert b"INTERNAL_ERROR" in driver.sent()
    assert not driver.of(commands.OpenConnection)


def test_a_lift_is_no_allow() -> None:
    """What lets a CONNECT on lets no request through."""

    def lift(exchange: Exchange) -> None:
        exchange.lifted = True

    driver = start(judge=lift)
    driver.data(GET)
    assert not driver.of(commands.OpenConnection)


def test_an_allow_that_is_not_recorded_goes_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    def unrecorded(exchange: Exchange) -> None:
        allow(exchange)
        exchange.recorded = False

    driver = start(judge=unrecorded)
    driver.data(GET)
    assert not driver.of(commands.OpenConnection)
    assert b"INTERNAL_ERROR" in driver.sent()


def test_an_allow_dials_the_judged_name() -> None:
    driver = start()
    driver.data(GET)
    (dial,) = driver.of(commands.OpenConnection)
    assert dial.connection.address == (HOST, 443)
    assert driver.sent() == b""


def test_a_denial_ends_our_half_and_reads_on_within_limits() -> None:
    driver = start(judge=deny)
    driver.data(GET + GET)
    assert driver.sent().startswith(b"HTTP/1.1 403 ")
    (half,) = driver.of(commands.CloseTcpConnection)
    assert half.half_close
    driver.data(bytes(DISCARD_BYTES))
    assert len(list(driver.closes())) == 1
    driver.data(b"x")
    assert len(list(driver.closes())) == 2
    assert driver.hooks == ["s3gate_request"]


def test_a_denied_client_is_cut_off_by_time() -> None:
    driver = start(judge=deny)
    driver.data(GET)
    timer = driver.of(commands.RequestWakeup)[-1]
    driver.feed(events.Wakeup(timer))
    assert len(list(driver.closes())) == 2


def test_a_flood_before_the_verdict_is_refused() -> None:
    """mitmdump's own reader does not wait for a verdict: what it brings meanwhile is bounded."""
    driver = start()
    driver.paused = True
    driver.data(f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100000000\r\n\r\n".encode())
    for _ in range(3):
        driver.data(bytes(HELD_BYTES))
    driver.resume()
    assert b"LIMIT_EXCEEDED" in driver.sent()
    assert not driver.of(commands.OpenConnection)


def test_what_comes_while_a_connect_is_judged_belongs_to_the_tunnel() -> None:
    driver = start(inside=False)
    driver.paused = True
    driver.data(CONNECT)
    driver.data(GET)
    driver.resume()
    assert driver.hooks == ["s3gate_connect", "s3gate_refused"]
    assert driver.sent() == stream.ACCEPTED  # the plain request is NOT_TLS, not a request of the outside


def test_a_crash_denies(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stream, "Transfer", broken)
    driver = start()
    driver.data(GET)
    assert b"INTERNAL_ERROR" in driver.sent()
    assert "s3gate_refused" in driver.hooks


def test_slow_heads_time_out() -> None:
    driver = start()
    driver.data(b"GET /")
    (timer,) = driver.of(commands.RequestWakeup)
    driver.feed(events.Wakeup(timer))
    assert driver.sent().startswith(b"HTTP/1.1 408 ")
    assert b"x-s3gate-reason: TIMEOUT" in driver.sent()
    assert Reason.TIMEOUT in driver.sent().decode()


def leave(driver: Driver, state: ConnectionState) -> None:
    driver.context.client.state = state
    driver.feed(events.ConnectionClosed(driver.context.client))


def test_half_a_client_waits_for_the_answer_to_a_whole_request() -> None:
    driver = start()
    driver.data(GET)
    leave(driver, ConnectionState.CAN_WRITE)
    assert "s3gate_completed" not in driver.hooks
    assert not list(driver.closes())


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (GET, ConnectionState.CLOSED),
        (GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nab"), ConnectionState.CAN_WRITE),
    ],
    ids=["gone altogether", "half gone in a body"],
)
def test_anybody_else_does_not(data: bytes, state: ConnectionState) -> None:
    driver = start()
    driver.data(data)
    leave(driver, state)
    assert driver.hooks == ["s3gate_request", "s3gate_completed"]
    assert len(list(driver.closes())) == 1


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        (None, b"MALFORMED_REQUEST"),
        (Reason.TIMEOUT, b"TIMEOUT"),
        (Reason.DRAINING, None),
        (Reason.NOT_TLS, None),
    ],
)
def test_half_a_head_is_refused_unless_it_is_not_the_clients_end(
    cut: Reason | None, reason: bytes | None
) -> None:
    driver = start()
    driver.data(GET[:-2])
    layer = driver.top
    assert isinstance(layer, HttpGate)
    layer._session.cut = cut
    leave(driver, ConnectionState.CAN_WRITE)
    assert driver.hooks == ([] if reason is None else ["s3gate_refused"])
    assert reason is None or reason in driver.sent()
    assert list(driver.closes())


def test_contract_layer() -> None:
    """mitmproxy's Layer keeps events in `_paused_event_queue` while `_paused` is set."""
    one = HttpGate(make_context(), make_services(), make_session())
    assert one._paused is None, "mitmproxy moved Layer._paused: HttpGate.handle_event bounds what waits by it"
    assert len(one._paused_event_queue) == 0, "mitmproxy moved Layer._paused_event_queue"
    assert "_handle_event" in vars(layer.Layer), "mitmproxy's Layer no longer asks for _handle_event"


def test_contract_hooks() -> None:
    """The names by which mitmproxy calls an addon."""
    names = {_hooks.HttpConnectHook.name, _hooks.HttpRequestHeadersHook.name, _hooks.HttpResponseHook.name}
    assert names == {"http_connect", "requestheaders", "response"}, "mitmproxy renamed its HTTP hooks"
    assert _hooks.HttpRequestHeadersHook.blocking, (
        "mitmproxy's requestheaders hook no longer waits for its verdict"
    )

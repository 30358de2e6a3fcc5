"""The upstream leg: opens what it was given, hears in order, and is deaf once it was left."""

from mitmproxy.connection import ConnectionState, Server
from mitmproxy.proxy import commands, events, layer

from drive.layers import HOST, make_context, make_services
from s3gate.proxy.ports import Upstream
from s3gate.proxy.upstream import Closed, Leg, Opened, Received


def leg(port: int = 80) -> tuple[Leg, commands.OpenConnection]:
    one = Leg(make_context(), make_services(), HOST, port, Upstream(("127.0.0.1",), 1))
    opens = [command for command in one.start() if isinstance(command, commands.OpenConnection)]
    return one, opens[0]


def test_news_come_in_order() -> None:
    one, dial = leg()
    assert one.key == (HOST, 80)
    one.server.state = ConnectionState.OPEN
    list(one.handle(events.OpenConnectionCompleted(dial, None)))
    list(one.handle(events.DataReceived(one.server, b"a")))
    assert one.alive
    list(one.handle(events.ConnectionClosed(one.server)))
    assert not one.alive
    assert [one.hear(), one.hear(), one.hear(), one.hear()] == [Opened(), Received(b"a"), Closed(), None]


def test_it_closes_once() -> None:
    one, _ = leg()
    assert [type(command) for command in one.handle(events.ConnectionClosed(one.server))] == []
    list(one.close())
    assert not one.alive


def test_a_network_problem_is_not_a_tls_problem() -> None:
    one, dial = leg(443)
    list(one.handle(events.OpenConnectionCompleted(dial, "refused")))
    assert one.hear() == Opened("refused", tls=False)


def test_tls_problems_are_told_apart() -> None:
    one, dial = leg(443)
    one.server.state = ConnectionState.OPEN
    out = list(one.handle(events.OpenConnectionCompleted(dial, None)))
    assert any(
        isinstance(command, commands.SendData) and command.data.startswith(b"\x16\x03") for command in out
    )
    list(one.handle(events.DataReceived(one.server, b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    news = one.hear()
    assert isinstance(news, Opened)
    assert news.tls
    assert news.problem


def test_a_hang_up_in_the_handshake_is_a_network_problem() -> None:
    one, dial = leg(443)
    one.server.state = ConnectionState.OPEN
    list(one.handle(events.OpenConnectionCompleted(dial, None)))
    one.server.state = ConnectionState.CLOSED
    list(one.handle(events.ConnectionClosed(one.server)))
    assert one.hear() == Opened("connection closed", tls=False)


def test_contract_connections() -> None:
    """mitmproxy's Server has no address before it is connected, and commands block their layer."""
    server = Server(address=(HOST, 443))
    assert server.peername is None, "mitmproxy's Server.peername is set before the dial now"
    assert server.via is None
    assert commands.OpenConnection.blocking is True, "mitmproxy's OpenConnection no longer waits"
    assert issubclass(layer.NextLayer, layer.Layer)

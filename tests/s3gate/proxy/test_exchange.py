"""The values on the way: a valve that holds readers, requests as they were sent."""

from drive.layers import HOST, make_services, make_session
from s3gate.proxy.exchange import Exchange, Valve
from s3gate.proxy.head import parse_request_head


def test_a_valve_turns_what_hangs_on_it_each_way_once() -> None:
    valve, turns = Valve(), list[str]()
    valve.turns(lambda: turns.append("close"), lambda: turns.append("open"))
    for turn in (valve.open, valve.close, valve.close, valve.open, valve.open):
        turn()
    assert turns == ["close", "open"]


def test_what_is_hung_on_a_closed_valve_is_closed() -> None:
    valve, turns = Valve(), list[str]()
    valve.close()
    valve.turns(lambda: turns.append("close"), lambda: turns.append("open"))
    assert turns == ["close"]


def test_an_exchange_starts_without_any_verdict() -> None:
    head = parse_request_head(b"GET /k HTTP/1.1\r\nHost: b")
    exchange = Exchange(make_session().request(head, "http", None, "/k", make_services().now()), "01ID")
    assert not exchange.lifted
    assert not exchange.recorded
    assert (exchange.decision, exchange.upstream, exchange.host) == (None, None, None)


def test_a_request_is_what_was_sent_and_on_what_connection() -> None:
    head = parse_request_head(b"GET /k HTTP/1.1\r\nHost: b")
    plain = make_session().request(head, "http", "b", "/k", make_services().now())
    assert (plain.scheme, plain.authority, plain.connect, plain.sni) == ("http", "b", None, None)
    inside = make_session(f"{HOST}:443").request(head, "https", None, "/k", make_services().now())
    assert (inside.scheme, inside.connect, inside.sni, inside.headers) == (
        "https",
        f"{HOST}:443",
        HOST,
        (("Host", "b"),),
    )

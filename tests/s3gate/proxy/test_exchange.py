"""The values on the way: a valve that holds readers, requests as they were sent."""

import asyncio

from drive.layers import HOST, make_services, make_session
from s3gate.proxy.exchange import Exchange, Valve
from s3gate.proxy.head import parse_request_head


async def test_a_closed_valve_holds_its_reader() -> None:
    valve = Valve()
    await valve.wait()
    valve.close()
    waiting = asyncio.create_task(valve.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    valve.open()
    await asyncio.wait_for(waiting, 1)


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

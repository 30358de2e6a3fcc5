"""mitmproxy's picture of an exchange: complete, and without any power."""

import gc

from mitmproxy import http

from drive.layers import HOST, make_context, make_services, make_session
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.flow import exchange_of, make_flow, register, show_answer
from s3gate.proxy.head import parse_request_head


def exchange(raw: bytes = b"GET /k?a HTTP/1.1\r\nHost: b\r\nX: \xe9") -> tuple[http.HTTPFlow, Exchange]:
    head = parse_request_head(raw)
    one = Exchange(
        make_session(f"{HOST}:443").request(head, "https", None, head.target, make_services().now()), "01ID"
    )
    return make_flow(make_context(), head, one.request), one


def test_the_picture_shows_the_request() -> None:
    flow, _ = exchange()
    assert flow.request.pretty_url == f"https://{HOST}/k?a" or flow.request.url == f"https://{HOST}/k?a"
    assert flow.request.headers.fields == ((b"Host", b"b"), (b"X", b"\xe9"))
    flow, _ = exchange(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: x".encode())
    assert flow.request.authority == f"{HOST}:443"


def test_a_flow_leads_to_its_exchange_while_it_lives() -> None:
    flow, one = exchange()
    assert exchange_of(flow) is None
    register(flow, one)
    assert exchange_of(flow) is one
    assert exchange_of(exchange()[0]) is None
    del flow
    gc.collect()


def test_an_answer_can_be_shown() -> None:
    flow, _ = exchange()
    show_answer(flow, 403, (("X", "y"),), b"no")
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.headers["X"], flow.response.content) == (403, "y", b"no")


def test_contract_flow() -> None:
    """mitmproxy's flows are compared by identity: the exchange of one is not that of its copy."""
    flow, one = exchange()
    register(flow, one)
    assert exchange_of(flow.copy()) is None, "mitmproxy's flows are equal to their copies now"  # type: ignore[no-untyped-call] # mitmproxy has no type here


def test_no_password_is_in_the_picture() -> None:
    flow, one = exchange(
        f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: x\r\nproxy-Authorization: Basic YTpi\r\nX: y".encode()
    )
    assert flow.request.headers.fields == ((b"Host", b"x"), (b"X", b"y"))
    assert ("proxy-Authorization", "Basic YTpi") in one.request.headers, "the gate itself reads it"

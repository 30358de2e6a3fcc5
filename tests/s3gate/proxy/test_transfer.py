"""One exchange as bytes in and bytes out."""

import pytest

from drive.layers import allow, make_services, make_session
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.framing import request_body
from s3gate.proxy.head import parse_request_head
from s3gate.proxy.transfer import MAX_INTERIM, BadGateway, Transfer


def transfer(*lines: str, method: str = "GET", version: str = "HTTP/1.1") -> Transfer:
    head = parse_request_head("\r\n".join((f"{method} /k {version}", "Host: b", *lines)).encode())
    exchange = Exchange(make_session().request(head, "http", None, "/k", make_services().now()), "01ID")
    allow(exchange)
    return Transfer(exchange, head, "/k", request_body(head))


def test_a_body_that_came_early_waits_for_the_upstream() -> None:
    one = transfer("Transfer-Encoding: chunked", method="PUT")
    assert one.feed_request(b"3\r\nabc\r\n2\r\nde") == (b"", b"")
    assert one.held == 5
    assert one.open().endswith(b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
    assert one.feed_request(b"\r\n1\r\nf\r\n0\r\n\r\nGET") == (b"1\r\nf\r\n0\r\n\r\n", b"GET")
    assert one.request_done
    assert one.bytes_up == 6


def test_a_whole_chunked_body_that_came_early() -> None:
    one = transfer("Transfer-Encoding: chunked", method="PUT")
    one.feed_request(b"0\r\n\r\n")
    assert one.open().endswith(b"\r\n\r\n0\r\n\r\n")


def test_without_a_body_everything_is_the_next_head() -> None:
    assert transfer().feed_request(b"GET /2") == (b"", b"GET /2")


@pytest.mark.parametrize("expect", [True, False])
def test_100_continue_is_for_those_who_asked(expect: bool) -> None:
    one = transfer(*(["Expect: 100-continue"] if expect else []), "Content-Length: 2", method="PUT")
    one.open()
    assert one.feed_response(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n") == (
        b"HTTP/1.1 100 Continue\r\n\r\n" if expect else b""
    )
    assert one.reply is None


def test_a_body_goes_up_when_the_upstream_asked_for_it() -> None:
    one = transfer("Expect: 100-continue", "Transfer-Encoding: chunked", method="PUT")
    assert b"\r\nExpect: 100-continue\r\n" in one.open()
    assert one.waits
    assert one.feed_request(b"3\r\nabc\r\n0\r\n\r\nGET") == (b"", b"GET")
    assert (one.held, one.request_done, one.release()) == (3, True, b"")
    assert one.feed_response(b"HTTP/1.1 103 Early Hints\r\n\r\n") == b""
    assert one.waits
    one.feed_response(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert not one.waits
    assert one.release() == b"3\r\nabc\r\n0\r\n\r\n"
    assert (one.release(), one.bytes_up) == (b"", 3)


def test_a_body_that_the_upstream_did_not_ask_for_never_goes_up() -> None:
    """It answered at the head: whatever came next it might take for a request."""
    one = transfer("Expect: 100-continue", "Content-Length: 5", method="PUT")
    one.open()
    one.feed_request(b"GET ")
    assert b"Connection: close" in one.feed_response(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n")
    assert one.feed_request(b"/") == (b"", b"")
    assert (one.release(), one.held, one.bytes_up) == (b"", 0, 0)
    one.feed_response(b"no")
    assert (one.response_done, one.close, one.leg_spent) == (True, True, True)


def test_a_whole_body_that_the_upstream_did_not_ask_for_closes_too() -> None:
    one = transfer("Expect: 100-continue", "Content-Length: 1", method="PUT")
    one.open()
    assert one.feed_request(b"aGET") == (b"", b"GET")
    assert b"Connection: close" in one.feed_response(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    assert (one.close, one.leg_spent, one.release()) == (True, True, b"")


@pytest.mark.parametrize(
    ("lines", "body"), [(["Content-Length: 1"], b"a"), (["Content-Length: 0"], b""), ([], b"")]
)
def test_who_does_not_wait_expects_nothing(lines: list[str], body: bytes) -> None:
    one = transfer("Expect: 100-continue", *lines, method="PUT")
    one.feed_request(body)
    assert b"xpect" not in one.open()
    assert not one.waits


def test_a_body_that_follows_at_once_goes_up_with_the_head() -> None:
    one = transfer("Expect: 100-continue", "Content-Length: 2", method="PUT")
    one.feed_request(b"a")
    assert one.open().endswith(b"\r\n\r\na")
    assert one.feed_request(b"b") == (b"b", b"")


def test_an_answer_before_the_body_is_done_closes() -> None:
    one = transfer("Content-Length: 2", method="PUT")
    one.open()
    assert b"Connection: close" in one.feed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert one.response_done
    assert one.close


def test_an_answer_of_unknown_length_is_chunked_for_us() -> None:
    one = transfer()
    one.open()
    assert (
        one.feed_response(b"HTTP/1.1 200 OK\r\n\r\nhi")
        == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    )
    assert one.end_response() == b"0\r\n\r\n"
    assert one.response_done
    assert one.leg_spent


def test_an_old_client_gets_no_chunks() -> None:
    one = transfer(version="HTTP/1.0")
    one.open()
    out = one.feed_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    assert out == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_an_answer_however_it_is_cut(step: int) -> None:
    one = transfer()
    one.open()
    raw = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    out = b"".join(one.feed_response(raw[at : at + step]) for at in range(0, len(raw), step))
    assert out.startswith(b"HTTP/1.1 200 OK\r\n")
    assert out.endswith(b"0\r\n\r\n")
    assert one.response_done
    assert not one.leg_spent


def test_bytes_behind_an_answer_reach_nobody() -> None:
    one = transfer()
    one.open()
    assert one.feed_response(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"
    ).endswith(b"\r\n\r\nok")
    assert one.leg_spent
    assert one.feed_response(b"more") == b""


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\n" * (MAX_INTERIM + 1),
        b"\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["101", "endless interim", "binary", "bad length"],
)
def test_answers_that_break_http(raw: bytes) -> None:
    one = transfer()
    one.open()
    with pytest.raises(BadGateway):
        one.feed_response(raw)


def test_broken_chunks_of_an_answer() -> None:
    one = transfer()
    one.open()
    one.feed_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(BadGateway):
        one.feed_response(b"zz\r\n")


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"], ids=["no answer", "half an answer"]
)
def test_an_upstream_that_closes_too_early(raw: bytes) -> None:
    one = transfer()
    one.open()
    one.feed_response(raw)
    with pytest.raises(BadGateway):
        one.end_response()


def test_what_is_recorded_of_it() -> None:
    one = transfer("Content-Length: 2", method="PUT")
    one.open()
    one.feed_request(b"ok")
    one.feed_response(
        b"HTTP/1.1 200 OK\r\nX-Amz-Request-Id: R\r\nx-amz-id-2: I\r\nContent-Length: 3\r\n\r\nyes"
    )
    done = one.completion(address="127.0.0.1", port=443)
    assert (done.complete, done.status, done.bytes_up, done.bytes_down) == (True, 200, 2, 3)
    assert (done.request_id, done.id_2, done.ttl_s, done.reused) == ("R", "I", 1, False)
    assert done.first_byte_us is not None
    assert 0 <= done.first_byte_us <= done.duration_us

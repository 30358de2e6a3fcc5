"""What leaves the gate: the judged lines, less those of one hop."""

import pytest

from s3gate.policy.decision import Reason
from s3gate.proxy.forward import check_forwardable, split_target, wants_close, write_request, write_response
from s3gate.proxy.head import HeadRefused, RequestHead, parse_request_head, parse_response_head


def head(*lines: str, start: str = "GET /k HTTP/1.1") -> RequestHead:
    return parse_request_head("\r\n".join((start, *lines)).encode("latin-1"))


def test_only_hop_by_hop_lines_are_left_out() -> None:
    sent = head(
        "HOST:  b ",
        "Connection: keep-alive",
        "x-amz-date:1",
        "TE: trailers",
        "Proxy-Authorization: Basic x",
        "Expect: 100-continue",
    )
    assert (
        write_request(sent, "/k", chunked=False)
        == b"GET /k HTTP/1.1\r\nHOST:  b \r\nx-amz-date:1\r\nExpect: 100-continue\r\n\r\n"
    )


def test_an_expect_that_waits_for_nothing_is_left_out() -> None:
    sent = head("Host: b", "EXPECT: 100-continue", "Content-Length: 1", start="PUT /k HTTP/1.1")
    assert b"EXPECT" in write_request(sent, "/k", chunked=False)
    assert (
        write_request(sent, "/k", chunked=False, expects=False)
        == b"PUT /k HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\n\r\n"
    )


def test_our_own_framing_is_added() -> None:
    sent = head("Host: b", "Transfer-Encoding:   CHUNKED")
    assert (
        write_request(sent, "/k", chunked=True)
        == b"GET /k HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    )


def test_an_answer_keeps_its_lines_and_says_when_it_is_the_last() -> None:
    reply = parse_response_head(b"HTTP/1.0 200 Fine\r\nConnection: keep-alive\r\nETag: x\r\nKeep-Alive: 5")
    assert write_response(reply, chunked=True, close=True) == (
        b"HTTP/1.1 200 Fine\r\nETag: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )


TARGETS = [
    ("/k?a://b", "https", (None, "/k?a://b")),
    ("*", "https", (None, "*")),
    ("https://b/k?x#y", "https", ("b", "/k?x#y")),
    ("HTTPS://b", "https", ("b", "/")),
    ("http://b?x=/y", "http", ("b", "/?x=/y")),
    ("http://u@b:80/", "http", ("u@b:80", "/")),
    ("http:///k", "http", ("", "/k")),
    ("b:443", "http", (None, "b:443")),
]


@pytest.mark.parametrize(("target", "scheme", "parts"), TARGETS, ids=str)
def test_targets_are_taken_apart(target: str, scheme: str, parts: tuple[str | None, str]) -> None:
    assert split_target(target, scheme) == parts


@pytest.mark.parametrize("target", ["http://b/", "ftp://b/", "ws://b/"])
def test_another_scheme_is_refused(target: str) -> None:
    with pytest.raises(HeadRefused):
        split_target(target, "https")


def test_when_a_connection_ends() -> None:
    assert wants_close((("Connection", "x, Close"),), "HTTP/1.1")
    assert wants_close((), "HTTP/1.0")
    assert not wants_close((("Connection", "keep-alive"),), "HTTP/1.1")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (head("Host: b", start="CONNECT b:443 HTTP/1.1"), Reason.PROTOCOL_UPGRADE),
        (head("Host: b", "UPGRADE: h2c"), Reason.PROTOCOL_UPGRADE),
        (head("Host: b", "Connection: close, host"), Reason.MALFORMED_REQUEST),
        (head("Host: b", "Proxy-Connection: x-amz-date"), Reason.MALFORMED_REQUEST),
    ],
    ids=["CONNECT", "Upgrade", "Connection names Host", "Proxy-Connection names a header"],
)
def test_what_asks_for_more_than_forwarding(sent: RequestHead, reason: Reason) -> None:
    with pytest.raises(HeadRefused) as refused:
        check_forwardable(sent)
    assert refused.value.reason is reason
    check_forwardable(head("Host: b", "Connection: Keep-Alive, TE, close"))

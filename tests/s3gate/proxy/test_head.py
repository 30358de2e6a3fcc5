"""Heads: the strict grammar, byte by byte, and refusals that come as early as they can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.decision import Reason
from s3gate.proxy.head import HeadBuffer, HeadRefused, parse_request_head, parse_response_head

GOOD = b"GET /k HTTP/1.1\r\nHost: b\r\nX:  y \t"


def take(data: bytes, *, limit: int = 1000, request: bool = True, step: int = 1) -> bytes | None:
    buffer = HeadBuffer(limit, request=request)
    for at in range(0, len(data), step):
        buffer.feed(data[at : at + step])
        if (head := buffer.take()) is not None:
            return head
    return None


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_head_is_taken_whole_however_it_comes(step: int) -> None:
    assert take(GOOD + b"\r\n\r\n", step=step) == GOOD


def test_what_follows_stays() -> None:
    buffer = HeadBuffer(1000, request=True)
    buffer.feed(GOOD + b"\r\n\r\nGET /2")
    assert buffer.take() == GOOD
    assert len(buffer) == 6
    assert buffer.rest() == b"GET /2"
    assert len(buffer) == 0


def test_the_parts_are_as_sent() -> None:
    head = parse_request_head(b"PuT /%2f?a=%20 HTTP/1.0\r\nHoSt:b:443\r\nX:  a  b \t\r\nY:\xe9")
    assert (head.method, head.target, head.http_version) == ("PuT", "/%2f?a=%20", "HTTP/1.0")
    assert head.headers == (("HoSt", "b:443"), ("X", "a  b"), ("Y", "\xe9"))
    assert head.lines == (b"HoSt:b:443", b"X:  a  b \t", b"Y:\xe9")


EARLY = {
    "binary": (b"\x16\x03\x01", Reason.MALFORMED_REQUEST),
    "line break": (b"\r\n", Reason.MALFORMED_REQUEST),
    "control": (b"GET /\x01", Reason.MALFORMED_REQUEST),
    "bare LF": (b"GET / HTTP/1.1\nHost", Reason.MALFORMED_REQUEST),
    "bare CR": (b"GET / HTTP/1.1\r\nHo\rst", Reason.MALFORMED_REQUEST),
    "no request line": (b"SSH-2.0-x\r\n", Reason.MALFORMED_REQUEST),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n", Reason.PROTOCOL_UPGRADE),
    "too long": (b"GET /" + b"a" * 2000, Reason.LIMIT_EXCEEDED),
    "DEL": (b"GET /\x7f", Reason.MALFORMED_REQUEST),
}


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("name", EARLY)
def test_a_head_that_cannot_become_one_is_refused_before_its_end(name: str, step: int) -> None:
    data, reason = EARLY[name]
    with pytest.raises(HeadRefused) as refused:
        take(data, step=step)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "line", [b" folded", b"\tfolded", b"no colon", b"a : b", b": b", b"a\x80: b", b"a: b\x0b", b"(a): b"]
)
def test_a_header_line_has_one_form(line: bytes) -> None:
    with pytest.raises(HeadRefused):
        parse_request_head(b"GET / HTTP/1.1\r\n" + line)


@pytest.mark.parametrize(
    "line",
    [
        b"GET  / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET / HTTP/1.10",
        b"G\xe9T / HTTP/1.1",
        b"GET / HTTP/1.1\n",
    ],
)
def test_a_request_line_has_one_form(line: bytes) -> None:
    with pytest.raises(HeadRefused):
        parse_request_head(line)


def test_a_response_head() -> None:
    head = parse_response_head(b"HTTP/1.1 404 Not  Found \r\nA: b")
    assert (head.status, head.http_version, head.headers) == (404, "HTTP/1.1", (("A", "b"),))
    assert parse_response_head(b"HTTP/1.0 200").status == 200


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 600 x",
        b"HTTP/1.1 20 x",
        b"HTTP/2 200",
        b"HTTP/1.1  200 OK",
        b"ICY 200 OK",
        b"HTTP/1.1 200OK",
    ],
)
def test_a_status_line_has_one_form(line: bytes) -> None:
    with pytest.raises(HeadRefused):
        parse_response_head(line)


@given(st.binary(max_size=200), st.integers(1, 10))
def test_whatever_bytes_come_it_is_a_head_or_a_refusal(data: bytes, step: int) -> None:
    try:
        raw = take(data + b"\r\n\r\n", step=step)
        if raw is not None:
            head = parse_request_head(raw)
            assert (
                b"\r\n".join(
                    (f"{head.method} {head.target} {head.http_version}".encode("latin-1"), *head.lines)
                )
                == raw
            )
    except HeadRefused:
        return


PIECES = st.sampled_from(
    [b"a", b"Host", b":", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\x00", b"\x7f", b"\x80", b"\xff"]
)


@given(st.lists(st.lists(PIECES, max_size=6).map(b"".join), min_size=1, max_size=4))
def test_lines_read_at_once_are_what_each_is_alone(lines: list[bytes]) -> None:
    def read(*of: bytes) -> tuple[tuple[str, str], ...] | str:
        try:
            return parse_request_head(b"\r\n".join((b"GET / HTTP/1.1", *of))).headers
        except HeadRefused as exc:
            return exc.detail

    alone = [read(line) for line in lines]
    broken = [one for one in alone if isinstance(one, str)]
    assert read(*lines) == (broken[0] if broken else sum(alone, ()))


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_a_head_with_a_control_or_half_a_line_end_is_refused_however_it_comes(line: bytes) -> None:
    whole = b"GET / HTTP/1.1\r\nA: " + line
    bad = bool(
        whole.replace(b"\r\n", b"").translate(None, bytes({*range(0x20, 0x7F), *range(0x80, 0x100), 9}))
    )
    for step in (1, len(whole) + 4):
        try:
            raw = take(whole + b"\r\n\r\n", step=step)
        except HeadRefused:
            continue
        assert raw is not None
        if b"\r\n\r\n" not in whole + b"\r\n" and bad:
            with pytest.raises(HeadRefused):
                parse_request_head(raw)

"""Bodies: each reader stops at the exact end, however the bytes are cut, and refuses two readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.proxy.framing import (
    EXTENSION_BYTES,
    BodyError,
    BodyReader,
    ChunkReader,
    LengthReader,
    UntilClose,
    request_body,
    response_body,
    write_chunk,
)
from s3gate.proxy.head import HeadRefused, RequestHead, ResponseHead

REST = b"GET /next"


def read(reader: BodyReader, data: bytes, step: int) -> tuple[bytes, bytes | None]:
    """The payload, and what was behind its end (None: no end)."""
    payload = b""
    for at in range(0, len(data), step):
        fed = reader.feed(data[at : at + step])
        payload += b"".join(fed.pieces)
        if fed.done:
            return payload, fed.rest + data[at + step :]
    return payload, None


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_a_length_ends_exactly(step: int) -> None:
    assert read(LengthReader(5), b"hello" + REST, step) == (b"hello", REST)
    assert read(LengthReader(6), b"hello", step) == (b"hello", None)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_chunks_end_exactly(step: int) -> None:
    body = b"4\r\nwiki\r\n5;a=b;c\r\npedia\r\nA \t;x\r\n0\r\n\r\n12345\r\n0;z\r\n\r\n"
    assert read(ChunkReader(skip_trailers=False), body + REST, step) == (b"wikipedia0\r\n\r\n12345", REST)


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50))
def test_what_is_written_is_read_back(pieces: list[bytes], step: int) -> None:
    body = b"".join(write_chunk([piece], len(piece)) for piece in pieces) + b"0\r\n\r\n"
    assert read(ChunkReader(skip_trailers=False), body + REST, step) == (b"".join(pieces), REST)


BROKEN = {
    "not hex": b"g\r\n",
    "empty size": b"\r\n",
    "blank first": b" 1\r\n",
    "plus": b"+1\r\n",
    "0x": b"0x1\r\n",
    "underscore": b"1_0\r\n",
    "14 digits": b"1" * 14 + b"\r\n",
    "bare LF": b"1\na",
    "bare CR": b"1\ra\r\n",
    "CR CR LF": b"1\r\r\na",
    "control in extension": b"1;\x01\r\n",
    "line too long": b"1;" + b"a" * 2000,
    "longer than said": b"1\r\nab\r\n",
    "LF behind data": b"1\r\na\n",
    "no line end behind data": b"1\r\naXX",
    "trailer": b"0\r\nX: y\r\n\r\n",
}


@pytest.mark.parametrize("step", [1, 2, 10_000])
@pytest.mark.parametrize("name", BROKEN)
def test_chunks_that_two_readers_read_in_two_ways(name: str, step: int) -> None:
    with pytest.raises(BodyError):
        read(ChunkReader(skip_trailers=False), BROKEN[name], step)


def test_extensions_are_bounded_in_all() -> None:
    one = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    with pytest.raises(BodyError, match="extensions"):
        read(ChunkReader(skip_trailers=False), one * (EXTENSION_BYTES // 1000 + 1), 10_000)


def test_trailers_of_answers_are_skipped_within_limits() -> None:
    assert read(ChunkReader(skip_trailers=True), b"0\r\nETag: x\r\nY: z\r\n\r\n" + REST, 3) == (b"", REST)
    with pytest.raises(BodyError, match="trailer"):
        read(ChunkReader(skip_trailers=True), b"0\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 20, 10_000)


def test_until_close_never_ends() -> None:
    assert read(UntilClose(), b"hello", 2) == (b"hello", None)


@given(st.binary(max_size=300), st.integers(1, 20))
def test_whatever_bytes_come_it_is_a_body_or_an_error(data: bytes, step: int) -> None:
    try:
        payload, rest = read(ChunkReader(skip_trailers=True), data, step)
    except BodyError:
        return
    assert len(payload) + len(rest or b"") <= len(data)


def request(*headers: tuple[str, str], version: str = "HTTP/1.1") -> RequestHead:
    return RequestHead("PUT", "/", version, headers, tuple(b"" for _ in headers))


def test_how_requests_are_framed() -> None:
    assert request_body(request()) is None
    assert request_body(request(("Content-Length", "0"))) is None
    assert isinstance(request_body(request(("content-LENGTH", "12"))), LengthReader)
    assert isinstance(request_body(request(("Transfer-Encoding", "Chunked"))), ChunkReader)


AMBIGUOUS = [
    (("Content-Length", "1"), ("Transfer-Encoding", "chunked")),
    (("Content-Length", "1"), ("Content-Length", "1")),
    (("Content-Length", "1,1"),),
    (("Content-Length", ""),),
    (("Content-Length", "\u0661"),),
    (("Content-Length", "1\n"),),
    (("Transfer-Encoding", "chunked, chunked"),),
    (("Transfer-Encoding", "gzip"),),
    (("Transfer-Encoding", ""),),
    (("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")),
]


@pytest.mark.parametrize("headers", AMBIGUOUS, ids=str)
def test_framing_that_two_readers_read_in_two_ways(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(HeadRefused):
        request_body(request(*headers))


def response(status: int, *headers: tuple[str, str]) -> ResponseHead:
    return ResponseHead(status, "HTTP/1.1", headers, tuple(b"" for _ in headers), b"")


def test_how_answers_are_framed() -> None:
    length = ("Content-Length", "5")
    assert isinstance(response_body(response(200, length), "GET"), LengthReader)
    assert response_body(response(200, length), "HEAD") is None
    assert response_body(response(304, length), "GET") is None
    assert response_body(response(204), "GET") is None
    assert isinstance(response_body(response(200), "GET"), UntilClose)
    assert isinstance(response_body(response(200, ("Transfer-Encoding", "chunked")), "GET"), ChunkReader)
    with pytest.raises(HeadRefused):
        response_body(response(200, ("Transfer-Encoding", "gzip, chunked")), "GET")
    with pytest.raises(HeadRefused):
        response_body(response(304, length, length), "GET")

"""Heads have one reading, or are refused for a reason that the row names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.head import (
    MAX_CONTENT_LENGTH,
    MAX_HEAD_CHARACTERS,
    MAX_HEADERS,
    Framing,
    Head,
    read_head,
)
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ProtocolUpgrade, ReadError

Pairs = list[tuple[str, str]]
HOST = ("Host", "b.s3.us-west-2.amazonaws.com")


def head(*extra: tuple[str, str], method: str = "PUT", target: str = "/k") -> Head:
    return read_head(method, target, [HOST, *extra], "HTTP/1.1")


def test_the_normal_case_is_read() -> None:
    got = head(
        ("X-Amz-Date", "20261122T080000Z"),
        ("Expect", "100-Continue"),
        ("Content-Length", "12"),
        ("x-amz-meta-my_note", " ü "),
        target="/a/b?partNumber=1&uploadId=x?y",
    )
    assert (got.method, got.path, got.query) == ("PUT", "/a/b", "partNumber=1&uploadId=x?y")
    assert got.host == HOST[1]
    assert (got.framing, got.content_length, got.expects_continue) == (Framing.LENGTH, 12, True)
    assert got.get("x-amz-date") == "20261122T080000Z"
    assert got.get("x-amz-meta-my_note") == "ü"
    assert got.amazon == ("x-amz-date", "x-amz-meta-my_note")
    assert got.get("absent") is None


def test_an_upload_of_current_sdks_is_read() -> None:
    got = head(
        ("Transfer-Encoding", "chunked"),
        ("Content-Encoding", "aws-chunked"),
        ("X-Amz-Trailer", "x-amz-checksum-crc32"),
        ("Trailer", "x-amz-checksum-crc32"),
        ("X-Amz-Decoded-Content-Length", "5"),
        ("TE", "trailers"),
        ("Connection", "TE, keep-alive"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("amz-sdk-invocation-id", "x"),
    )
    assert (got.framing, got.content_length, got.expects_continue) == (Framing.CHUNKED, None, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_an_empty_body_may_be_announced_on_any_method(method: str) -> None:
    assert head(("Content-Length", "0"), method=method).content_length == 0
    assert head(method=method).framing is Framing.NONE


def test_list_headers_are_joined() -> None:
    got = head(
        ("X-Amz-Object-Attributes", "ETag"),
        ("X-Amz-Object-Attributes", "ObjectSize"),
        ("Accept", "a"),
        ("accept", "b"),
        ("x-amz-meta-a", "1"),
        ("x-amz-meta-a", "2"),
        ("X-Other", "1"),
        ("X-Other", "2"),
        method="GET",
    )
    assert got.get("x-amz-object-attributes") == "ETag, ObjectSize"
    assert (got.get("accept"), got.get("x-amz-meta-a"), got.get("x-other")) == ("a, b", "1, 2", "1, 2")
    assert got.amazon == ("x-amz-object-attributes", "x-amz-meta-a")


START = {
    "lower-case method": ("get", "/", "HTTP/1.1", MalformedRequest),
    "method with a blank": ("GET ", "/", "HTTP/1.1", MalformedRequest),
    "method with a newline": ("GET\n", "/", "HTTP/1.1", MalformedRequest),
    "empty method": ("", "/", "HTTP/1.1", MalformedRequest),
    "method of non-ASCII capitals": ("GÉT", "/", "HTTP/1.1", MalformedRequest),
    "TRACE": ("TRACE", "/", "HTTP/1.1", MalformedRequest),
    "CONNECT inside": ("CONNECT", "/", "HTTP/1.1", MalformedRequest),
    "PRI": ("PRI", "*", "HTTP/2.0", ProtocolUpgrade),
    "HTTP/1.0": ("GET", "/", "HTTP/1.0", MalformedRequest),
    "HTTP/2": ("GET", "/", "HTTP/2.0", MalformedRequest),
    "HTTP/1.1 with a newline": ("GET", "/", "HTTP/1.1\n", MalformedRequest),
    "asterisk": ("OPTIONS", "*", "HTTP/1.1", MalformedRequest),
    "absolute-form": ("GET", "https://evil.example/", "HTTP/1.1", MalformedRequest),
    "no slash": ("GET", "k", "HTTP/1.1", MalformedRequest),
    "empty target": ("GET", "", "HTTP/1.1", MalformedRequest),
    "blank in the target": ("GET", "/a b", "HTTP/1.1", MalformedRequest),
    "newline after the target": ("GET", "/a\n", "HTTP/1.1", MalformedRequest),
    "NUL in the target": ("GET", "/a\0", "HTTP/1.1", MalformedRequest),
    "fragment": ("GET", "/a#b", "HTTP/1.1", MalformedRequest),
    "backslash": ("GET", "/a\\b", "HTTP/1.1", MalformedRequest),
    "raw UTF-8": ("GET", "/\xc3\xbc", "HTTP/1.1", MalformedRequest),
}


@pytest.mark.parametrize("row", START.values(), ids=START.keys())
def test_start_lines_with_no_single_reading(row: tuple[str, str, str, type[ReadError]]) -> None:
    method, target, version, error = row
    with pytest.raises(error):
        read_head(method, target, [HOST], version)


FIELDS: dict[str, tuple[Pairs, type[ReadError], str]] = {
    "two hosts": ([("host", "evil.s3.amazonaws.com")], MalformedRequest, "`host` is repeated"),
    "colon in a name": ([(":authority", "evil")], MalformedRequest, "token"),
    "blank after a name": ([("Host ", "evil")], MalformedRequest, "token"),
    "empty name": ([("", "x")], MalformedRequest, "token"),
    "endless name": ([("x" * 1025, "x")], MalformedRequest, "token"),
    "newline in a name": ([("x-a\n", "x")], MalformedRequest, "token"),
    "obs-fold": ([("X-A", "x\r\n y")], MalformedRequest, "control"),
    "newline at the end of a value": ([("X-A", "x\n")], MalformedRequest, "control"),
    "DEL in a value": ([("X-A", "x\x7f")], MalformedRequest, "control"),
    "newline in value and name": ([("X\nA", "x\n")], MalformedRequest, "control"),
    "NUL in a value": ([("X-A", "x\0")], MalformedRequest, "control"),
    "vertical tab": ([("Transfer-Encoding", "\x0bchunked")], MalformedRequest, "control"),
    "beyond latin-1": ([("X-A", "日")], MalformedRequest, "latin-1"),
    "two lengths": ([("Content-Length", "1"), ("content-length", "1")], MalformedRequest, "repeated"),
    "length list": ([("Content-Length", "1, 1")], MalformedRequest, "decimal"),
    "length with a sign": ([("Content-Length", "+1")], MalformedRequest, "decimal"),
    "negative length": ([("Content-Length", "-1")], MalformedRequest, "decimal"),
    "length with a blank": ([("Content-Length", " 1")], MalformedRequest, "decimal"),
    "hex length": ([("Content-Length", "0x1")], MalformedRequest, "decimal"),
    "superscript length": ([("Content-Length", "²")], MalformedRequest, "decimal"),
    "length of 2^63": ([("Content-Length", str(2**63))], MalformedRequest, "decimal"),
    "endless length": ([("Content-Length", "0" * 40)], MalformedRequest, "decimal"),
    "length and coding": (
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")], MalformedRequest, "two ways",
    ),
    "coding list": ([("Transfer-Encoding", "gzip, chunked")], MalformedRequest, "coding"),
    "coding twice": (
        [("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")], MalformedRequest, "repeated",
    ),
    "identity": ([("Transfer-Encoding", "identity")], MalformedRequest, "coding"),
    "coding with a blank": ([("Transfer-Encoding", " chunked")], MalformedRequest, "coding"),
    "coding look-alike": ([("Transfer_Encoding", "chunked")], MalformedRequest, "some servers"),
    "length look-alike": ([("Content_Length", "5")], MalformedRequest, "some servers"),
    "host look-alike": ([("host_", "evil")], MalformedRequest, "some servers"),
    "copy source look-alike": ([("x_amz_copy_source", "evil/k")], MalformedRequest, "some servers"),
    "half a look-alike": ([("x-amz-copy_source", "evil/k")], MalformedRequest, "some servers"),
    "override look-alike": ([("X_HTTP_METHOD_OVERRIDE", "PUT")], MalformedRequest, "some servers"),
    "unknown expectation": ([("Expect", "the-unexpected")], MalformedRequest, "100-continue"),
    "two expectations": ([("Expect", "100-continue"), ("Expect", "x")], MalformedRequest, "repeated"),
    "upgrade": ([("Upgrade", "h2c")], ProtocolUpgrade, "upgrade"),
    "connection upgrade": ([("Connection", "keep-alive, Upgrade")], ProtocolUpgrade, "connection"),
    "http2-settings": ([("HTTP2-Settings", "AAMAAABkAAQ")], ProtocolUpgrade, "http2-settings"),
    "websocket": ([("Sec-WebSocket-Key", "x")], ProtocolUpgrade, "sec-websocket-key"),
    "connection names host": ([("Connection", "close, Host")], MalformedRequest, "next hop"),
    "connection names authorization": ([("Connection", "Authorization")], MalformedRequest, "next hop"),
    "connection names a copy source": ([("Connection", "x-amz-copy-source")], MalformedRequest, "next hop"),
    "proxy-connection names a length": ([("Proxy-Connection", "content-length")], MalformedRequest, "next hop"),
    "transfer coding in TE": ([("TE", "trailers, gzip")], MalformedRequest, "trailers"),
    "trailer with an acl": ([("X-Amz-Trailer", "x-amz-acl")], MalformedRequest, "checksum"),
    "trailer with a length": ([("Trailer", "Content-Length")], MalformedRequest, "checksum"),
    "method override": ([("X-HTTP-Method-Override", "PUT")], AmbiguousTarget, "another method"),
    "short method override": ([("X-HTTP-Method", "PUT")], AmbiguousTarget, "another method"),
    "old method override": ([("X-Method-Override", "PUT")], AmbiguousTarget, "another method"),
    "forwarded host": ([("X-Forwarded-Host", "evil")], AmbiguousTarget, "host"),
    "x-host": ([("X-Host", "evil")], AmbiguousTarget, "host"),
    "forwarded": ([("Forwarded", "host=evil")], AmbiguousTarget, "host"),
    "original url": ([("X-Original-URL", "/evil")], AmbiguousTarget, "target"),
    "rewrite url": ([("X-Rewrite-URL", "/evil")], AmbiguousTarget, "target"),
    "two authorizations": ([("Authorization", "a"), ("authorization", "b")], AmbiguousTarget, "repeated"),
    "two copy sources": (
        [("x-amz-copy-source", "good/k"), ("X-Amz-Copy-Source", "evil/k")], AmbiguousTarget, "repeated",
    ),
    "two dates": ([("x-amz-date", "a"), ("x-amz-date", "a")], AmbiguousTarget, "repeated"),
    "two ranges": ([("Range", "bytes=0-1"), ("Range", "bytes=2-3")], AmbiguousTarget, "repeated"),
    "two content types": ([("Content-Type", "a"), ("Content-Type", "b")], AmbiguousTarget, "repeated"),
}  # fmt: skip


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS.keys())
def test_fields_with_no_single_reading(row: tuple[Pairs, type[ReadError], str]) -> None:
    pairs, error, words = row
    with pytest.raises(error, match=words) as caught:
        head(*pairs)
    assert type(caught.value) is error


HOSTS: dict[str, Pairs] = {
    "none": [],
    "empty": [("Host", "")],
    "list": [("Host", "a.s3.amazonaws.com, b.s3.amazonaws.com")],
    "leading blank": [("Host", " b.s3.amazonaws.com")],
    "trailing tab": [("Host", "b.s3.amazonaws.com\t")],
}


@pytest.mark.parametrize("pairs", HOSTS.values(), ids=HOSTS.keys())
def test_hosts_that_are_not_one_name(pairs: Pairs) -> None:
    with pytest.raises(MalformedRequest, match="exactly one Host"):
        read_head("GET", "/", pairs, "HTTP/1.1")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("framing", [("Content-Length", "1"), ("Transfer-Encoding", "chunked")])
def test_a_body_where_none_has_a_meaning(method: str, framing: tuple[str, str]) -> None:
    with pytest.raises(MalformedRequest, match="no body"):
        head(framing, method=method)


def test_limits_are_limits() -> None:
    assert head(("Content-Length", str(MAX_CONTENT_LENGTH))).content_length == MAX_CONTENT_LENGTH
    head(*((f"x-{n}", "") for n in range(MAX_HEADERS - 1)))
    with pytest.raises(MalformedRequest, match="more than"):
        head(*((f"x-{n}", "") for n in range(MAX_HEADERS)))
    with pytest.raises(MalformedRequest, match="larger than"):
        head(("x-a", "x" * MAX_HEAD_CHARACTERS))
    with pytest.raises(MalformedRequest, match="larger than"):
        head(target="/" + "x" * MAX_HEAD_CHARACTERS)


def test_a_repr_shows_no_secret() -> None:
    assert "do-not-show" not in repr(
        head(("Authorization", "do-not-show"), target="/k?Signature=do-not-show")
    )


def test_refusals_never_show_values() -> None:
    secret = "do-not-show"
    for name in ("Authorization", "x-amz-security-token"):
        with pytest.raises(ReadError) as caught:
            head((name, secret), (name, secret))
        assert secret not in caught.value.detail


names = (
    st.sampled_from(["Host", "host", "Content-Length", "Transfer-Encoding", "Connection", "x-amz-acl"])
    | st.text()
)


def attempt(method: str, target: str, pairs: Pairs, version: str) -> Head | ReadError:
    try:
        return read_head(method, target, pairs, version)
    except ReadError as error:
        return error


@given(st.text(), st.text(), st.lists(st.tuples(names, st.text())), st.sampled_from(["HTTP/1.1", "x"]))
def test_any_text_is_a_head_or_a_refusal(method: str, target: str, pairs: Pairs, version: str) -> None:
    got = attempt(method, target, pairs, version)
    assert isinstance(got, Head) or (got.detail and "\n" not in got.detail)


@given(st.lists(st.tuples(names, st.text(st.characters(max_codepoint=255)))))
def test_any_fields_are_a_head_or_a_refusal(pairs: Pairs) -> None:
    got = attempt("PUT", "/k", [HOST, *pairs], "HTTP/1.1")
    if isinstance(got, ReadError):
        assert "\n" not in got.detail
        return
    assert [name.lower() for name, _ in pairs].count("host") == 0
    assert got.get("content-length") is None or got.get("transfer-encoding") is None

"""The first bytes of TLS: a real ClientHello is read in any cut, everything else is not TLS."""

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.proxy.hello import MAX_HELLO_BYTES, Hello, NotTls, read_hello


def client_hello(name: str | None = "b.s3.amazonaws.com") -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def records(message: bytes, size: int) -> bytes:
    """One handshake message cut into records."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


def hello(*extensions: bytes) -> bytes:
    """A small ClientHello with these extensions."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    joined = b"".join(extensions)
    body += len(joined).to_bytes(2) + joined
    return b"\x01" + len(body).to_bytes(3) + body


def server_name(*names: bytes, kind: int = 0) -> bytes:
    entries = b"".join(bytes((kind,)) + len(name).to_bytes(2) + name for name in names)
    value = len(entries).to_bytes(2) + entries
    return b"\x00\x00" + len(value).to_bytes(2) + value


def test_a_real_clienthello() -> None:
    named, nameless = client_hello(), client_hello(None)
    assert read_hello(named) == Hello("b.s3.amazonaws.com", len(named))
    assert read_hello(nameless) == Hello(None, len(nameless))


def test_it_is_incomplete_until_its_last_byte() -> None:
    data = client_hello()
    assert all(read_hello(data[:size]) is None for size in range(len(data)))
    assert read_hello(data + b"more") == read_hello(data)


def test_its_record_must_be_whole_too() -> None:
    """What comes late in the record of a ClientHello is seen before anything is answered."""
    message = hello(server_name(b"b.example"))
    data = b"\x16\x03\x01" + (len(message) + 1).to_bytes(2) + message
    assert read_hello(data) is None
    with pytest.raises(NotTls, match="something follows"):
        read_hello(data + b"x")


@pytest.mark.parametrize("size", [3, 10, 100])
def test_it_may_come_in_many_records(size: int) -> None:
    data = records(hello(server_name(b"B.example")), size)
    assert read_hello(data) == Hello("B.example", len(data))


BAD = {
    "too many records": records(hello(server_name(b"b" * 200)), 1),
    "two names": records(hello(server_name(b"a", b"b")), 1000),
    "two extensions": records(hello(server_name(b"a"), server_name(b"b")), 1000),
    "another kind of name": records(hello(server_name(b"a", kind=1)), 1000),
    "empty extension": records(hello(b"\x00\x00\x00\x00"), 1000),
    "cut extension": records(hello(b"\x00\x00\x00\x09\x00"), 1000),
    "something behind it": records(hello() + b"\x00", 1000),
    "plain text": b"GET / HTTP/1.1\r\n",
    "alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "another version": b"\x16\x02\x00\x00\x10",
    "empty record": b"\x16\x03\x01\x00\x00",
    "giant": b"\x16\x03\x01\x00\x04\x01" + (MAX_HELLO_BYTES + 1).to_bytes(3),
    "server hello": b"\x16\x03\x01\x00\x01\x02",
}


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_not_tls(name: str) -> None:
    with pytest.raises(NotTls):
        read_hello(BAD[name])


def test_a_hello_without_extensions_has_no_name() -> None:
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    assert read_hello(records(b"\x01" + len(body).to_bytes(3) + body, 1000)) == Hello(None, len(body) + 9)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_it_is_a_hello_or_not(data: bytes) -> None:
    for start in (b"", b"\x16\x03\x01\x00\xff", b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03"):
        with contextlib.suppress(NotTls):
            read_hello(start + data)

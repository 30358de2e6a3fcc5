"""Records in and out of OpenSSL's memory: everything that is there, and the end that comes after it."""

import contextlib
import os
from datetime import UTC, datetime

import pytest
from OpenSSL import SSL
from OpenSSL._util import lib

from s3gate.proxy.authority import Authority
from s3gate.proxy.records import FLUSH_BYTES, RECORD_BYTES, take_clear, take_sealed
from s3gate.proxy.tls import TlsEnds
from s3gate.s3.host import HostName

HOST = HostName("b.s3.eu-west-1.amazonaws.com")


@pytest.fixture
def ends() -> tuple[SSL.Connection, SSL.Connection]:
    """Both ends of a finished handshake."""
    server = TlsEnds(Authority.generate(datetime.now(UTC)), None).accept(HOST)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    client = SSL.Connection(context)
    client.set_tlsext_host_name(HOST.encode())
    client.set_connect_state()
    for _ in range(3):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            if data := take_sealed(one):
                other.bio_write(data)
    return client, server


@pytest.mark.parametrize("size", [1, RECORD_BYTES, RECORD_BYTES + 1, FLUSH_BYTES, 3 * FLUSH_BYTES + 7])
def test_what_one_end_seals_the_other_reads(ends: tuple[SSL.Connection, SSL.Connection], size: int) -> None:
    client, server = ends
    sent = os.urandom(size)
    client.sendall(sent)
    sealed = []
    while piece := take_sealed(client):
        assert len(piece) <= FLUSH_BYTES
        sealed.append(piece)
    got: list[bytes] = []
    for piece in sealed:
        server.bio_write(piece)
        take_clear(server, got)
    assert b"".join(got) == sent
    take_clear(server, got)
    assert take_sealed(client) == b""


def test_what_came_before_the_end_is_kept(ends: tuple[SSL.Connection, SSL.Connection]) -> None:
    client, server = ends
    client.sendall(b"last words")
    client.shutdown()
    server.bio_write(take_sealed(client))
    got: list[bytes] = []
    with pytest.raises(SSL.ZeroReturnError):
        take_clear(server, got)
    assert got == [b"last words"]


def test_a_broken_record_is_an_error(ends: tuple[SSL.Connection, SSL.Connection]) -> None:
    client, server = ends
    client.sendall(b"first")
    whole = take_sealed(client)
    client.sendall(b"second")
    broken = bytearray(take_sealed(client))
    broken[-1] ^= 1
    server.bio_write(whole + bytes(broken))
    got: list[bytes] = []
    with pytest.raises(SSL.Error):
        take_clear(server, got)
    assert got == [b"first"]


def test_contract_pyopenssl() -> None:
    """What of pyOpenSSL is used that has no public name."""
    for name in ("SSL_read", "SSL_get_error", "BIO_read", "SSL_ERROR_WANT_READ"):
        assert hasattr(lib, name), f"pyOpenSSL's binding has no {name} any more"
    for name in ("_raise_ssl_error",):
        assert hasattr(SSL.Connection, name), f"pyOpenSSL's Connection.{name} moved"
    connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    for name in ("_ssl", "_from_ssl"):
        assert hasattr(connection, name), f"pyOpenSSL's Connection.{name} moved"

"""Both ends of TLS, joined in memory: names, versions, protocols, roots."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from OpenSSL import SSL
from OpenSSL._util import lib

from s3gate.proxy import tls
from s3gate.proxy.authority import Authority
from s3gate.proxy.tls import TlsEnds, verify_problem, was_read
from s3gate.s3.host import HostName

HOST = HostName("b.s3.ap-northeast-1.amazonaws.com")
NOW = datetime.now(UTC)


def pump(one: SSL.Connection, other: SSL.Connection) -> None:
    """Shake hands, both sides in memory."""
    for _ in range(6):
        for side, peer in ((one, other), (other, one)):
            with contextlib.suppress(SSL.WantReadError):
                side.do_handshake()
            try:
                peer.bio_write(side.bio_read(65536))
            except SSL.WantReadError:
                pass
            except SSL.Error:
                raise


@pytest.fixture
def ends(tmp_path: Path) -> TlsEnds:
    authority = Authority.generate(NOW)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem())
    return TlsEnds(authority, tmp_path / "ca.pem")


def test_the_two_ends_agree(ends: TlsEnds) -> None:
    server, client = ends.accept(HOST), ends.connect(HOST)
    pump(client, server)
    assert client.get_protocol_version_name() == "TLSv1.3"
    assert client.get_alpn_proto_negotiated() == b"http/1.1"
    assert server.get_servername() == HOST.encode()
    assert verify_problem(client) is None


@pytest.mark.parametrize("data", [None, b"", b"no certificate"], ids=["gone", "empty", "text"])
def test_roots_that_prove_nobody_are_told(tmp_path: Path, data: bytes | None) -> None:
    roots = tmp_path / "roots.pem"
    if data is not None:
        roots.write_bytes(data)
    with pytest.raises(ValueError, match=r"`upstream.ca_bundle`: .*roots.pem` .*; name a PEM file"):
        TlsEnds(Authority.generate(NOW), roots)


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_name_that_was_read_is_told_of_resumed_sessions_too(ends: TlsEnds, version: int) -> None:
    """TLS 1.2 tells no name of a resumed session; none resumes under another name's context."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(version)

    def shake(name: HostName, session: SSL.Session | None) -> tuple[SSL.Connection, SSL.Connection]:
        client, server = SSL.Connection(context), ends.accept(name)
        client.set_tlsext_host_name(name.encode())
        if session is not None:
            client.set_session(session)
        client.set_connect_state()
        pump(client, server)
        with contextlib.suppress(SSL.WantReadError):
            client.recv(1)  # the tickets of TLS 1.3
        return client, server

    client, server = shake(HOST, None)
    session = client.get_session()
    assert was_read(server, HOST)
    assert not was_read(server, HOST.upper())
    _, resumed = shake(HOST, session)
    assert lib.SSL_session_reused(resumed._ssl) == 1
    assert was_read(resumed, HOST)
    other = HostName("c.s3.amazonaws.com")
    _, fresh = shake(other, session)
    assert lib.SSL_session_reused(fresh._ssl) == 0
    assert was_read(fresh, other)
    assert not was_read(fresh, HOST)


def talk(ends: TlsEnds, theirs: TlsEnds, name: HostName = HOST, client: SSL.Connection | None = None) -> bool:
    """One connection to an upstream, remembered; whether it was resumed."""
    client, server = client or ends.connect(name), theirs.accept(name)
    pump(client, server)
    server.send(b"x")
    client.bio_write(server.bio_read(65536))
    assert client.recv(1) == b"x"
    ends.remember(name, client)
    client.set_shutdown(SSL.SENT_SHUTDOWN)  # as a connection that is left; else OpenSSL forgets its session
    return bool(lib.SSL_session_reused(client._ssl))


def test_an_upstream_is_resumed_under_its_own_name_for_an_hour(tmp_path: Path) -> None:
    authority, now = Authority.generate(NOW), [NOW]
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem())
    ends = TlsEnds(authority, tmp_path / "ca.pem", lambda: now[0])
    theirs = TlsEnds(authority, None)
    other = HostName("c.s3.ap-northeast-1.amazonaws.com")
    assert [talk(ends, theirs) for _ in range(3)] == [False, True, True]
    assert [talk(ends, theirs, other) for _ in range(2)] == [False, True]
    now[0] += tls.SESSION_AGE
    assert [talk(ends, theirs) for _ in range(2)] == [False, True]


@pytest.mark.parametrize("meanwhile", ["forgotten", "made anew"])
def test_no_resumption_lets_a_session_live_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """What counts is when its own certificate was looked at, whatever became of the name's session since."""
    monkeypatch.setattr(tls, "CACHED_SESSIONS", 1)
    authority, now = Authority.generate(NOW), [NOW]
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem())
    ends = TlsEnds(authority, tmp_path / "ca.pem", lambda: now[0])
    theirs, another = TlsEnds(authority, None), TlsEnds(authority, None)
    assert not talk(ends, theirs)
    now[0] += tls.SESSION_AGE / 2
    late = ends.connect(HOST)
    if meanwhile == "forgotten":
        talk(ends, theirs, HostName("c.s3.ap-northeast-1.amazonaws.com"))
    else:
        assert not talk(ends, another)
    assert talk(ends, theirs, client=late)
    now[0] += tls.SESSION_AGE / 2
    assert not talk(ends, theirs)


def test_a_session_does_not_save_a_certificate_that_is_not_accepted(tmp_path: Path) -> None:
    """Whoever stands in for the upstream cannot take up its session, and must show a certificate."""
    authority, stranger = Authority.generate(NOW), Authority.generate(NOW)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem())
    ends = TlsEnds(authority, tmp_path / "ca.pem")
    assert not talk(ends, TlsEnds(authority, None))
    with pytest.raises(SSL.Error):
        talk(ends, TlsEnds(stranger, None))
    client, server = (
        ends.connect(HOST),
        TlsEnds(authority, None)._leaf_context(HostName("evil.s3.amazonaws.com")),
    )
    wrong = SSL.Connection(server)
    wrong.set_accept_state()
    with pytest.raises(SSL.Error):
        pump(client, wrong)


def test_sessions_are_bounded(ends: TlsEnds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "CACHED_SESSIONS", 2)
    names = [HostName(f"b{number}.s3.ap-northeast-1.amazonaws.com") for number in range(3)]
    for name in names:
        talk(ends, ends, name)
    assert [talk(ends, ends, name) for name in (names[2], names[1], names[0])] == [True, True, False]


def test_without_a_name_none_was_read(ends: TlsEnds) -> None:
    client, server = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD)), ends.accept(HOST)
    client.set_connect_state()
    pump(client, server)
    assert not was_read(server, HOST)


def test_a_certificate_for_another_name_is_refused(ends: TlsEnds) -> None:
    server, client = ends.accept(HostName("c.s3.amazonaws.com")), ends.connect(HOST)
    with pytest.raises(SSL.Error):
        pump(client, server)
    assert verify_problem(client) == "hostname mismatch"


def test_another_root_is_refused(ends: TlsEnds) -> None:
    server = TlsEnds(Authority.generate(NOW), None).accept(HOST)
    client = ends.connect(HOST)
    with pytest.raises(SSL.Error):
        pump(client, server)
    assert verify_problem(client) is not None


def test_the_public_roots_are_the_default() -> None:
    ends = TlsEnds(Authority.generate(NOW), None)
    client = ends.connect(HOST)
    with pytest.raises(SSL.Error):
        pump(client, ends.accept(HOST))


def test_old_versions_are_not_spoken(ends: TlsEnds) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    client = SSL.Connection(context)
    client.set_connect_state()
    with pytest.raises(SSL.Error):
        pump(client, ends.accept(HOST))


def test_leaves_are_cached_and_made_anew_each_day() -> None:
    now = [NOW]
    ends = TlsEnds(Authority.generate(NOW), None, lambda: now[0])
    first = ends._leaf_context(HOST)
    assert ends._leaf_context(HOST) is first
    now[0] += tls.LEAF_AGE
    assert ends._leaf_context(HOST) is not first


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "CACHED_LEAVES", 2)
    ends = TlsEnds(Authority.generate(NOW), None)
    contexts = [ends._leaf_context(HostName(f"{name}.s3.amazonaws.com")) for name in "abc"]
    assert len(ends._leaves) == 2
    assert ends._leaf_context(HostName("c.s3.amazonaws.com")) is contexts[2]
    assert ends._leaf_context(HostName("a.s3.amazonaws.com")) is not contexts[0]


def test_a_leaf_outlives_its_place_in_the_cache() -> None:
    assert timedelta(days=7) > tls.LEAF_AGE


def test_contract_openssl(tmp_path: Path) -> None:
    """pyOpenSSL's private functions that set what the peer's certificate must be for."""
    for name in (
        "SSL_get0_param",
        "SSL_session_reused",
        "X509_VERIFY_PARAM_set1_host",
        "X509_VERIFY_PARAM_set_hostflags",
        "SSL_get_verify_result",
    ):
        assert hasattr(lib, name), f"pyOpenSSL no longer has {name}: the upstream's name would not be checked"
    assert ssl.OPENSSL_VERSION

"""Both ends of TLS: a leaf of our CA towards the client, a verified chain towards S3.

The normal case: the client is shown a cached leaf for the judged name; the upstream must
show a certificate for that name under the trusted roots. TLS 1.2 and up, HTTP/1.1 only.
Nothing that a client sent chooses a protocol, a name or a root of the upstream side.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import certifi
from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

from s3gate.proxy.authority import Authority
from s3gate.s3.host import HostName

ALPN: Final = b"http/1.1"  # IANA, RFC 7301
CACHED_LEAVES: Final = 1024  # names; each context holds about 30 KiB
LEAF_AGE: Final = timedelta(days=1)  # then a cached leaf is made anew
CACHED_SESSIONS: Final = 1024  # names of upstreams; a session holds about 4 KiB with its certificate chain
SESSION_AGE: Final = timedelta(
    hours=1
)  # then the certificate is looked at anew (RFC 8446 §4.6.1 allows 7 days)
# AEAD with forward secrecy for TLS 1.2 (RFC 9325 §4.2); TLS 1.3 has its own, all fine.
CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
_OPTIONS: Final = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
# OpenSSL, X509_check_host(3): the subject is never looked at, a wildcard is a whole label.
_HOST_FLAGS: Final = _lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | _lib.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT


class TlsEnds:
    """Makes OpenSSL connections for both sides, from cached contexts.

    Args:
        authority: signs the leaves.
        ca_bundle: PEM file of the roots that upstreams are verified against; None: certifi's.
        clock: gives the time, time zone aware.

    Raises:
        ValueError: that file cannot be read, or holds no certificate.
    """

    def __init__(
        self,
        authority: Authority,
        ca_bundle: Path | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._leaves: OrderedDict[HostName, tuple[datetime, SSL.Context]] = OrderedDict()
        self._sessions: OrderedDict[HostName, tuple[datetime, SSL.Session]] = OrderedDict()
        self._upstream = _context(SSL.TLS_CLIENT_METHOD)
        self._upstream.set_verify(SSL.VERIFY_PEER)
        _trust(self._upstream, ca_bundle or Path(certifi.where()))
        self._upstream.set_alpn_protos([ALPN])

    def accept(self, host: HostName) -> SSL.Connection:
        """The side towards the client: our leaf for a judged name."""
        connection = SSL.Connection(self._leaf_context(host))
        connection.set_accept_state()
        return connection

    def connect(self, host: HostName) -> SSL.Connection:
        """The side towards the upstream: its certificate must be for `host`."""
        connection = SSL.Connection(self._upstream)
        name = host.encode("ascii")
        connection.set_tlsext_host_name(name)
        parameters = _lib.SSL_get0_param(connection._ssl)  # noqa: SLF001 - pyOpenSSL has no name for it
        _lib.X509_VERIFY_PARAM_set_hostflags(parameters, _HOST_FLAGS)
        done = _lib.X509_VERIFY_PARAM_set1_host(parameters, name, len(name))
        SSL._openssl_assert(done == 1)  # noqa: SLF001 - as above
        known = self._sessions.get(host)
        if known is not None and self._clock() - known[0] < SESSION_AGE:
            connection.set_session(known[1])
            connection.set_app_data(known[0])
        connection.set_connect_state()
        return connection

    def remember(self, host: HostName, connection: SSL.Connection) -> None:
        """Keep the session of an upstream whose certificate was accepted, for the next connection to it.

        A resumed session checks no certificate again: it is offered for the very name that it was verified
        for, under the same roots, for `SESSION_AGE` after its last full handshake.

        Args:
            host: the judged name.
            connection: to it, with data read already: TLS 1.3 sends its tickets after the handshake.
        """
        resumed = _lib.SSL_session_reused(connection._ssl) == 1  # noqa: SLF001 - pyOpenSSL has no name for it
        since = connection.get_app_data() if resumed else self._clock()
        session = connection.get_session()
        if session is None or verify_problem(connection) is not None:
            return
        self._sessions[host] = since, session
        self._sessions.move_to_end(host)
        if len(self._sessions) > CACHED_SESSIONS:
            self._sessions.popitem(last=False)

    def _leaf_context(self, host: HostName) -> SSL.Context:
        now = self._clock()
        cached = self._leaves.get(host)
        if cached is not None and now - cached[0] < LEAF_AGE:
            self._leaves.move_to_end(host)
            return cached[1]
        leaf = self._authority.sign_leaf(host, now)
        context = _context(SSL.TLS_SERVER_METHOD)
        context.use_certificate(leaf.certificate)
        context.use_privatekey(leaf.key)
        context.set_session_id(b"s3gate")
        context.set_alpn_select_callback(_select_alpn)
        self._leaves[host] = (now, context)
        self._leaves.move_to_end(host)
        if len(self._leaves) > CACHED_LEAVES:
            self._leaves.popitem(last=False)
        return context


def was_read(connection: SSL.Connection, sni: str) -> bool:
    """Whether OpenSSL read this server name in the ClientHello that it answered.

    Of a resumed session of TLS 1.2 it tells none (SSL_get_servername(3): that of the session, which keeps
    it for a callback alone). Nothing else resumes there than a session of the same name: each name has a
    context, and each context its own tickets and sessions.

    Args:
        connection: towards the client, after its handshake.
        sni: what we read, as sent, latin-1.
    """
    name = connection.get_servername()
    if name is None:
        resumed = _lib.SSL_session_reused(connection._ssl) == 1  # noqa: SLF001 - pyOpenSSL has no name for it
        return resumed and connection.get_protocol_version() == SSL.TLS1_2_VERSION
    return name.decode("latin-1") == sni


def verify_problem(connection: SSL.Connection) -> str | None:
    """Why the peer's certificate was not accepted, in OpenSSL's words; None when it was."""
    result = _lib.SSL_get_verify_result(connection._ssl)  # noqa: SLF001 - pyOpenSSL has no name for it
    if result == 0:
        return None
    text = _ffi.string(_lib.X509_verify_cert_error_string(result))
    return bytes(text).decode("ascii", "replace")


def _context(method: int) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_cipher_list(CIPHERS)
    return context


def _trust(context: SSL.Context, roots: Path) -> None:
    try:
        context.load_verify_locations(str(roots))
    except SSL.Error as exc:
        why = "cannot be read or holds no certificate; name a PEM file of roots"
        raise ValueError(f"`upstream.ca_bundle`: `{roots}` {why}") from exc


def _select_alpn(_connection: SSL.Connection, offered: list[bytes]) -> bytes | SSL._NoOverlappingProtocols:
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS

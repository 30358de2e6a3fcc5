"""What only a whole TLS client can try: tickets of another name, other protocols, old versions, renegotiation."""

import asyncio
import contextlib
import socket
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from OpenSSL import SSL

from bypass.attack import REGION, signed_lines
from bypass.ground import Ground, run_ground
from bypass.wire import PATIENCE_S, lenient_context

pytestmark = pytest.mark.e2e

GOOD = f"good-bucket.s3.{REGION}.amazonaws.com"
OTHER = f"other-bucket.s3.{REGION}.amazonaws.com"  # listed too
EVIL = f"evil-bucket.s3.{REGION}.amazonaws.com"
BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@dataclass
class Heard:
    """What one tunnel gave.

    Args:
        answer: clear bytes.
        session: to resume with, None when there was no handshake.
        reused: whether it was resumed.
        alpn: protocol that was agreed on.
    """

    answer: bytes = b""
    session: ssl.SSLSession | None = None
    reused: bool = False
    alpn: str | None = None


def head(host: str) -> bytes:
    return f"GET /k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{signed_lines()}\r\n\r\n".encode()


def context_for(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = lenient_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an attacker's version may be an old one
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def tunnel(port: int, connect: str) -> socket.socket:
    """A connection whose CONNECT was answered 200."""
    raw = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    raw.sendall(f"CONNECT {connect}:443 HTTP/1.1\r\nHost: {connect}:443\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += raw.recv(1)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return raw


def speak(
    port: int,
    connect: str,
    sni: str | None,
    send: bytes,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
) -> Heard:
    """One tunnel from CONNECT to its end, within the time that an attack may take."""
    heard = Heard()
    started = monotonic()
    with (
        tunnel(port, connect) as raw,
        contextlib.suppress(ssl.SSLError, ConnectionError),
        context.wrap_socket(raw, server_hostname=sni, session=session) as tls,
    ):
        heard.reused, heard.alpn = bool(tls.session_reused), tls.selected_alpn_protocol()
        tls.sendall(send)
        while piece := tls.recv(1 << 16):
            heard.answer += piece
            heard.session = tls.session
    assert monotonic() - started < PATIENCE_S
    return heard


async def ask(ground: Ground, *arguments: object, count: int) -> tuple[Heard, list[str]]:
    """What a tunnel gave, and the reasons in the journal."""
    heard = await asyncio.to_thread(speak, ground.gate.port, *arguments)  # type: ignore[arg-type] # as speak takes them
    return heard, await ground.recorded(count)


def spoilt(ground: Ground) -> list[bytes]:
    """Heads that S3 should not have seen."""
    return [one for one in ground.s3.heads if EVIL.encode() in one]


@pytest.mark.parametrize("version", BOTH, ids=lambda version: version.name)
async def test_a_ticket_is_good_for_its_own_name_alone(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """A ticket of an allowed name, taken to other tunnels: it resumes nothing, and excuses no name."""
    context = context_for(version)
    async with run_ground(tmp_path) as ground:
        made, reasons = await ask(ground, GOOD, GOOD, head(GOOD), context, count=1)
        assert (reasons, made.session is not None) == (["ALLOWED_BY_RULE"], True)
        same, reasons = await ask(ground, GOOD, GOOD, head(GOOD), context, made.session, count=1)
        assert reasons == ["ALLOWED_BY_RULE"]
        assert same.reused  # else the rest would prove nothing
        ground.s3.connections.clear()
        rows: list[tuple[str, str | None, str, str]] = [
            (EVIL, EVIL, EVIL, "BUCKET_NOT_LISTED"),
            (EVIL, EVIL, GOOD, "HOST_MISMATCH"),
            (EVIL, GOOD, GOOD, "SNI_MISMATCH"),
            (EVIL, None, EVIL, "SNI_MISSING"),
            (GOOD, None, GOOD, "SNI_MISSING"),
            (GOOD, OTHER, GOOD, "SNI_MISMATCH"),
            (OTHER, GOOD, OTHER, "SNI_MISMATCH"),
            (OTHER, OTHER, GOOD, "HOST_MISMATCH"),
            (GOOD, GOOD, EVIL, "HOST_MISMATCH"),
        ]
        for connect, sni, host, reason in rows:
            heard, reasons = await ask(ground, connect, sni, head(host), context, made.session, count=1)
            assert reasons == [reason], (connect, sni, host)
            assert heard.reused is (connect == sni == GOOD)
        assert not ground.s3.touched


@pytest.mark.parametrize("version", BOTH, ids=lambda version: version.name)
async def test_a_ticket_with_its_name_in_capitals(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Names fold; whether such a client is served or not, it is told, and nothing evil is."""
    context = context_for(version)
    async with run_ground(tmp_path) as ground:
        made, _ = await ask(ground, GOOD, GOOD, head(GOOD), context, count=1)
        _, reasons = await ask(ground, GOOD, GOOD.upper(), head(GOOD), context, made.session, count=1)
        assert reasons == ["ALLOWED_BY_RULE"]
        _, reasons = await ask(ground, GOOD, GOOD.upper(), head(EVIL), context, made.session, count=1)
        assert reasons == ["HOST_MISMATCH"]
        assert not spoilt(ground)


async def test_a_ticket_of_another_gate_is_no_ticket(tmp_path: Path) -> None:
    """As of another worker or of before a restart: a whole handshake follows, and the same verdicts."""
    context = context_for(ssl.TLSVersion.TLSv1_2)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with run_ground(tmp_path / "one") as one:
        made, _ = await ask(one, GOOD, GOOD, head(GOOD), context, count=1)
    async with run_ground(tmp_path / "two") as two:
        heard, reasons = await ask(two, GOOD, GOOD, head(EVIL), context, made.session, count=1)
        assert (reasons, heard.reused) == (["HOST_MISMATCH"], False)
        assert not two.s3.touched


@pytest.mark.parametrize(
    "offered", [["h2"], ["acme-tls/1"], ["spdy/3.1", "h2"], ["http/1.0"], ["h3"]], ids="+".join
)
async def test_no_other_protocol_is_agreed_on(tmp_path: Path, offered: list[str]) -> None:
    context = lenient_context()
    context.set_alpn_protocols(offered)
    async with run_ground(tmp_path) as ground:
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        heard, reasons = await ask(ground, GOOD, GOOD, preface, context, count=1)
        assert (heard.alpn, reasons) == (None, ["PROTOCOL_UPGRADE"])
        assert not ground.s3.touched


async def test_of_two_protocols_the_one_that_is_read_is_taken(tmp_path: Path) -> None:
    context = lenient_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with run_ground(tmp_path) as ground:
        heard, reasons = await ask(ground, GOOD, GOOD, head(EVIL), context, count=1)
        assert (heard.alpn, reasons) == ("http/1.1", ["HOST_MISMATCH"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda one: one.name)
async def test_old_versions_get_no_tunnel(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Their ClientHello has the right name, and is not answered with a handshake."""
    async with run_ground(tmp_path) as ground:
        heard, reasons = await ask(ground, GOOD, GOOD, head(GOOD), context_for(version), count=1)
        assert (heard, reasons) == (Heard(), ["NOT_TLS"])
        assert not ground.s3.touched


async def test_a_renegotiation_changes_nothing(tmp_path: Path) -> None:
    """TLS 1.2 lets a client shake hands again, with another name: the gate does not."""

    def renegotiate(port: int) -> bytes:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        got = b""
        with tunnel(port, GOOD) as raw:
            raw.setblocking(True)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\x01" + bytes(15))  # a second, PATIENCE_S
            tls = SSL.Connection(context, raw)
            tls.set_tlsext_host_name(GOOD.encode())
            tls.set_connect_state()
            with contextlib.suppress(SSL.Error):
                tls.do_handshake()
                tls.set_tlsext_host_name(EVIL.encode())
                tls.renegotiate()
                tls.do_handshake()
                tls.sendall(head(EVIL))
                while True:
                    got += tls.recv(1 << 16)
        return got

    async with run_ground(tmp_path) as ground:
        started = monotonic()
        answer = await asyncio.to_thread(renegotiate, ground.gate.port)
        assert monotonic() - started < PATIENCE_S
        assert b" 200 " not in answer
        assert not ground.s3.touched

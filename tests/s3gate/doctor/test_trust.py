"""Two handshakes with the real gate: trusted, not trusted, not a gate, not the time it is there."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.rig import REGION, Rig, run_rig, server_context
from one_answer import one_answer
from s3gate.demo.certificates import Authority as Foreign
from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.trust import CLOCK, REACHED, TRUSTED, check_tls, judge_clock
from s3gate.doctor.way import Proxy, parse_proxy
from s3gate.policy.decision import Reason
from s3gate.proxy.authority import Authority
from s3gate.s3.host import HostName


def told(found: Sequence[Finding]) -> dict[str, Outcome]:
    return {one.name: one.outcome for one in found}


async def check(port: int) -> Sequence[Finding]:
    return await asyncio.to_thread(check_tls, Proxy("127.0.0.1", port), REGION)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with run_rig(tmp_path) as running:
        yield running


async def test_a_gate_that_is_trusted_and_hears_of_no_request(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(rig.ca_file))
    found = await check(rig.gate.port)
    assert told(found) == dict.fromkeys((REACHED, TRUSTED, CLOCK), Outcome.FINE), found
    assert "s3gate egress CA" in found[0].detail
    assert "AWS_CA_BUNDLE" in found[1].detail
    assert (rig.recorder.decisions, rig.s3.touched, rig.dns.asked) == ([], False, {}), "nothing was asked for"


async def test_the_usual_roots_do_not_trust_it(rig: Rig) -> None:
    found = await check(rig.gate.port)
    assert told(found) == {REACHED: Outcome.FINE, TRUSTED: Outcome.WRONG, CLOCK: Outcome.FINE}
    assert "does not trust `s3gate egress CA" in found[1].detail
    assert "AWS_CA_BUNDLE" in str(found[1].then)
    assert set(rig.recorder.reasons) <= {Reason.NOT_TLS}, "as awscli would leave it"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(None, "is no file", id="not there"),
        pytest.param("no certificate", "", id="not PEM"),
    ],
)
async def test_a_bundle_that_cannot_be_used(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, why: str
) -> None:
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    found = await check(rig.gate.port)
    assert found[1].outcome is Outcome.WRONG
    assert str(bundle) in found[1].detail
    assert why in found[1].detail


async def test_a_broken_profile_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    found = await check(rig.gate.port)
    assert (found[1].outcome, "gone" in found[1].detail) == (Outcome.WRONG, True)


@asynccontextmanager
async def proxy_of(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A proxy that opens every tunnel, with a server of ours behind it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await writer.start_tls(context)
            await reader.read()
        except (OSError, ssl.SSLError):
            pass
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def bucket_context(authority: Authority, made: datetime) -> ssl.SSLContext:
    """Leaves as a gate makes them, at another time: for whatever name is asked for."""
    first = server_context(authority, f"s3.{REGION}.amazonaws.com")

    def choose(connection: ssl.SSLObject, name: str, _context: ssl.SSLContext) -> None:
        from e2e.rig import _context_of  # noqa: PLC0415 - the rig's own way

        connection.context = _context_of(authority.sign_leaf(HostName(name), made))

    first.sni_callback = choose
    return first


async def test_another_proxy_that_is_trusted_is_no_gate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its bundle has the public roots, and it opens tunnels to S3 itself: no request would be judged."""
    foreign = Foreign.make("Amazon RSA 2048 M01")
    pair = foreign.issue([f"*.s3.{REGION}.amazonaws.com"])
    for name, data in (
        ("leaf.pem", pair.certificate + pair.private_key),
        ("ca.pem", foreign.pair.certificate),
    ):
        (tmp_path / name).write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "leaf.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    async with proxy_of(context) as port:
        found = await check(port)
    assert told(found) == {REACHED: Outcome.FINE, TRUSTED: Outcome.WRONG, CLOCK: Outcome.UNKNOWN}
    assert "was not made by s3gate" in found[1].detail


@pytest.mark.parametrize(
    ("ahead", "trusted", "clock"),
    [
        pytest.param(timedelta(minutes=14), Outcome.FINE, Outcome.FINE, id="14 minutes ahead"),
        pytest.param(timedelta(minutes=16), Outcome.FINE, Outcome.WRONG, id="16 minutes ahead"),
        pytest.param(timedelta(minutes=-16), Outcome.FINE, Outcome.WRONG, id="16 minutes behind"),
        pytest.param(timedelta(hours=2), Outcome.WRONG, Outcome.WRONG, id="so far that TLS fails"),
        pytest.param(timedelta(days=-8), Outcome.WRONG, Outcome.WRONG, id="so far behind that it expired"),
    ],
)
async def test_a_gate_with_another_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ahead: timedelta, trusted: Outcome, clock: Outcome
) -> None:
    authority = Authority.generate(datetime.now(UTC) - timedelta(days=30))
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    async with proxy_of(bucket_context(authority, datetime.now(UTC) + ahead)) as port:
        found = await check(port)
    assert (found[1].outcome, found[2].outcome) == (trusted, clock), found
    if trusted is Outcome.WRONG:
        assert "set the clock" in str(found[1].then)


@pytest.mark.parametrize(
    ("answer", "why", "then"),
    [
        pytest.param(b"HTTP/1.1 407 X\r\n\r\n", "407", "user and password", id="who asks"),
        pytest.param(
            b"HTTP/1.1 403 X\r\nx-s3gate-reason: DRAINING\r\n\r\n", "DRAINING", "README", id="refused"
        ),
        pytest.param(b"hello\r\n\r\n", "no HTTP proxy", "HTTPS_PROXY", id="no proxy"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nno TLS here", "no TLS begins", "s3gate", id="no TLS behind it"),
    ],
)
def test_what_is_no_gate(answer: bytes, why: str, then: str) -> None:
    with one_answer(answer) as url:
        found = check_tls(parse_proxy(url), REGION)
    assert told(found) == {REACHED: Outcome.WRONG, TRUSTED: Outcome.UNKNOWN, CLOCK: Outcome.UNKNOWN}
    assert why in found[0].detail
    assert then in str(found[0].then)


def test_nobody_there() -> None:
    found = check_tls(Proxy("127.0.0.1", 1), REGION)
    assert found[0].outcome is Outcome.WRONG
    assert "http://127.0.0.1:1 is not reached" in found[0].detail


@pytest.mark.parametrize(
    ("seconds", "outcome", "detail"),
    [
        pytest.param(0, Outcome.FINE, "as the gate's", id="the same"),
        pytest.param(900, Outcome.FINE, "900 s behind the gate's", id="the limit"),
        pytest.param(901, Outcome.WRONG, "901 s behind", id="beyond"),
        pytest.param(-901, Outcome.WRONG, "901 s ahead of", id="beyond, the other way"),
    ],
)
def test_the_limit_is_that_of_sigv4(seconds: int, outcome: Outcome, detail: str) -> None:
    found = judge_clock(timedelta(seconds=seconds), "the gate's")
    assert (found.outcome, detail in found.detail) == (outcome, True)

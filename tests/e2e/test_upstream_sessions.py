"""TLS sessions of upstreams: what is resumed was verified for that very name, by these roots, within the hour."""

import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from e2e.fake_s3 import answering
from e2e.rig import GOOD, OTHER, Rig, run_rig, server_context
from s3gate.policy.decision import Reason
from s3gate.proxy import tls
from s3gate.proxy.authority import Authority
from s3gate.proxy.runtime import Gate
from s3gate.s3.host import HostName

pytestmark = pytest.mark.e2e

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Rig]:
    """A gate that has been at the first bucket's upstream twice: the second time it resumed."""
    async with run_rig(tmp_path) as rig:
        rig.s3._context = server_context(rig.origin, GOOD)  # its certificate is for this name alone
        rig.s3.script = answering(OK)  # and closes: each request is a connection of its own
        assert [await ask(rig) for _ in range(2)] == ["200 OK"] * 2
        assert [one.resumed for one in rig.s3.connections] == [False, True]
        yield rig


async def ask(rig: Rig, host: str = GOOD) -> str:
    """The status of an answer, or the gate's reason."""
    answer = await rig.ask(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), host)
    head = answer.partition(b"\r\n\r\n")[0].decode()
    if "x-s3gate-reason: " in head:
        return head.partition("x-s3gate-reason: ")[2].partition("\r\n")[0]
    return head.partition("\r\n")[0].partition(" ")[2]


def show(context: ssl.SSLContext, authority: Authority) -> None:
    """Another certificate of the same upstream, which keeps the key of its tickets."""
    leaf = authority.sign_leaf(HostName(GOOD), datetime.now(UTC))
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(leaf.certificate.public_bytes(serialization.Encoding.PEM) + key)
        file.flush()
        context.load_cert_chain(file.name)


def assert_refused(rig: Rig, heads: int) -> None:
    """The last connection failed in its handshake, and no byte of a request came with it."""
    assert rig.s3.connections[-1].failed_handshake
    assert not rig.s3.connections[-1].data
    assert len(rig.s3.heads) == heads
    assert rig.recorder.completions[-1].reason is Reason.UPSTREAM_TLS_FAILURE


async def test_no_session_is_taken_up_for_another_bucket_at_the_same_address(known: Rig) -> None:
    """The upstream would take the ticket for any name; it is offered for the one it was verified for."""
    assert await ask(known, OTHER) == "UPSTREAM_TLS_FAILURE"
    assert_refused(known, heads=2)
    assert await ask(known) == "200 OK"
    assert known.s3.connections[-1].resumed, "nor is the first one's session lost by that"


async def test_whoever_takes_the_upstreams_place_must_show_a_certificate(known: Rig) -> None:
    known.s3._context = server_context(Authority.generate(datetime.now(UTC)), GOOD)
    assert await ask(known) == "UPSTREAM_TLS_FAILURE"
    assert_refused(known, heads=2)


async def test_an_upstream_whose_certificate_is_not_trusted_any_more_is_known_for_an_hour(
    known: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It proves by the session's secret that it is the one that was verified; then it must show itself anew."""
    show(known.s3._context, Authority.generate(datetime.now(UTC)))
    ends = known.gate.addon.services.tls
    monkeypatch.setattr(ends, "_clock", lambda: datetime.now(UTC) + tls.SESSION_AGE * 0.9)
    assert await ask(known) == "200 OK"
    assert known.s3.connections[-1].resumed
    monkeypatch.setattr(ends, "_clock", lambda: datetime.now(UTC) + tls.SESSION_AGE)
    assert await ask(known) == "UPSTREAM_TLS_FAILURE"
    assert_refused(known, heads=3)


@asynccontextmanager
async def restarted(rig: Rig, bundle: Path) -> AsyncIterator[Rig]:
    """The same gate after a restart, with these roots."""
    ids = count(1)
    settings = replace(rig.gate._settings, ca_bundle=bundle)
    gate = Gate(settings, rig.source, rig.recorder, lambda: f"02TEST{next(ids):020d}")
    await gate.start()
    try:
        yield replace(rig, gate=gate)
    finally:
        await gate.drain(1.0)


async def test_a_restart_takes_no_session_along(known: Rig, tmp_path: Path) -> None:
    """Other roots are in force at once: sessions are in memory, of one process, and nowhere else."""
    (tmp_path / "other.pem").write_bytes(Authority.generate(datetime.now(UTC)).certificate_pem())
    async with restarted(known, tmp_path / "other.pem") as gate:
        assert await ask(gate) == "UPSTREAM_TLS_FAILURE"
        assert_refused(gate, heads=2)
    async with restarted(known, tmp_path / "s3.pem") as gate:
        assert await ask(gate) == "200 OK"
        assert not gate.s3.connections[-1].resumed

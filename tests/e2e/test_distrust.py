"""Clients that were not told of the gate's CA: each is one record that names the next step."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest

from drive.wait import until
from e2e.rig import GOOD, Rig
from s3gate.policy.decision import Reason
from s3gate.proxy.client_failure import DISTRUST, explain_hang_up

pytestmark = pytest.mark.e2e


async def curl(rig: Rig) -> None:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--proxy", f"http://127.0.0.1:{rig.gate.port}", f"https://{GOOD}/k"
    )
    assert await asyncio.wait_for(process.wait(), 10) == 60  # curl(1): the peer's certificate is not accepted


async def python_ssl(rig: Rig) -> None:
    """What awscli and boto3 stand on."""
    async with await rig.connect() as client:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=GOOD)
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await client.read_head()
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        await client.send(outgoing.read())
        incoming.write(await asyncio.wait_for(client.reader.read(1 << 16), 5))
        with pytest.raises(ssl.SSLCertVerificationError):
            tls.do_handshake()
        await client.send(outgoing.read())
        await client.read_all()


async def asyncio_ssl(rig: Rig) -> None:
    """What aiohttp stands on: it drops the alert."""
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await client.read_head()
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.start_tls(GOOD, ssl.create_default_context())


ALERT = f"{DISTRUST} (TLS alert unknown ca)"


@pytest.mark.parametrize(
    ("ask", "detail"), [(curl, ALERT), (python_ssl, ALERT), (asyncio_ssl, explain_hang_up(shown=True))]
)
async def test_it_is_recorded_once_with_the_next_step(
    rig: Rig, ask: Callable[[Rig], Awaitable[None]], detail: str
) -> None:
    await ask(rig)
    await until(lambda: rig.recorder.decisions and not rig.gate.connections)
    assert rig.recorder.reasons == [Reason.NOT_TLS]
    (record,) = rig.recorder.decisions
    assert record.request.sni == GOOD
    assert record.decision.detail == detail
    assert "set AWS_CA_BUNDLE" in detail
    assert not rig.s3.touched
    assert not rig.dns.asked

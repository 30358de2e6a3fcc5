"""CONNECT and the first bytes in the tunnel: refused before any answer that could be used, nothing upstream."""

import asyncio
import contextlib
import ssl
import warnings

import pytest

from e2e.rig import EVIL, GOOD, OTHER, RawClient, Rig
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e


async def test_a_refused_connect_says_why_in_its_status_line(rig: Rig) -> None:
    async with await rig.connect() as client:
        await client.send(b"CONNECT www.evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 403 HOST_NOT_LISTED\r\n"), answer
    assert b"x-s3gate-reason: HOST_NOT_LISTED\r\n" in answer
    assert rig.recorder.reasons == [Reason.HOST_NOT_LISTED]
    assert not rig.s3.touched
    assert not rig.dns.asked


async def test_an_aws_name_that_is_not_listed_is_refused_inside_the_tunnel(rig: Rig) -> None:
    answer = await rig.ask(f"GET /k HTTP/1.1\r\nHost: {EVIL}\r\n\r\n".encode(), EVIL)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert rig.recorder.reasons == [Reason.BUCKET_NOT_LISTED]
    assert not rig.dns.asked


async def test_bytes_sent_with_the_connect_are_judged_like_later_ones(rig: Rig) -> None:
    async with await rig.connect() as client:
        await client.send(
            f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode()
        )
        assert (await client.read_all()).startswith(b"HTTP/1.1 200 ")
    assert rig.recorder.reasons == [Reason.NOT_TLS]


SNIS = {
    "another bucket": (OTHER, Reason.SNI_MISMATCH),
    "a foreign name": ("www.evil.example", Reason.SNI_MISMATCH),
    "none": (None, Reason.SNI_MISSING),
}


@pytest.mark.parametrize("name", SNIS)
async def test_the_sni_must_be_the_connect_name(rig: Rig, name: str) -> None:
    sni, reason = SNIS[name]
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await client.read_head()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await client.start_tls(sni)
    assert rig.recorder.reasons == [reason]
    assert not rig.s3.touched
    assert not rig.dns.asked


async def test_the_connect_name_may_differ_in_case(rig: Rig) -> None:
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD.upper()}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")
        await client.start_tls(GOOD)
        await client.send(f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")


async def test_a_clienthello_in_small_pieces_is_read(rig: Rig) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = rig.client_context.wrap_bio(incoming, outgoing, server_hostname=GOOD)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await client.read_head()
        for at in range(0, len(hello), 100):
            await client.send(hello[at : at + 100])
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(client.reader.readexactly(3), 5))[0] == 0x16


async def test_only_http1_is_negotiated(rig: Rig) -> None:
    context = ssl.create_default_context(cafile=str(rig.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = await open_tunnel(rig, context)
    async with client:
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


async def test_a_client_that_insists_on_http2_is_refused(rig: Rig) -> None:
    context = ssl.create_default_context(cafile=str(rig.ca_file))
    context.set_alpn_protocols(["h2"])
    client = await open_tunnel(rig, context)
    async with client:
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
    assert rig.recorder.reasons == [Reason.PROTOCOL_UPGRADE]
    assert not rig.s3.touched


async def test_old_tls_is_not_spoken(rig: Rig) -> None:
    context = ssl.create_default_context(cafile=str(rig.ca_file))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of old versions; they are the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await open_tunnel(rig, context)
    assert not rig.s3.touched


async def test_tls_inside_tls_is_no_request(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
    assert rig.recorder.reasons == [Reason.MALFORMED_REQUEST]


async def test_an_accepted_connect_followed_by_nothing_leaves_no_record(rig: Rig) -> None:
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        await client.read_head()
    assert rig.recorder.decisions == []


async def open_tunnel(rig: Rig, context: ssl.SSLContext) -> RawClient:
    client = await rig.connect()
    await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
    await client.read_head()
    await client.start_tls(GOOD, context)
    return client

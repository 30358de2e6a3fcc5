"""Who is on the other end: the peer, or whom a trusted load balancer names."""

import asyncio
from ipaddress import ip_network

import pytest

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client
from s3gate.proxy.arrival import NothingSent, NotIntroduced, introduce, peer_client
from s3gate.proxy.proxy_protocol import SIGNATURE
from s3gate.proxy.selftest import make_header

PEER = Client("10.0.0.9", 1234)
TRUSTED = (ip_network("10.0.0.0/24"), ip_network("2001:db8::/64"))
HEADER = make_header(("192.0.2.1", 5))


def reader(*pieces: bytes, ended: bool = True) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    for piece in pieces:
        stream.feed_data(piece)
    if ended:
        stream.feed_eof()
    return stream


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("10.0.0.9", 1), Client("10.0.0.9", 1)),
        (("::ffff:10.0.0.9", 1), Client("10.0.0.9", 1)),
        (("fe80::1%eth0", 1), Client("fe80::1", 1)),
    ],
)
def test_a_peer_is_named_in_one_spelling(peer: tuple[str, int], client: Client) -> None:
    assert peer_client(peer) == client


async def test_the_header_tells_the_client_and_what_follows_stays() -> None:
    stream = reader(HEADER + b"CONNECT")
    assert await introduce(stream, PEER, TRUSTED) == Client("192.0.2.1", 5)
    assert await stream.read() == b"CONNECT"


async def test_a_health_check_speaks_for_the_balancer_itself() -> None:
    assert await introduce(reader(SIGNATURE + b"\x20\x00\x00\x00"), PEER, TRUSTED) == PEER


async def test_a_header_may_come_byte_by_byte() -> None:
    stream = reader(ended=False)
    asked = asyncio.create_task(introduce(stream, PEER, TRUSTED))
    for at in range(len(HEADER)):
        stream.feed_data(HEADER[at : at + 1])
        await asyncio.sleep(0)
    assert (await asked).address == "192.0.2.1"


REFUSED = {
    "elsewhere": (Client("10.0.1.9", 1), HEADER, "trusted proxy"),
    "elsewhere-ipv6": (Client("2001:db8:1::1", 1), HEADER, "trusted proxy"),
    "no-header": (PEER, b"CONNECT", "something else"),
    "half": (PEER, HEADER[:-1], "cut off"),
    "half-a-signature": (PEER, HEADER[:3], "cut off"),
}


@pytest.mark.parametrize(("peer", "sent", "why"), REFUSED.values(), ids=REFUSED)
async def test_anything_else_is_refused(peer: Client, sent: bytes, why: str) -> None:
    with pytest.raises(NotIntroduced, match=why) as caught:
        await introduce(reader(sent), peer, TRUSTED)
    assert caught.value.reason is Reason.PROXY_HEADER_INVALID


@pytest.mark.parametrize("peer", [PEER, Client("10.0.1.9", 1)], ids=["trusted", "elsewhere"])
async def test_one_that_never_comes_is_not_waited_for(peer: Client) -> None:
    with pytest.raises(NotIntroduced, match=r"within 0\.01 s") as caught:
        await introduce(reader(ended=False), peer, TRUSTED, 0.01)
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize("peer", [PEER, Client("10.0.1.9", 1)], ids=["trusted", "elsewhere"])
async def test_who_leaves_without_a_byte_did_nothing(peer: Client) -> None:
    with pytest.raises(NothingSent):
        await introduce(reader(), peer, TRUSTED)


async def test_a_connection_that_breaks_did_nothing() -> None:
    stream = reader(ended=False)
    stream.set_exception(ConnectionResetError("gone"))
    with pytest.raises(NothingSent):
        await introduce(stream, PEER, TRUSTED)

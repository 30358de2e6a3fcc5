"""Who is on the other end of an accepted connection: its peer, or whom the load balancer names.

The normal case without a load balancer: the peer is the client. Behind one that speaks
the PROXY protocol: the peer is a trusted proxy, its first bytes are a header, the client
is the one that it names. A header is believed from the trusted addresses only; without
one nothing else is read. Who connects and leaves without a byte leaves no trace.
"""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client
from s3gate.proxy.proxy_protocol import ProxyHeaderInvalid, missing, parse_header

HEADER_S: Final = 5.0  # a load balancer sends the header with the first packet; haproxy waits 3 to 5 s too

Network = IPv4Network | IPv6Network


class NotIntroduced(Exception):
    """Nobody says who the client is.

    Args:
        reason: why the connection is refused.
        detail: one lower-case sentence about it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class NothingSent(Exception):
    """The peer left before its first byte."""


def peer_client(peer: tuple[str, int]) -> Client:
    """The client that a peer's address names: no zone, and IPv4 where IPv6 carries it.

    Args:
        peer: address and port, as the socket tells them.
    """
    address = ip_address(peer[0].partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return Client(str(address), peer[1])


def is_trusted(peer: Client, trusted: Sequence[Network]) -> bool:
    """Whether a peer's header is believed.

    Args:
        peer: who connected.
        trusted: whose headers are believed.
    """
    address = ip_address(peer.address)
    return any(address in network for network in trusted)


async def introduce(
    reader: asyncio.StreamReader, peer: Client, trusted: Sequence[Network], seconds: float = HEADER_S
) -> Client:
    """Read the PROXY header that the connection must begin with.

    Args:
        reader: of the accepted socket, nothing read yet.
        peer: who connected.
        trusted: whose headers are believed.
        seconds: for the whole header.

    Returns:
        The client; the peer itself when it speaks for itself (LOCAL).

    Raises:
        NotIntroduced: it is not a trusted proxy, or does not send a header in time.
        NothingSent: it closed before its first byte.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _read(reader, peer, trusted)
    except TimeoutError as exc:
        raise NotIntroduced(Reason.TIMEOUT, f"no PROXY header came within {seconds:g} s") from exc
    except ProxyHeaderInvalid as exc:
        raise NotIntroduced(Reason.PROXY_HEADER_INVALID, str(exc)) from exc


async def _read(reader: asyncio.StreamReader, peer: Client, trusted: Sequence[Network]) -> Client:
    if not is_trusted(peer, trusted):
        if not await _some(reader, 1):
            raise NothingSent
        raise ProxyHeaderInvalid("the connection does not come from a trusted proxy")
    data = b""
    while more := missing(data):
        piece = await _some(reader, more)
        if not piece and not data:
            raise NothingSent
        if not piece:
            raise ProxyHeaderInvalid("a PROXY header that is cut off")
        data += piece
    return parse_header(data).client or peer


async def _some(reader: asyncio.StreamReader, most: int) -> bytes:
    """What has come, or nothing at the end."""
    try:
        return await reader.read(most)
    except OSError:
        return b""

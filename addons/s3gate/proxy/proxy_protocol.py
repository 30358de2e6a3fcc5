"""The PROXY protocol's header, version 2, in the form that an AWS load balancer sends. Pure.

The normal case: `missing` says how many more bytes to read, at most, until it says none;
then `parse_header` gives who the client is and, behind a VPC endpoint, its id. LOCAL is
the load balancer's own health check. Everything else is refused: version 1, other
families, other lengths, a checksum that does not fit.

Source: "The PROXY protocol, versions 1 & 2", haproxy.org, doc/proxy-protocol.txt (2020/03/05),
sections 2.2 to 2.2.7. Deviations: a PROXY header without an address is refused, since the
policy asks for one; a length beyond `MAX_BYTES` is refused, where the format allows 64 KiB.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from s3gate.policy.reading import Client

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"  # section 2.2: no other protocol begins with it
FIXED_BYTES: Final = 16  # section 2.2: signature, version and command, family, length
# Bytes after the fixed part. The format allows 65,535; a network load balancer sends under 120.
MAX_BYTES: Final = 1024

LOCAL: Final = 0x20  # version 2, the sender speaks for itself
PROXY: Final = 0x21  # version 2, the sender speaks for a client
TCP4: Final = 0x11
TCP6: Final = 0x21
_ADDRESS_BYTES: Final = {TCP4: 12, TCP6: 36}  # section 2.2: two addresses, two ports
TLV_HEAD_BYTES: Final = 3  # section 2.2: type, length

CRC32C: Final = 0x03  # section 2.2.3, PP2_TYPE_CRC32C
CRC32C_BYTES: Final = 4
# Elastic Load Balancing User Guide, Network Load Balancers, "Proxy protocol": PP2_TYPE_AWS and its subtype.
AWS: Final = 0xEA
AWS_VPCE_ID: Final = 0x01
# vpce-id = "vpce-" 8*17 hexadecimal digits: "Longer format resource IDs", Amazon EC2 User Guide.
_VPCE_ID: Final = re.compile(rb"vpce-[0-9a-f]{8,17}", re.ASCII)


class ProxyHeaderInvalid(Exception):
    """The bytes are no header that is accepted; the message says why, in one lower-case sentence."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """One header.

    Args:
        client: for whom the load balancer speaks; None when it speaks for itself (LOCAL).
    """

    client: Client | None


def missing(data: bytes) -> int:
    """How many bytes belong to the header beyond these, as far as these can tell.

    Args:
        data: what came so far.

    Returns:
        0 when the header is whole, else how many may be read without taking what follows it.

    Raises:
        ProxyHeaderInvalid: whatever came next, it could be no header.
    """
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        if b"PROXY ".startswith(data[:6]):
            raise ProxyHeaderInvalid("a PROXY header of version 1; version 2 is wanted")
        raise ProxyHeaderInvalid("something else where a PROXY header belongs")
    if len(data) < FIXED_BYTES:
        return FIXED_BYTES - len(data)
    if data[12] not in (LOCAL, PROXY):
        raise ProxyHeaderInvalid("a PROXY header of another version or command")
    length = int.from_bytes(data[14:16])
    if length > MAX_BYTES:
        raise ProxyHeaderInvalid(f"a PROXY header of {length} bytes; {MAX_BYTES} are read at most")
    return FIXED_BYTES + length - len(data)


def parse_header(data: bytes) -> ProxyHeader:
    """Read a whole header.

    Args:
        data: exactly the header, as `missing` measured it.

    Raises:
        ProxyHeaderInvalid: it is none that is accepted.
    """
    if missing(data) != 0:
        raise ProxyHeaderInvalid("a PROXY header that is cut off, or has something behind it")
    if data[12] == LOCAL:
        return ProxyHeader(None)  # section 2.2: what else it holds is discarded
    family, block = data[13], data[FIXED_BYTES:]
    size = _ADDRESS_BYTES.get(family)
    if size is None:
        raise ProxyHeaderInvalid("a PROXY header for something else than TCP over IPv4 or IPv6")
    if len(block) < size:
        raise ProxyHeaderInvalid("a PROXY header without its addresses")
    address, port = _source(family, block)
    return ProxyHeader(Client(address, port, vpc_endpoint=_read_tlvs(data, FIXED_BYTES + size)))


def _source(family: int, block: bytes) -> tuple[str, int]:
    """The client's address and port; an IPv4 address stays one when IPv6 carries it."""
    if family == TCP4:
        return str(IPv4Address(block[:4])), int.from_bytes(block[8:10])
    address = IPv6Address(block[:16])
    return str(address.ipv4_mapped or address), int.from_bytes(block[32:34])


def _read_tlvs(data: bytes, start: int) -> str | None:
    """Check what follows the addresses; the id of the VPC endpoint, if one is told."""
    checked = False
    endpoint: str | None = None
    for kind, at, value in _tlvs(data, start):
        if kind == CRC32C:
            if checked or len(value) != CRC32C_BYTES:
                raise ProxyHeaderInvalid("a PROXY header with an unreadable checksum")
            checked = True
            blank = data[:at] + bytes(CRC32C_BYTES) + data[at + CRC32C_BYTES :]
            if crc32c(blank) != int.from_bytes(value):
                raise ProxyHeaderInvalid("a PROXY header whose checksum does not fit")
        elif kind == AWS and value[:1] == bytes([AWS_VPCE_ID]):
            if endpoint is not None or _VPCE_ID.fullmatch(value, 1) is None:
                raise ProxyHeaderInvalid("a PROXY header with an unreadable VPC endpoint id")
            endpoint = value[1:].decode("ascii")
    return endpoint


def _tlvs(data: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Type, offset of the value, value; they fill the header to its end (section 2.2)."""
    while start < len(data):
        at = start + TLV_HEAD_BYTES
        end = at + int.from_bytes(data[start + 1 : at])
        if at > len(data) or end > len(data):
            raise ProxyHeaderInvalid("a PROXY header whose fields do not fill it")
        yield data[start], at, data[at:end]
        start = end


def _make_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901 - the polynomial's division
        table.append(value)
    return tuple(table)


_TABLE: Final = _make_table()  # RFC 3720, section 12.1: CRC32C, polynomial 0x1EDC6F41 reflected


def crc32c(data: bytes) -> int:
    """CRC32C (Castagnoli) of bytes, as RFC 3720, section 12.1 and appendix B.4."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF

"""The PROXY header: the one a network load balancer sends is read, everything else is refused."""

import contextlib
import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.reading import Client
from s3gate.proxy.proxy_protocol import (
    FIXED_BYTES,
    MAX_BYTES,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderInvalid,
    crc32c,
    missing,
    parse_header,
)

VPCE = b"vpce-08d2bf15fac5001c9"


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def header(
    tlvs: bytes = b"", *, command: int = 0x21, family: int = 0x11, source: str = "10.20.0.5", port: int = 4711
) -> bytes:
    packed = ip_address(source).packed
    block = packed + packed + struct.pack(">HH", port, 8080) + tlvs
    return SIGNATURE + struct.pack(">BBH", command, family, len(block)) + block


def with_checksum(tlvs: bytes = b"", *, off: int = 0) -> bytes:
    blank = header(tlv(3, bytes(4)) + tlvs)
    at = FIXED_BYTES + 12 + 3
    return blank[:at] + struct.pack(">I", crc32c(blank) ^ off) + blank[at + 4 :]


@pytest.mark.parametrize(
    ("data", "client"),
    [
        pytest.param(header(), Client("10.20.0.5", 4711), id="tcp4"),
        pytest.param(header(family=0x21, source="2001:db8::5"), Client("2001:db8::5", 4711), id="tcp6"),
        pytest.param(header(family=0x21, source="::ffff:10.1.2.3"), Client("10.1.2.3", 4711), id="mapped"),
        pytest.param(
            header(tlv(0xEA, b"\x01" + VPCE)),
            Client("10.20.0.5", 4711, vpc_endpoint=VPCE.decode()),
            id="vpc-endpoint",
        ),
        pytest.param(header(tlv(0xEA, b"\x02whatever")), Client("10.20.0.5", 4711), id="other-aws-subtype"),
        pytest.param(header(tlv(4, bytes(40)) + tlv(5, b"id")), Client("10.20.0.5", 4711), id="others"),
        pytest.param(
            with_checksum(tlv(0xEA, b"\x01" + VPCE)),
            Client("10.20.0.5", 4711, vpc_endpoint=VPCE.decode()),
            id="checksum",
        ),
        pytest.param(header(command=0x20), None, id="local"),
        pytest.param(SIGNATURE + b"\x20\x00\x00\x00", None, id="local-bare"),
        pytest.param(SIGNATURE + b"\x20\xff\x00\x03abc", None, id="local-with-anything"),
    ],
)
def test_a_header_is_read(data: bytes, client: Client | None) -> None:
    assert parse_header(data) == ProxyHeader(client)


REFUSED = {
    "version-1": (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "version 1"),
    "plain-connect": (b"CONNECT a:443 HTTP/1.1\r\n\r\n", "something else"),
    "newline-first": (b"\n" + header(), "something else"),
    "version-3": (header(command=0x31), "another version"),
    "unknown-command": (header(command=0x22), "another version"),
    "unspecified-family": (header(family=0x00), "something else than TCP"),
    "udp": (header(family=0x12), "something else than TCP"),
    "unix": (header(family=0x31), "something else than TCP"),
    "no-addresses": (SIGNATURE + b"\x21\x11\x00\x04abcd", "without its addresses"),
    "tcp6-with-tcp4-addresses": (header(family=0x21), "without its addresses"),
    "too-long": (SIGNATURE + b"\x21\x11" + struct.pack(">H", MAX_BYTES + 1), "1024 are read at most"),
    "cut-off": (header()[:-1], "cut off"),
    "something-behind": (header() + b"\n", "behind it"),
    "empty": (b"", "cut off"),
    "field-beyond-the-end": (header(b"\x04\x00\x05abcd"), "do not fill"),
    "half-a-field": (header(b"\x04\x00"), "do not fill"),
    "checksum-wrong": (with_checksum(off=1), "does not fit"),
    "checksum-short": (header(tlv(3, b"abc")), "unreadable checksum"),
    "checksum-twice": (with_checksum(tlv(3, bytes(4))), "unreadable checksum"),
    "endpoint-with-newline": (header(tlv(0xEA, b"\x01" + VPCE + b"\n")), "unreadable VPC endpoint"),
    "endpoint-upper-case": (header(tlv(0xEA, b"\x01" + VPCE.upper())), "unreadable VPC endpoint"),
    "endpoint-empty": (header(tlv(0xEA, b"\x01")), "unreadable VPC endpoint"),
    "endpoint-twice": (header(2 * tlv(0xEA, b"\x01" + VPCE)), "unreadable VPC endpoint"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ProxyHeaderInvalid, match=why):
        parse_header(data)


@given(st.integers(0, len(header(tlv(4, b"abc")))))
def test_it_never_asks_for_a_byte_that_follows(cut: int) -> None:
    """Whatever has come, what is asked for next ends with the header at the latest."""
    whole = header(tlv(4, b"abc"))
    more = missing(whole[:cut])
    assert 0 <= cut + more <= len(whole)
    assert (more == 0) == (cut == len(whole))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_header_or_refused(data: bytes, prefixed: bool) -> None:
    """Whatever bytes arrive, a header or the typed refusal, never another exception."""
    with contextlib.suppress(ProxyHeaderInvalid):
        found = parse_header(SIGNATURE + data if prefixed else data)
        assert found.client is None or ip_address(found.client.address)


@given(st.integers(0, len(with_checksum()) - 1), st.integers(1, 255))
def test_a_checksum_guards_every_byte(at: int, flip: int) -> None:
    """No change of one byte of a header with a checksum yields another client."""
    data = bytearray(with_checksum())
    data[at] ^= flip
    try:
        found = parse_header(bytes(data))
    except ProxyHeaderInvalid:
        return
    assert found.client is None or at >= FIXED_BYTES + 12, "only the checksum's own type can hide it"


def test_the_checksum_is_castagnolis() -> None:
    """RFC 3720, appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E

"""The first bytes of TLS → the server name that they ask for, before anything is answered.

The normal case: one handshake record with a ClientHello, whose one server_name extension
holds one host_name. What is not a well-formed ClientHello is not TLS to us. A client
that hides its real name (ECH) is read by the outer name, the only one we could serve.
"""

from dataclasses import dataclass
from typing import Final

_HANDSHAKE: Final = 0x16  # RFC 8446 §5.1, ContentType
_CLIENT_HELLO: Final = 1  # §4, HandshakeType
_SERVER_NAME: Final = 0  # RFC 6066 §3
_HOST_NAME: Final = 0
_RECORD_BYTES: Final = 1 << 14  # §5.1: TLSPlaintext.length
MAX_HELLO_BYTES: Final = 16_384  # a ClientHello with post-quantum shares has about 2 KiB; ECH adds some
MAX_RECORDS: Final = 32  # that carry it; clients send one to three, more would only make us read again
FATAL_UNRECOGNIZED_NAME: Final = bytes((21, 3, 3, 0, 2, 2, 112))  # RFC 8446 §6.2


class NotTls(Exception):
    """The bytes are not a ClientHello; the message says why, in one lower-case sentence."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A ClientHello.

    Args:
        sni: server name as sent, latin-1, or None.
        size: bytes of the records that hold it; what lies behind them is something else.
    """

    sni: str | None
    size: int


class _Cursor:
    """Reads a byte string from the left; running over its end is NotTls."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise NotTls("the ClientHello ends in the middle of a field")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))


def read_hello(data: bytes) -> Hello | None:
    """Read the ClientHello at the start of a connection.

    Args:
        data: everything the client sent so far.

    Returns:
        What it asks for, or None while it is incomplete.

    Raises:
        NotTls: it is not, or cannot become, a ClientHello.
    """
    found = _handshake(data)
    if found is None:
        return None
    message, size = found
    return Hello(_server_name(message), size)


def _handshake(data: bytes) -> tuple[bytes, int] | None:
    """The body of the first handshake message, from one or more whole records, and their size."""
    message = b""
    at = 0
    for _ in range(MAX_RECORDS):
        if at >= len(data):
            return None
        header = data[at : at + 5]
        if header[0] != _HANDSHAKE or header[1:2] not in (b"", b"\x03"):
            raise NotTls("the tunnel does not begin with a TLS handshake")
        if len(header) < 5:
            return None
        length = int.from_bytes(header[3:5])
        if not 0 < length <= _RECORD_BYTES:
            raise NotTls("a TLS record has an impossible length")
        message += data[at + 5 : at + 5 + length]
        if message[0:1] not in (b"", bytes((_CLIENT_HELLO,))):
            raise NotTls("the first TLS message is not a ClientHello")
        size = int.from_bytes(message[1:4]) if len(message) >= 4 else None
        if size is not None and size > MAX_HELLO_BYTES:
            raise NotTls("the ClientHello is too long")
        if size is not None and len(message) >= 4 + size:
            if len(message) > 4 + size:
                raise NotTls("something follows the ClientHello in its record")
            return (message[4:], at + 5 + length) if len(data) >= at + 5 + length else None
        at += 5 + length
    raise NotTls("the ClientHello is cut into too many records")


def _server_name(body: bytes) -> str | None:
    cursor = _Cursor(body)
    cursor.take(2 + 32)  # legacy_version, random
    cursor.vector(1)  # legacy_session_id
    cursor.vector(2)  # cipher_suites
    cursor.vector(1)  # legacy_compression_methods
    if not cursor:
        return None
    extensions = _Cursor(cursor.vector(2))
    if cursor:
        raise NotTls("something follows the extensions of the ClientHello")
    names: list[bytes] = []
    while extensions:
        kind = extensions.number(2)
        value = extensions.vector(2)
        if kind == _SERVER_NAME:
            names.append(value)
    if not names:
        return None
    if len(names) > 1:
        raise NotTls("the ClientHello has two server_name extensions")
    return _only_name(names[0])


def _only_name(extension: bytes) -> str:
    outer = _Cursor(extension)
    entries = _Cursor(outer.vector(2))
    kind = entries.number(1)
    name = entries.vector(2)
    if outer or entries or kind != _HOST_NAME:
        raise NotTls("the server_name extension does not hold one host_name")
    return name.decode("latin-1")

"""A ClientHello made by hand, for server names and extensions that no TLS library would send."""

from collections.abc import Sequence

SERVER_NAME = 0
ENCRYPTED_CLIENT_HELLO = 0xFE0D  # draft-ietf-tls-esni, the number deployed clients use


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size) + data


def server_name(*names: bytes, kind: int = 0) -> tuple[int, bytes]:
    """The server_name extension with these entries (RFC 6066 §3)."""
    return SERVER_NAME, vector(2, b"".join(bytes((kind,)) + vector(2, name) for name in names))


def client_hello(*extensions: tuple[int, bytes]) -> bytes:
    """One record with a ClientHello (RFC 8446 §4.1.2) that offers TLS 1.2 and 1.3."""
    usual = [
        (43, vector(1, b"\x03\x04\x03\x03")),  # supported_versions
        (10, vector(2, b"\x00\x17")),  # supported_groups: P-256
        (13, vector(2, b"\x04\x03\x08\x04\x04\x01")),  # signature_algorithms
        (11, vector(1, b"\x00")),  # ec_point_formats
    ]
    body = b"\x03\x03" + bytes(32) + vector(1, b"")
    body += vector(2, b"\x13\x01\xc0\x2b\xc0\x2f") + vector(1, b"\x00") + _extensions([*extensions, *usual])
    message = b"\x01" + vector(3, body)
    return b"\x16\x03\x01" + vector(2, message)


def _extensions(extensions: Sequence[tuple[int, bytes]]) -> bytes:
    return vector(2, b"".join(kind.to_bytes(2) + vector(2, data) for kind, data in extensions))

"""Proxy-Authorization → a user name and a password, or nothing that could be one. Pure.

The normal case: one header, `Basic` and the base64 of `name:password` in UTF-8 (RFC 7617).
Whatever else comes, other schemes, two headers, controls, other encodings, is read by
nobody: it is as wrong as a wrong password. Nothing here is ever put into an error.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

CHALLENGE: Final = 'Basic realm="s3gate", charset="UTF-8"'
"""RFC 7617, sections 2 and 2.1; the only charset that may be named."""

PASSWORD_BYTES: Final = 72  # bcrypt looks at no more, and what differs behind would count as the same
_TOKEN_CHARS: Final = 1024  # of the base64: 64 of a name, 72 of a password and the colon make under 200
# credentials = auth-scheme 1*SP token68 (RFC 9110, section 11.4); the scheme's case does not count.
_CREDENTIALS: Final = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE | re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # RFC 7617, section 2: neither may hold one


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client says it is; shown nowhere whole.

    Args:
        user: the name, not proven.
        password: its UTF-8 bytes.
    """

    user: str
    password: bytes = field(repr=False)


def parse_basic(values: Sequence[str]) -> Credentials | None:
    """The credentials that the header's values hold, or None where no reader could be sure of any.

    Args:
        values: of every Proxy-Authorization header, one character a byte.
    """
    found = _CREDENTIALS.fullmatch(values[0]) if len(values) == 1 else None
    if found is None or len(found[1]) > _TOKEN_CHARS:
        return None
    try:
        text = b64decode(found[1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    secret = password.encode("utf-8")
    if not colon or not user or _CONTROL.search(text) or len(secret) > PASSWORD_BYTES:
        return None
    return Credentials(user, secret)

"""Text of an authority, an SNI or a Host value → one canonical DNS name, or a typed refusal.

The normal case: `bucket.s3.eu-west-1.amazonaws.com:443`. Nothing is decoded, completed or
looked up; ASCII capitals are folded and one trailing dot is taken off, and both are
told, so that policy can compare names and still refuse the spelling. An IP address in
any spelling that some resolver accepts is an IpLiteral, never a name.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NewType

from s3gate.s3.refusal import IpLiteral, MalformedHost

HostName = NewType("HostName", str)
"""A lower-case DNS name without trailing dot; only the parser of this file makes one."""

# RFC 1035 section 2.3.4: 255 octets on the wire, which is 253 characters as text; labels of 63.
MAX_NAME_CHARS: Final = 253
MAX_LABEL_CHARS: Final = 63
# The name, its trailing dot, a colon and five digits: nothing longer is looked at.
MAX_AUTHORITY_CHARS: Final = MAX_NAME_CHARS + len(".:65535")
MAX_PORT: Final = 65535  # RFC 9293 section 3.1: 16 bits
# Distinct authorities remembered: a gate sees a handful, an attacker may show it many.
CACHED_AUTHORITIES: Final = 4096
# What a refusal quotes of the client's text, so that an error stays one readable line.
QUOTED_CHARS: Final = 80

# name = label *( "." label ) ; label = let-dig [ *61( let-dig / "-" ) let-dig ]
# RFC 1035 section 2.3.1 with the leading digit of RFC 1123 section 2.1, lower case, no `_`.
# port = "0" / nonzero-digit *4digit (RFC 3986 section 3.2.3, without its empty form and leading zeros)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_AUTHORITY: Final = re.compile(
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)(?P<dot>\.?)(?::(?P<port>0|[1-9][0-9]{{0,4}}))?", re.ASCII
)
# A part of inet_aton's IPv4 spellings: decimal, octal or hex of any size (POSIX inet_addr;
# WHATWG URL, "ends in a number checker"). `0x` alone is zero there.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# "[" ( IPv6address [ zone ] / IPvFuture ) "]" (RFC 3986 section 3.2.2, RFC 6874)
_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\](?::[0-9]{0,5})?", re.ASCII)
# Where a URL goes on after its authority (RFC 3986 section 3.2); what follows may hold a signature.
_AFTER_HOST: Final = re.compile(r"[/?#\\]", re.ASCII)
_IP_FUTURE: Final = re.compile(r"v[0-9a-f]+\.[a-z0-9:._~!$&'()*+,;=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Host:
    """An authority that was read.

    Args:
        name: the canonical name.
        port: TCP port as written, or None.
        trailing_dot: the name was written as absolute, with one dot at its end.
        canonical: False when capitals were folded.
    """

    name: HostName
    port: int | None
    trailing_dot: bool
    canonical: bool


def quoted(text: str) -> str:
    """Client input for a refusal: in backticks, one line, ASCII, bounded."""
    short = text if len(text) <= QUOTED_CHARS else text[:QUOTED_CHARS] + "…"
    return "`" + short.encode("unicode_escape").decode("ascii").replace("`", "\\x60") + "`"


def _shown(text: str) -> str:
    """The part of an authority that a refusal may repeat: no userinfo, and nothing after a path starts."""
    return quoted(_AFTER_HOST.split(text.rpartition("@")[2], maxsplit=1)[0])


def parse_authority(text: str) -> Host:
    """Read `name` or `name:port`.

    Args:
        text: as sent: the target of a CONNECT, an SNI, the value of a Host header.

    Returns:
        The canonical name and what was special about its spelling.

    Raises:
        MalformedHost: it is no DNS name with an optional port from 0 to 65535.
        IpLiteral: it is an IP address: dotted, short, decimal, octal, hex, IPv6.
    """
    if len(text) > MAX_AUTHORITY_CHARS:
        raise MalformedHost(
            f"host {_shown(text)} is longer than {MAX_NAME_CHARS} characters; send a DNS name"
        )
    return _parse(text)


@lru_cache(maxsize=CACHED_AUTHORITIES)
def _parse(text: str) -> Host:
    folded = text.lower() if text.isascii() else text
    match = _AUTHORITY.fullmatch(folded)
    if match is None:
        raise _refusal(text, folded)
    name, port = match["name"], match["port"]
    if len(name) > MAX_NAME_CHARS:
        raise MalformedHost(
            f"host {_shown(text)} is longer than {MAX_NAME_CHARS} characters; send a DNS name"
        )
    if port is not None and int(port) > MAX_PORT:
        raise MalformedHost(f"port {quoted(port)} is above {MAX_PORT}; send 443")
    last = name.rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        if all(_NUMBER.fullmatch(part) for part in name.split(".")):
            raise IpLiteral(f"host {_shown(text)} is an IP address; send the DNS name")
        raise MalformedHost(f"host {_shown(text)} ends in a number, which no DNS name does")
    return Host(HostName(name), None if port is None else int(port), match["dot"] == ".", folded == text)


def _refusal(text: str, folded: str) -> MalformedHost | IpLiteral:
    """Why a text is no authority: the address it spells, or the first thing wrong with it."""
    bracketed = _BRACKETED.fullmatch(folded)
    inner = folded if bracketed is None else bracketed[1]
    if _is_ipv6(inner) or (bracketed is not None and _IP_FUTURE.fullmatch(inner)):
        return IpLiteral(f"host {_shown(text)} is an IP address; send the DNS name")
    return MalformedHost(f"host {_shown(text)} {_explain(folded)}")


def _is_ipv6(text: str) -> bool:
    """Whether a text without brackets is an IPv6 address, with or without a zone id (RFC 4007)."""
    address, _, zone = text.partition("%")
    if ":" not in address or not text.isascii() or not zone.isprintable() or " " in zone:
        return False
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True


def _explain(text: str) -> str:
    """What is wrong with a text that is neither a name nor an address."""
    name, colon, port = text.partition(":")
    strange = next(
        (char for char in text if not (char.isascii() and (char.isalnum() or char in ".-:"))), None
    )
    if not text:
        return "is empty; send a DNS name"
    if strange is not None:
        return f"has the character {quoted(strange)}, which no DNS name has"
    if colon and not (port.isdigit() and not (port.startswith("0") and port != "0")):
        return "has no port after its colon that is a plain decimal number"
    if colon and len(port) > 5:
        return f"has a port above {MAX_PORT}"
    if name.endswith("..") or ".." in name or name.startswith(".") or not name:
        return "has an empty label"
    if any(len(label) > MAX_LABEL_CHARS for label in name.split(".")):
        return f"has a label longer than {MAX_LABEL_CHARS} characters"
    return "has a label that starts or ends with a hyphen"

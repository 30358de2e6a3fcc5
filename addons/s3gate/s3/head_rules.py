"""Which headers are judged, and how: the lists behind `head.py`, each with its source.

A name that stands in none of them passes unread, joined when repeated.
"""

import re
from collections.abc import Callable
from typing import Final

from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ProtocolUpgrade

BODYLESS: Final = frozenset({"GET", "HEAD", "DELETE"})
"""Methods without a body in every operation of the S3 model; RFC 9110 9.3.1 gives such content no meaning."""

FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "expect", "trailer", "upgrade"})
"""A repeated one is malformed: readers differ on the first, the last or the list (RFC 9112 11.2)."""

EXACT: Final = frozenset({"host", "content-length", "transfer-encoding"})
"""Kept with surrounding blanks, so that a value which is not exactly right is refused."""

LISTS: Final = frozenset(
    {
        # RFC 9110: list-valued, and nobody here decides by them
        "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection",
        "pragma", "te", "via", "warning",
        # Go and Java SDKs send one line for each member of these lists (S3 model: list-typed headers)
        "x-amz-object-attributes", "x-amz-optional-object-attributes",
    }
)  # fmt: skip

GUARDED: Final = frozenset(
    {
        *FRAMING,
        "authorization", "date", "range", "content-type", "content-md5", "content-encoding",
        "content-disposition", "content-language", "expires", "if-match", "if-none-match",
        "if-modified-since", "if-unmodified-since", "if-range", "proxy-authorization", "connection", "te",
        "http2-settings",
    }
)  # fmt: skip
"""Headers that the verdict or S3 reads singly; every x-amz- header is one too."""

OVERRIDES: Final = frozenset(
    {
        # another method
        "x-http-method-override", "x-http-method", "x-method-override", "x-http-verb", "x-original-method",
        # another host
        "x-forwarded-host", "x-forwarded-server", "x-host", "x-original-host", "x-http-host-override",
        "forwarded",
        # another target
        "x-original-url", "x-original-uri", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path",
        "x-forwarded-prefix", "x-request-uri",
    }
)  # fmt: skip
"""Headers by which front ends take another method, host or target (Symfony, IIS, Spring, Envoy, Traefik)."""

UPGRADES: Final = frozenset(
    {
        "upgrade", "http2-settings", "sec-websocket-key", "sec-websocket-version", "sec-websocket-accept",
        "sec-websocket-protocol", "sec-websocket-extensions",
    }
)  # fmt: skip
"""RFC 9110 7.8, RFC 7540 3.2.1, RFC 6455 11.3."""

_HOP_BY_HOP: Final = frozenset({"", "keep-alive", "close", "te", "trailer", "proxy-connection"})
_UPGRADING: Final = frozenset({"upgrade", "http2-settings"})

# What SDKs put after an aws-chunked body; anything else would be a header that nobody judged.
_TRAILERS: Final = re.compile(r"x-amz-(?:checksum-[a-z0-9]{1,16}|trailer-signature)", re.ASCII)


def _check_connection(name: str, value: str) -> None:
    """A nominated header is dropped by the next hop (RFC 9110 7.6.1): it must not be one that matters."""
    options = {option.strip(" \t").lower() for option in value.split(",")}
    if options & _UPGRADING:
        raise ProtocolUpgrade(f"`{name}` asks for an upgrade; speak HTTP/1.1")
    if not options <= _HOP_BY_HOP:
        raise MalformedRequest(
            f"`{name}` names a header that the next hop would drop; send keep-alive or close"
        )


def _check_expect(name: str, value: str) -> None:
    if value.lower() != "100-continue":
        raise MalformedRequest(f"`{name}` knows only 100-continue (RFC 9110 10.1.1)")


def _check_te(name: str, value: str) -> None:
    if not {item.strip(" \t").lower() for item in value.split(",")} <= {"trailers", ""}:
        raise MalformedRequest(f"`{name}` may ask for trailers only")


def _check_trailer(name: str, value: str) -> None:
    for item in value.split(","):
        if _TRAILERS.fullmatch(item.strip(" \t").lower()) is None:
            raise MalformedRequest(f"`{name}` announces a trailer that is not a checksum")


def _refuse_upgrade(name: str, _value: str) -> None:
    raise ProtocolUpgrade(f"`{name}` asks to leave HTTP/1.1")


def _refuse_override(name: str, _value: str) -> None:
    raise AmbiguousTarget(f"`{name}` makes some readers take another method, host or target; remove it")


CHECKS: Final[tuple[tuple[Callable[[str, str], None], frozenset[str]], ...]] = (
    (_check_connection, frozenset({"connection", "proxy-connection"})),
    (_check_expect, frozenset({"expect"})),
    (_check_te, frozenset({"te"})),
    (_check_trailer, frozenset({"trailer", "x-amz-trailer"})),
    (_refuse_upgrade, UPGRADES),
    (_refuse_override, OVERRIDES),
)

CHECKED: Final = frozenset(name for _, names in CHECKS for name in names)

"""Heads as they leave the gate: the very lines that came, less those of one hop.

The normal case: the start line and every header line go on byte for byte, since the
client signed them; only what RFC 9110 §7.6.1 binds to one connection is taken out, and
the framing is written anew for the body as we send it.
"""

from collections.abc import Iterable
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.proxy.head import Headers, HeadRefused, RequestHead, ResponseHead

# RFC 9110 §7.6.1, and Proxy-* which speak to a proxy (§11.7, de facto Proxy-Connection).
HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Connection options that name no header which S3 could read: any other would take a judged header away.
_HARMLESS_OPTIONS: Final = frozenset({"", "close", "keep-alive", "te"})


def split_target(target: str, scheme: str) -> tuple[str | None, str]:
    """Take the authority off an absolute-form target (RFC 9112 §3.2.2).

    Args:
        target: raw request-target.
        scheme: of the connection, http or https.

    Returns:
        The authority, or None for any other form, and the rest: path and query, raw.

    Raises:
        HeadRefused: the target asks for another scheme than the connection has.
    """
    named, separator, rest = target.partition("://")
    if target.startswith("/") or not separator or not named.isalnum():
        return None, target
    if named.lower() != scheme:
        raise HeadRefused(
            Reason.MALFORMED_REQUEST, f"the target's scheme is not {scheme}, which the connection has"
        )
    ends = [at for at in (rest.find("/"), rest.find("?"), rest.find("#")) if at >= 0]
    end = min(ends, default=len(rest))
    path = rest[end:]
    return rest[:end], path if path.startswith("/") else "/" + path


def wants_close(headers: Headers, http_version: str) -> bool:
    """Whether a message ends its connection (RFC 9112 §9.3); HTTP/1.0 always does here."""
    return http_version != "HTTP/1.1" or "close" in _options(headers)


def check_forwardable(head: RequestHead) -> None:
    """Refuse what would change on its way through a proxy.

    Raises:
        HeadRefused: a method or header that asks for more than forwarding.
    """
    if head.method == "CONNECT":
        raise HeadRefused(Reason.PROTOCOL_UPGRADE, "a CONNECT inside the tunnel")
    if any(name.lower() == "upgrade" for name, _ in head.headers):
        raise HeadRefused(Reason.PROTOCOL_UPGRADE, "only HTTP/1.1 is spoken here; no Upgrade")
    if _options(head.headers) - _HARMLESS_OPTIONS:
        raise HeadRefused(Reason.MALFORMED_REQUEST, "the Connection header names another header")


def write_request(head: RequestHead, target: str, *, chunked: bool, expects: bool = True) -> bytes:
    """The request head towards the upstream.

    Args:
        head: as the client sent it.
        target: origin-form, raw.
        chunked: whether its body follows in chunks.
        expects: whether an Expect goes on: not when the body follows at once (RFC 9110 §10.1.1).
    """
    start = f"{head.method} {target} {head.http_version}".encode("latin-1")
    taken = HOP_BY_HOP if expects else HOP_BY_HOP | {"expect"}
    added = [b"Transfer-Encoding: chunked"] if chunked else []
    return _assemble(start, head.headers, head.lines, added, taken)


def write_response(head: ResponseHead, *, chunked: bool, close: bool) -> bytes:
    """The response head towards the client.

    Args:
        head: as the upstream sent it.
        chunked: whether its body follows in chunks.
        close: whether the connection ends behind it.
    """
    added = [b"Transfer-Encoding: chunked"] if chunked else []
    if close:
        added.append(b"Connection: close")
    return _assemble(b"HTTP/1.1" + head.start[len("HTTP/1.1") :], head.headers, head.lines, added)


def _assemble(
    start: bytes,
    headers: Headers,
    lines: tuple[bytes, ...],
    added: Iterable[bytes],
    taken: frozenset[str] = HOP_BY_HOP,
) -> bytes:
    kept = [line for (name, _), line in zip(headers, lines, strict=True) if name.lower() not in taken]
    return b"\r\n".join((start, *kept, *added, b"", b""))


def _options(headers: Headers) -> set[str]:
    """All connection options, lower case (RFC 9110 §7.6.1), also those of Proxy-Connection."""
    values = [value for name, value in headers if name.lower() in ("connection", "proxy-connection")]
    return {option.strip(" \t").lower() for value in values for option in value.split(",")}

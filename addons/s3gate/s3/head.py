"""Request heads: header pairs become one reading, or a refusal.

The normal case is a head of an AWS SDK over HTTP/1.1: one Host, one way of framing,
each header that anybody decides by at most once. Everything that two HTTP readers
could take differently is refused here (RFC 9110, RFC 9112), before anything else
looks at the request; so the rest of the package reads names and values only.

HTTP/1.0 is refused: no AWS client speaks it, and its framing and Host rules differ.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from s3gate.s3 import head_rules as rules
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ProtocolUpgrade

MAX_HEADERS: Final = 128
"""Header lines in one head. SDKs send below 60; S3 itself takes 8 KB of headers (PutObject reference)."""

MAX_HEAD_CHARACTERS: Final = 65_536
"""Bytes of target, names and values together: the gate's `limits.head_bytes`; S3 takes far less."""

MAX_CONTENT_LENGTH: Final = 2**63 - 1
"""Bytes. What a signed 64-bit counter holds (RFC 9110 8.6 asks to guard against overflow)."""

NAMES_REMEMBERED: Final = 1024
"""Header names whose check is remembered; SDKs use some hundred."""

# RFC 9110 9.1 allows any token; every method that a client of S3 uses is upper-case letters.
_METHOD: Final = re.compile(r"[A-Z]{3,16}", re.ASCII)
# RFC 9110 5.6.2 token; 1,024 characters since names are remembered, and S3 takes 2 KB of user metadata
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,1024}", re.ASCII)
# RFC 9110 5.5: field-vchar = VCHAR / obs-text, SP and HTAB between: every byte but these
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {ord("\t")})
_CONTROLS_TEXT: Final = frozenset(_CONTROLS.decode("latin-1"))
# RFC 9112 3.2.1 origin-form = absolute-path [ "?" query ]; beyond RFC 3986 the printable ASCII that curl
# and others leave raw, which has one reading; never space, controls, bytes above 0x7E, `#` or a backslash
_TARGET: Final = re.compile(r"/[!-\"$-\[\]-~]*", re.ASCII)
# RFC 9110 8.6 Content-Length = 1*DIGIT; 19 digits hold MAX_CONTENT_LENGTH
_LENGTH: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


class Framing(StrEnum):
    """How the body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"


@dataclass(frozen=True, slots=True)
class Head:
    """A head with one reading; its repr shows neither headers nor query, which hold signatures.

    Args:
        method: upper-case letters.
        path: raw path of the target, from its first `/`.
        query: raw text after the first `?` of the target, "" when there is none.
        host: value of the Host header, as sent.
        framing: how the body ends.
        content_length: bytes, None unless framing is `length`.
        expects_continue: whether the client waits for `100 Continue`.
        headers: lower-case name → value without surrounding blanks; list headers joined by ", ".
        amazon: the lower-case names that start with `x-amz-`, in order.
    """

    method: str
    path: str
    query: str = field(repr=False)
    host: str
    framing: Framing
    content_length: int | None
    expects_continue: bool
    headers: Mapping[str, str] = field(repr=False)
    amazon: tuple[str, ...]

    def get(self, name: str) -> str | None:
        """The value of the header with this lower-case name, or None."""
        return self.headers.get(name)


def read_head(
    method: str, target: str, headers: Sequence[tuple[str, str]], http_version: str = "HTTP/1.1"
) -> Head:
    """Judge a request head and read it.

    Args:
        method: as sent.
        target: origin-form, as sent.
        headers: pairs as sent, bytes as latin-1 text.
        http_version: as sent, `HTTP/1.1`.

    Returns:
        The only reading of this head.

    Raises:
        MalformedRequest: a rule of RFC 9110 or RFC 9112 is broken, or a limit is passed.
        AmbiguousTarget: a header by which some reader takes another method, host or path; a repeated one.
        ProtocolUpgrade: the request asks to leave HTTP/1.1.
    """
    _check_start(method, target, http_version)
    fields, amazon = _read_fields(target, headers)
    for name in fields.keys() & rules.CHECKED:
        _CHECKS[name](name, fields[name])
    host = fields.get("host")
    if not host or "," in host or host[0] in " \t" or host[-1] in " \t":
        raise MalformedRequest("a request has exactly one Host header with one name")
    framing, length = _read_framing(method, fields)
    path, _, query = target.partition("?")
    return Head(
        method,
        path,
        query,
        host,
        framing,
        length,
        "expect" in fields,
        MappingProxyType(fields),
        tuple(amazon),
    )


def _check_start(method: str, target: str, http_version: str) -> None:
    if method == "PRI":
        raise ProtocolUpgrade("PRI starts HTTP/2; speak HTTP/1.1")
    if _METHOD.fullmatch(method) is None:
        raise MalformedRequest("the method is not a word of upper-case letters")
    if method in {"CONNECT", "TRACE", "TRACK"}:
        raise MalformedRequest(f"{method} is never sent to S3 inside a tunnel")
    if http_version != "HTTP/1.1":
        raise MalformedRequest("only HTTP/1.1 is spoken here")
    if _TARGET.fullmatch(target) is None:
        raise MalformedRequest(
            "the target is not a path of printable ASCII from its first slash; percent-encode it"
        )


def _read_fields(target: str, headers: Sequence[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """The fields by lower-case name, and the x-amz- names among them."""
    if len(headers) > MAX_HEADERS:
        raise MalformedRequest(f"more than {MAX_HEADERS} headers; send fewer")
    _check_values(headers)
    fields: dict[str, str] = {}
    amazon: list[str] = []
    size, fold, exact = len(target), _fold_name, rules.EXACT
    for name, value in headers:
        folded = fold(name)
        size += len(name) + len(value)
        if folded in fields:
            value = _repeated(folded, fields[folded], value)  # noqa: PLW2901  # the joined value takes its place
        elif folded.startswith("x-amz-"):
            amazon.append(folded)
        fields[folded] = value if folded in exact else value.strip(" \t")
    if size > MAX_HEAD_CHARACTERS:
        raise MalformedRequest(f"the head is larger than {MAX_HEAD_CHARACTERS} bytes; send less")
    return fields, amazon


def _check_values(headers: Sequence[tuple[str, str]]) -> None:
    """All values at once, since bytes are searched faster than text; then the one at fault is named."""
    try:
        text = "".join([value for _, value in headers]).encode("latin-1")
    except UnicodeEncodeError as exc:
        raise MalformedRequest("a header value is not bytes as latin-1 text") from exc
    if len(text.translate(None, _CONTROLS)) == len(text):
        return
    for name, value in headers:
        if not _CONTROLS_TEXT.isdisjoint(value):
            raise MalformedRequest(f"header `{_shown(name)}` holds a control character or a line break")


def _shown(name: str) -> str:
    return (name if name.isprintable() else ascii(name))[:64]


@lru_cache(maxsize=NAMES_REMEMBERED)
def _fold_name(name: str) -> str:
    """The lower-case name; CGI and WSGI read `_` as `-`, so look-alikes of guarded names are refused."""
    if _NAME.fullmatch(name) is None:
        raise MalformedRequest(
            "a header name is not a token (RFC 9110 5.6.2): no blanks, no colon, not empty"
        )
    folded = name.lower()
    if "_" in folded and not folded.startswith("x-amz-meta-"):
        plain = folded.replace("_", "-").strip("-")
        if plain.startswith("x-amz-") or plain in rules.GUARDED or plain in rules.CHECKED:
            raise MalformedRequest(
                f"header `{folded[:64]}` reads as `{plain[:64]}` to some servers; use hyphens"
            )
    return folded


def _repeated(folded: str, first: str, second: str) -> str:
    if folded in rules.LISTS or folded.startswith("x-amz-meta-"):
        return f"{first}, {second}"
    if folded in rules.FRAMING:
        raise MalformedRequest(f"header `{folded}` is repeated; send it once")
    if folded in rules.GUARDED or folded.startswith("x-amz-"):
        raise AmbiguousTarget(f"header `{folded[:64]}` is repeated; send it once")
    return f"{first}, {second}"


def _read_framing(method: str, fields: Mapping[str, str]) -> tuple[Framing, int | None]:
    """RFC 9112 6: exactly one way to end the body; none for methods whose body has no meaning."""
    coding, length = fields.get("transfer-encoding"), fields.get("content-length")
    if coding is not None:
        if length is not None:
            raise MalformedRequest("Transfer-Encoding and Content-Length together: two ways to end the body")
        if coding.lower() != "chunked":
            raise MalformedRequest("the only transfer coding is `chunked`, once")
        if method in rules.BODYLESS:
            raise MalformedRequest(f"a {method} request carries no body to S3")
        return Framing.CHUNKED, None
    if length is None:
        return Framing.NONE, None
    if _LENGTH.fullmatch(length) is None or int(length) > MAX_CONTENT_LENGTH:
        raise MalformedRequest("Content-Length is not a decimal number below 2^63")
    if int(length) and method in rules.BODYLESS:
        raise MalformedRequest(f"a {method} request carries no body to S3")
    return Framing.LENGTH, int(length)


_CHECKS: Final = {name: check for check, names in rules.CHECKS for name in names}

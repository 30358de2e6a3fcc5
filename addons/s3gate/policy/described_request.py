"""The words that describe a request, in `explain --jsonl` and in the cases beside a policy → the Request.

The normal case: `{"method": "GET", "url": "https://bucket.s3.eu-west-1.amazonaws.com/key"}`.
The URL is cut, never normalised: scheme `://` authority, then the raw path up to the
first `?`, then the raw query. Absent is not null: an absent `connect` or `sni` comes
from the URL, null means that there was none.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from s3gate.policy.mistake import quote
from s3gate.policy.reading import Client, Request

# scheme "://" authority, then what is left; the authority ends at the first "/" or "?".
# RFC 3986, section 3 and 3.2, except that "#" ends nothing: a proxy never gets a fragment, so one that is
# there belongs to what is judged.
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(?:\?(.*))?", re.DOTALL)
_PORT: Final = re.compile(r"(.*):([0-9]+)", re.DOTALL | re.ASCII)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}  # RFC 9110, sections 4.2.1 and 4.2.2


class UnusableRequest(ValueError):
    """The words describe no request; the message is a sentence for a person."""


def build_request(fields: Mapping[str, object], default_now: datetime) -> Request:
    """The request that the fields describe.

    Args:
        fields: `method` and `url`; optional `headers` (pairs or an object), `connect`, `sni`,
            `client`, `user`, `vpc_endpoint`, `now` (ISO 8601), `http_version`. Others are not looked at.
        default_now: the clock when `now` is absent, time zone aware.

    Raises:
        UnusableRequest: a field is missing or has another type.
    """
    url = _text(fields, "url")
    cut = _URL.fullmatch(url)
    if cut is None or cut[1].lower() not in _DEFAULT_PORTS:
        told = f"`url` {quote(_public(url))} does not begin with `https://` or `http://`"
        raise UnusableRequest(f"{told}; write it like `{_SHAPE}`")
    scheme, authority = cut[1].lower(), cut[2]
    target = (cut[3] or "/") + ("" if cut[4] is None else "?" + cut[4])
    name, port = _cut_port(authority)
    with_port = authority if port is not None else f"{authority}:{_DEFAULT_PORTS[scheme]}"
    connect = _nullable(fields, "connect", with_port if scheme == "https" else None)
    tunnelled = connect is not None
    return Request(
        method=_text(fields, "method"),
        scheme=scheme if tunnelled else "http",
        authority=authority,
        target=target,
        headers=_headers(fields, authority, scheme),
        connect=connect,
        sni=_nullable(fields, "sni", name if tunnelled and scheme == "https" else None),
        client=_client(fields),
        now=_now(fields, default_now),
        http_version=_text(fields, "http_version") if "http_version" in fields else "HTTP/1.1",
    )


# What a client makes of `s3://BUCKET/KEY`.
_SHAPE: Final = "https://BUCKET.s3.REGION.amazonaws.com/KEY"


def _public(url: str) -> str:
    """A URL without what may be secret in it: a password before the host, a signature in the query."""
    return url.partition("?")[0].rpartition("@")[2]


def _text(fields: Mapping[str, object], name: str) -> str:
    if name not in fields:
        raise UnusableRequest(f"`{name}` is missing")
    return _wire(fields[name], name)


def _nullable(fields: Mapping[str, object], name: str, default: str | None) -> str | None:
    value = fields.get(name, default)
    return None if value is None else _wire(value, name)


def _wire(value: object, name: str) -> str:
    """Text as a head has it: one character a byte. What latin-1 cannot hold was UTF-8 on the wire."""
    if not isinstance(value, str):
        raise UnusableRequest(f"`{name}` is not a string")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        try:
            return value.encode("utf-8").decode("latin-1")
        except UnicodeEncodeError as exc:
            raise UnusableRequest(f"`{name}` has half of a surrogate pair") from exc
    return value


def _cut_port(authority: str) -> tuple[str, int | None]:
    found = _PORT.fullmatch(authority)
    if found is None or len(found[2]) > len("65535"):
        return authority, None
    return found[1], int(found[2])


def _headers(fields: Mapping[str, object], authority: str, scheme: str) -> tuple[tuple[str, str], ...]:
    if "headers" not in fields:
        name, port = _cut_port(authority)
        return (("Host", name if port == _DEFAULT_PORTS[scheme] else authority),)
    given = fields["headers"]
    pairs: list[object] = []
    if isinstance(given, Mapping):
        pairs = [list(pair) for pair in given.items()]
    elif isinstance(given, list):
        pairs = given
    else:
        raise UnusableRequest("`headers` is neither a list of pairs nor an object")
    headers = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise UnusableRequest("`headers` holds something that is not a pair of name and value")
        headers.append((_wire(pair[0], "headers"), _wire(pair[1], "headers")))
    return tuple(headers)


def _client(fields: Mapping[str, object]) -> Client:
    address = _text(fields, "client") if "client" in fields else "127.0.0.1"
    try:
        ip_address(address)
    except ValueError as exc:
        raise UnusableRequest(f"`client` {quote(address)} is not an IP address") from exc
    return Client(
        address=address,
        user=_nullable(fields, "user", None),
        vpc_endpoint=_nullable(fields, "vpc_endpoint", None),
    )


def _now(fields: Mapping[str, object], default: datetime) -> datetime:
    if "now" not in fields:
        return default
    text = _text(fields, "now")
    try:
        now = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UnusableRequest(f"`now` {quote(text)} is not a time of ISO 8601") from exc
    return now if now.tzinfo is not None else now.replace(tzinfo=UTC)

"""What one signature says: its maker, scope, age and what it covers.

`credential.py` finds the parts in header or query; this file turns them into a value.
Nothing is verified: S3 verifies the signature against the secret of exactly this key id.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from s3gate.s3.access_key import account_of
from s3gate.s3.head import Head
from s3gate.s3.refusal import MalformedRequest
from s3gate.s3.signing_names import SECURITY_TOKEN, SESSION_TOKEN
from s3gate.s3.signing_time import parse_amazon_date, parse_http_date

SCOPES_REMEMBERED: Final = 512
"""Credential scopes and lists of signed headers whose reading is remembered; neither is a secret."""

MAX_SIGNED_CHARACTERS: Final = 8192
"""Characters of SignedHeaders: S3 takes 8 KB of headers, so their names are fewer."""

# IAM: an access key id is 16 to 128 word characters; emulators take shorter ones, which tell no account.
KEY_ID: Final = r"[A-Za-z0-9_-]{1,128}"
_WORD = r"[a-z0-9-]{1,64}"
# SigV4 reference: key/yyyymmdd/region/service/aws4_request; SigV4A leaves the region out.
_V4: Final = re.compile(rf"({KEY_ID})/([0-9]{{8}})/({_WORD})/({_WORD})/aws4_request", re.ASCII)
_V4A: Final = re.compile(rf"({KEY_ID})/([0-9]{{8}})/()({_WORD})/aws4_request", re.ASCII)
# RFC 9110 tokens without upper case, `;` between
_SIGNED: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*", re.ASCII)
# The digest S3 takes unsigned; what the client is called decides nothing.
_HARMLESS_UNSIGNED: Final = frozenset({"x-amz-content-sha256", "x-amz-user-agent"})
_REGIONS: Final = re.compile(r"[a-z0-9*-]{1,64}(?:,[a-z0-9*-]{1,64})*", re.ASCII)


class SignatureVersion(StrEnum):
    """How a request is signed."""

    V4 = "v4"
    V4A = "v4a"
    V2 = "v2"
    EXPRESS = "express"


ALGORITHMS: Final = {
    "AWS4-HMAC-SHA256": SignatureVersion.V4,
    "AWS4-ECDSA-P256-SHA256": SignatureVersion.V4A,
}


@dataclass(frozen=True, slots=True)
class Credential:
    """What a signature says about its maker.

    Args:
        version: the signing scheme; `express` when a session token of CreateSession is used.
        presigned: whether it stands in the query.
        access_key_id: as written.
        account: twelve digits, None when the key id does not tell.
        date: yyyymmdd of the scope, None for SigV2.
        region: of the scope, None for SigV2 and SigV4A.
        region_set: SigV4A's regions, may hold `*`.
        service: of the scope, None for SigV2.
        signed_headers: lower-case names that the signature covers; a presigned SigV4 one covers its
            query too.
        signed_at: UTC, None when the request does not say.
        expires_at: UTC, of a presigned request.
        has_session_token: whether temporary credentials are used.
        uncovered: a header that S3 wants signed and the signature does not cover, or None.
    """

    version: SignatureVersion
    presigned: bool
    access_key_id: str
    account: str | None
    date: str | None = None
    region: str | None = None
    region_set: tuple[str, ...] = ()
    service: str | None = None
    signed_headers: frozenset[str] = frozenset()
    signed_at: datetime | None = None
    expires_at: datetime | None = None
    has_session_token: bool = False
    uncovered: str | None = None


class Signed(NamedTuple):
    """The parts of a SigV4 or SigV4A signature, from header or query.

    Args:
        algorithm: one of `ALGORITHMS`, as written.
        credential: key id and scope.
        signed_headers: names with `;` between.
        date: value of X-Amz-Date, None to take the Date header.
        expires: lifetime of a presigned request in seconds, None otherwise.
        region_set: value of X-Amz-Region-Set in the query, None to take the header.
        tokens: names of token parameters in the query.
    """

    algorithm: str
    credential: str
    signed_headers: str
    date: str | None
    expires: int | None = None
    region_set: str | None = None
    tokens: tuple[str, ...] = ()


def read_v4(parts: Signed, head: Head) -> Credential:
    """The credential of a SigV4, SigV4A or S3 Express signature.

    Args:
        parts: what the signature writes.
        head: the headers it covers.

    Raises:
        MalformedRequest: a part has not its grammar, or the parts contradict each other.
    """
    headers = head.headers
    return _read_v4(
        parts,
        headers.get("x-amz-date"),
        headers.get("date"),
        headers.get("x-amz-region-set", ""),
        SESSION_TOKEN in headers,
        SECURITY_TOKEN in headers,
        head.amazon,
    )


@lru_cache(maxsize=SCOPES_REMEMBERED)
def _read_v4(
    parts: Signed,
    amazon_date: str | None,
    http_date: str | None,
    region_set: str,
    has_session: bool,
    has_token: bool,
    amazon: tuple[str, ...],
) -> Credential:
    """The same for all requests of one second with the same names of headers: no signature, no token."""
    version = ALGORITHMS.get(parts.algorithm)
    if version is None:
        raise MalformedRequest("the signing algorithm is not one of S3's; it knows AWS4-HMAC-SHA256")
    asymmetric = version is SignatureVersion.V4A
    key, date, day, region, service, account = _read_scope(parts.credential, asymmetric)
    signed = _read_signed_headers(parts.signed_headers)
    written = parts.date if parts.date is not None else amazon_date
    signed_at = parse_http_date(http_date or "") if written is None else parse_amazon_date(written)
    if signed_at is None or (signed_at.year, signed_at.month, signed_at.day) != day:
        raise MalformedRequest("the date of the request is missing, malformed or not that of the credential")
    express = has_session or SESSION_TOKEN in parts.tokens
    return Credential(
        SignatureVersion.EXPRESS if express else version,
        parts.expires is not None,
        key,
        account,
        date,
        region,
        _read_region_set(parts, region_set) if asymmetric else (),
        service,
        signed,
        signed_at,
        None if parts.expires is None else signed_at + timedelta(seconds=parts.expires),
        express or has_token or SECURITY_TOKEN in parts.tokens,
        _find_uncovered(amazon, signed),
    )


def read_v2(key: str, head: Head, tokens: tuple[str, ...], expires_at: datetime | None) -> Credential:
    """The credential of a SigV2 signature, which covers every x-amz- header and three more, never the Host.

    Args:
        key: access key id, its grammar checked.
        head: the headers it covers.
        tokens: names of token parameters in the query.
        expires_at: UTC, of a presigned request.
    """
    date = head.headers.get("x-amz-date") or head.headers.get("date") or ""
    return Credential(
        SignatureVersion.V2,
        expires_at is not None,
        key,
        account_of(key),
        signed_headers=frozenset(head.amazon) | {"content-md5", "content-type", "date"},
        signed_at=parse_http_date(date) or parse_amazon_date(date),
        expires_at=expires_at,
        has_session_token=bool(tokens) or SECURITY_TOKEN in head.headers,
    )


class _Scope(NamedTuple):
    key: str
    date: str
    day: tuple[int, int, int]
    region: str | None
    service: str
    account: str | None


@lru_cache(maxsize=SCOPES_REMEMBERED)
def _read_scope(text: str, asymmetric: bool) -> _Scope:
    """Read key id and scope."""
    match = (_V4A if asymmetric else _V4).fullmatch(text)
    if match is None:
        raise MalformedRequest("the credential is not `key/yyyymmdd/region/service/aws4_request`")
    key, date, region, service = match.groups()
    noon = parse_amazon_date(f"{date}T120000Z")
    if noon is None:
        raise MalformedRequest("the credential names a day that is not in the calendar")
    return _Scope(key, date, (noon.year, noon.month, noon.day), region or None, service, account_of(key))


@lru_cache(maxsize=SCOPES_REMEMBERED)
def _read_signed_headers(text: str) -> frozenset[str]:
    if len(text) > MAX_SIGNED_CHARACTERS or _SIGNED.fullmatch(text) is None:
        raise MalformedRequest("SignedHeaders is not a list of lower-case names with `;` between them")
    signed = frozenset(text.split(";"))
    if "host" not in signed:
        raise MalformedRequest("the signature does not cover the Host header")
    return signed


def _read_region_set(parts: Signed, header: str) -> tuple[str, ...]:
    text = parts.region_set if parts.region_set is not None else header
    if _REGIONS.fullmatch(text) is None:
        raise MalformedRequest("a SigV4A request names its regions in X-Amz-Region-Set")
    return tuple(text.split(","))


def _find_uncovered(amazon: tuple[str, ...], signed: frozenset[str]) -> str | None:
    """S3 answers 403 to x-amz- headers outside the signature, except the body's digest."""
    for name in amazon:
        if name not in signed and name not in _HARMLESS_UNSIGNED:
            return name
    return None

"""Who signed: the access key id, its account and the scope, read without any secret.

The normal case is `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
Signature=…`; the same in the query of a presigned URL; SigV4A without a region; SigV2
in either place; an S3 Express session. A request without any of them is anonymous.
Nothing is verified here: S3 verifies the signature against the secret of exactly this
access key id, so if S3 accepts the request, what was read is true.

Signatures and tokens are looked at for their presence and never leave this file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from s3gate.s3.head import Head
from s3gate.s3.query import Query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest
from s3gate.s3.signing_names import SECURITY_TOKEN, SESSION_TOKEN, V2_QUERY, V4_QUERY
from s3gate.s3.signing_time import parse_amazon_date, parse_http_date

MAX_EXPIRES_S: Final = 604_800
"""Seconds: a presigned SigV4 URL lives seven days at most (S3 API reference, X-Amz-Expires)."""

# IAM: an access key id is 16 to 128 word characters; emulators take shorter ones, which tell no account.
_KEY_ID = r"(?P<key>[A-Za-z0-9_-]{1,128})"
_WORD = r"[a-z0-9-]{1,64}"
_SCOPE_V4: Final = re.compile(
    rf"{_KEY_ID}/(?P<date>[0-9]{{8}})/(?P<region>{_WORD})/(?P<service>{_WORD})/aws4_request", re.ASCII
)
_SCOPE_V4A: Final = re.compile(rf"{_KEY_ID}/(?P<date>[0-9]{{8}})/(?P<service>{_WORD})/aws4_request", re.ASCII)
_V2: Final = re.compile(rf"AWS {_KEY_ID}:[A-Za-z0-9+/]{{1,128}}={{0,2}}", re.ASCII)
# One parameter of an Authorization value; S3 takes blanks around the comma.
_PARAMETER: Final = re.compile(r"(?P<name>[A-Za-z]+)=(?P<value>[^\s,]+)", re.ASCII)
_SIGNED: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*", re.ASCII)
_REGIONS: Final = re.compile(r"[a-z0-9*-]{1,64}(?:,[a-z0-9*-]{1,64})*", re.ASCII)
_ALGORITHMS: Final = {"AWS4-HMAC-SHA256": "v4", "AWS4-ECDSA-P256-SHA256": "v4a"}
_PARAMETERS: Final = {"Credential", "SignedHeaders", "Signature"}

# RFC 4648 base32 digits as the digits of Python's base 32, so that int() decodes.
_BASE32: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")
_ACCOUNT_KEY: Final = re.compile(r"(?:AKIA|ASIA)[Q-Z2-7][A-Z2-7]{15}", re.ASCII)


class SignatureVersion(StrEnum):
    """How a request is signed."""

    V4 = "v4"
    V4A = "v4a"
    V2 = "v2"
    EXPRESS = "express"


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
        signed_headers: lower-case names that the signature covers; a presigned one covers its query too.
        signed_at: UTC, None when the request does not say.
        expires_at: UTC, of a presigned request.
        has_session_token: whether temporary credentials are used.
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


def read_credential(head: Head, query: Query) -> Credential | None:
    """Read who signed.

    Args:
        head: the headers.
        query: the target's query.

    Returns:
        The credential, or None for an anonymous request.

    Raises:
        MalformedRequest: an unknown scheme, a broken credential, two schemes at once.
        AmbiguousTarget: a signature parameter that is repeated or misspelled in case.
    """
    authorization = head.headers.get("authorization")
    v4, v2, tokens = _find_parameters(query) if query.values else (False, False, ())
    if (authorization is not None) + v4 + v2 > 1:
        raise MalformedRequest("the request is signed in two ways; S3 takes one")
    if authorization is not None:
        return _read_header(authorization, head, tokens)
    if v4:
        return _read_presigned(head, query, tokens)
    if v2:
        return _read_presigned_v2(head, query, tokens)
    if SESSION_TOKEN in head.headers or SECURITY_TOKEN in head.headers or tokens:
        raise MalformedRequest("the request carries a session token but no signature")
    return None


def account_of(access_key_id: str) -> str | None:
    """The account that owns an access key id.

    The 40 bits after the first 8 of the base32 text name it; keys from before 2019 (fifth
    character A to P) do not tell. Source: awsteele.com 2020-09-26, checked there with sts:GetAccessKeyInfo.

    Args:
        access_key_id: as written in the request.

    Returns:
        Twelve digits, or None when the key does not tell.
    """
    if _ACCOUNT_KEY.fullmatch(access_key_id) is None:
        return None
    # Ten base32 digits are 50 bits; the account lies in bits 1 to 40 of the first 48.
    number = (int(access_key_id[4:14].translate(_BASE32), 32) >> 9) & 0xFFFFFFFFFF
    return f"{number:012d}" if number < 10**12 else None


def _find_parameters(query: Query) -> tuple[bool, bool, tuple[str, ...]]:
    """Whether SigV4 and SigV2 parameters are there, and the tokens; misspelled ones are refused."""
    v4 = v2 = False
    tokens: list[str] = []
    for name in query.values:
        folded = name.lower()
        if folded in V4_QUERY:
            if V4_QUERY[folded] != name:
                raise AmbiguousTarget(f"write the signature parameter as `{V4_QUERY[folded]}`")
            query.get(name)
            v4 = v4 or name in {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"}
        elif folded in {SECURITY_TOKEN, SESSION_TOKEN}:
            query.get(name)
            tokens.append(folded)
        elif name in V2_QUERY:
            query.get(name)
            v2 = v2 or name != "Expires"
        elif folded in {"awsaccesskeyid", "signature"}:
            raise AmbiguousTarget("write the signature parameters as `AWSAccessKeyId` and `Signature`")
    return v4, v2, tuple(tokens)


def _read_header(value: str, head: Head, tokens: tuple[str, ...]) -> Credential:
    scheme, _, rest = value.partition(" ")
    if scheme == "AWS":
        match = _V2.fullmatch(value)
        if match is None:
            raise MalformedRequest("the SigV2 Authorization header is not `AWS key:signature`")
        return _signed_by_v2(match["key"], head, tokens, None)
    if scheme not in _ALGORITHMS:
        raise MalformedRequest("the Authorization scheme is not one of AWS; S3 knows AWS4-HMAC-SHA256")
    found: dict[str, str] = {}
    for part in rest.split(","):
        match = _PARAMETER.fullmatch(part.strip(" \t"))
        if match is None or match["name"] in found:
            raise MalformedRequest("a part of the Authorization header is not `Name=value`, or is repeated")
        found[match["name"]] = match["value"]
    return _signed_by_v4(scheme, found, head, head.headers.get("x-amz-date"), tokens)


def _read_presigned(head: Head, query: Query, tokens: tuple[str, ...]) -> Credential:
    values = query.values
    found = {name: values[f"X-Amz-{name}"] for name in _PARAMETERS if f"X-Amz-{name}" in values}
    expires = values.get("X-Amz-Expires", "")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 6 and int(expires) <= MAX_EXPIRES_S):
        raise MalformedRequest(f"X-Amz-Expires is not a number of seconds up to {MAX_EXPIRES_S}")
    region_set = next((value for name, value in values.items() if name.lower() == "x-amz-region-set"), None)
    return _signed_by_v4(
        values.get("X-Amz-Algorithm", ""),
        found,
        head,
        values.get("X-Amz-Date", ""),
        tokens,
        expires=int(expires),
        region_set=region_set,
    )


def _read_presigned_v2(head: Head, query: Query, tokens: tuple[str, ...]) -> Credential:
    key, expires = query.values.get("AWSAccessKeyId", ""), query.values.get("Expires", "")
    match = _V2.fullmatch(f"AWS {key}:{query.values.get('Signature', '')}")
    if match is None or not (expires.isascii() and expires.isdigit() and len(expires) <= 10):
        raise MalformedRequest(
            "the SigV2 query lacks AWSAccessKeyId, Signature or Expires, or one is malformed"
        )
    return _signed_by_v2(key, head, tokens, datetime.fromtimestamp(int(expires), UTC))


def _signed_by_v2(key: str, head: Head, tokens: tuple[str, ...], expires_at: datetime | None) -> Credential:
    """SigV2 covers every x-amz- header and three more, never the Host."""
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


def _signed_by_v4(
    algorithm: str,
    found: Mapping[str, str],
    head: Head,
    date: str | None,
    tokens: tuple[str, ...],
    *,
    expires: int | None = None,
    region_set: str | None = None,
) -> Credential:
    if algorithm not in _ALGORITHMS or found.keys() != _PARAMETERS:
        raise MalformedRequest(
            "a SigV4 signature has a known algorithm, Credential, SignedHeaders and Signature"
        )
    asymmetric = _ALGORITHMS[algorithm] == "v4a"
    scope = (_SCOPE_V4A if asymmetric else _SCOPE_V4).fullmatch(found["Credential"])
    if scope is None:
        raise MalformedRequest("the credential is not `key/yyyymmdd/region/service/aws4_request`")
    signed = _read_signed_headers(found["SignedHeaders"])
    signed_at = parse_amazon_date(date) if date is not None else parse_http_date(head.get("date") or "")
    if signed_at is None or f"{signed_at:%Y%m%d}" != scope["date"]:
        raise MalformedRequest("the date of the request is missing, malformed or not that of the credential")
    service = scope["service"]
    if service.startswith("s3"):
        _refuse_unsigned(head, signed)
    express = SESSION_TOKEN in head.headers or SESSION_TOKEN in tokens
    version = SignatureVersion.V4A if asymmetric else SignatureVersion.V4
    return Credential(
        SignatureVersion.EXPRESS if express else version,
        expires is not None,
        scope["key"],
        account_of(scope["key"]),
        scope["date"],
        None if asymmetric else scope["region"],
        _read_region_set(region_set or head.get("x-amz-region-set") or "") if asymmetric else (),
        service,
        signed,
        signed_at,
        None if expires is None else signed_at + timedelta(seconds=expires),
        express or SECURITY_TOKEN in tokens or SECURITY_TOKEN in head.headers,
    )


def _read_signed_headers(text: str) -> frozenset[str]:
    if _SIGNED.fullmatch(text) is None:
        raise MalformedRequest("SignedHeaders is not a list of lower-case names with `;` between them")
    signed = frozenset(text.split(";"))
    if "host" not in signed:
        raise MalformedRequest("the signature does not cover the Host header")
    return signed


def _read_region_set(text: str) -> tuple[str, ...]:
    if _REGIONS.fullmatch(text) is None:
        raise MalformedRequest("a SigV4A request names its regions in X-Amz-Region-Set")
    return tuple(text.split(","))


def _refuse_unsigned(head: Head, signed: frozenset[str]) -> None:
    """S3 answers 403 to x-amz- headers outside the signature, except the body's digest; we do before it."""
    for name in head.amazon:
        if name not in signed and name != "x-amz-content-sha256":
            raise MalformedRequest(f"header `{name[:64]}` is not covered by the signature; S3 refuses it")

"""Who signed: find the one signature of a request and read it, without any secret.

The normal case is `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
Signature=…`; the same in the query of a presigned URL; SigV4A without a region; SigV2
in either place; an S3 Express session. A request without any of them is anonymous.
Signatures and tokens are looked at for their presence and never leave this file.
"""

import re
from datetime import UTC, datetime
from typing import Final

from s3gate.s3.access_key import account_of
from s3gate.s3.head import Head
from s3gate.s3.query import Query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest
from s3gate.s3.signature import KEY_ID, Credential, SignatureVersion, Signed, read_v2, read_v4
from s3gate.s3.signing_names import REGION_SET, SECURITY_TOKEN, SESSION_TOKEN, V2_QUERY, V4_QUERY

__all__ = ["Credential", "SignatureVersion", "account_of", "read_credential"]

MAX_EXPIRES_S: Final = 604_800
"""Seconds: a presigned SigV4 URL lives seven days at most (S3 API reference, X-Amz-Expires)."""

# S3 API reference, Authorization header; every SDK writes the three parts in this order.
_HEADER: Final = re.compile(
    r"(AWS4-[A-Z0-9-]{1,32}) +Credential=([^\s,=]+) *, *SignedHeaders=([^\s,=]+) *, *Signature=[^\s,]+",
    re.ASCII,
)
# S3 developer guide, RESTAuthentication: "AWS" key ":" base64 of a SHA-1
_V2: Final = re.compile(rf"AWS ({KEY_ID}):[A-Za-z0-9+/]{{1,128}}={{0,2}}", re.ASCII)
# Seconds since 1970, ten digits: until the year 2286
_EPOCH: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)

_V4_SIGNS: Final = frozenset({"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"})
_V2_SIGNS: Final = frozenset({"AWSAccessKeyId", "Signature"})
_TOKENS: Final = frozenset({SECURITY_TOKEN, SESSION_TOKEN})
_SIGNING: Final = _TOKENS | V4_QUERY.keys() | V2_QUERY.keys()


def read_credential(head: Head, query: Query) -> Credential | None:
    """Read who signed.

    Args:
        head: the headers.
        query: the target's query.

    Returns:
        The credential, or None for an anonymous request.

    Raises:
        MalformedRequest: an unknown scheme, a broken credential, two signatures, a token without one.
        AmbiguousTarget: a signature parameter that is repeated or misspelled in case.
    """
    authorization = head.headers.get("authorization")
    tokens = _find_tokens(query) if query.values else ()
    v4, v2 = not _V4_SIGNS.isdisjoint(query.values), not _V2_SIGNS.isdisjoint(query.values)
    if (authorization is not None) + v4 + v2 > 1:
        raise MalformedRequest("the request is signed in two ways; S3 takes one")
    if authorization is not None:
        return _read_header(authorization, head, tokens)
    if v4:
        return _read_presigned(head, query, tokens)
    if v2:
        return _read_presigned_v2(head, query, tokens)
    if tokens or not _TOKENS.isdisjoint(head.headers):
        raise MalformedRequest("the request carries a session token but no signature")
    return None


def _find_tokens(query: Query) -> tuple[str, ...]:
    """The token parameters; a signature parameter with two readings, or in another case, is refused."""
    tokens: list[str] = []
    for name in query.values:
        folded = name.lower()
        if folded not in _SIGNING:
            continue
        right = V4_QUERY.get(folded) or V2_QUERY.get(folded)
        if right is not None and right != name and folded != "expires":
            raise AmbiguousTarget(f"write the signature parameter as `{right}`")
        if folded in _TOKENS:
            tokens.append(folded)
        if name in query.doubtful:
            query.get(name)
    if len(tokens) > len(set(tokens)):
        raise AmbiguousTarget("a session token is given twice")
    return tuple(tokens)


def _read_header(value: str, head: Head, tokens: tuple[str, ...]) -> Credential:
    match = _HEADER.fullmatch(value)
    if match is not None:
        return read_v4(Signed(match[1], match[2], match[3], None, tokens=tokens), head)
    match = _V2.fullmatch(value)
    if match is not None:
        return read_v2(match[1], head, tokens, None)
    raise MalformedRequest(
        "the Authorization header is not `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`"
    )


def _read_presigned(head: Head, query: Query, tokens: tuple[str, ...]) -> Credential:
    values = query.values
    missing = V4_QUERY.values() - values.keys()
    if missing or not values["X-Amz-Signature"]:
        raise MalformedRequest(f"the presigned query lacks {', '.join(sorted(missing)) or 'its signature'}")
    expires = values["X-Amz-Expires"]
    if _SECONDS.fullmatch(expires) is None or int(expires) > MAX_EXPIRES_S:
        raise MalformedRequest(f"X-Amz-Expires is not a number of seconds up to {MAX_EXPIRES_S}")
    region_set = next((value for name, value in values.items() if name.lower() == REGION_SET), None)
    parts = Signed(
        values["X-Amz-Algorithm"],
        values["X-Amz-Credential"],
        values["X-Amz-SignedHeaders"],
        values["X-Amz-Date"],
        int(expires),
        region_set,
        tokens,
    )
    return read_v4(parts, head)


def _read_presigned_v2(head: Head, query: Query, tokens: tuple[str, ...]) -> Credential:
    key, signature, expires = (
        query.values.get(name, "") for name in ("AWSAccessKeyId", "Signature", "Expires")
    )
    if _V2.fullmatch(f"AWS {key}:{signature}") is None or _EPOCH.fullmatch(expires) is None:
        raise MalformedRequest(
            "the SigV2 query lacks AWSAccessKeyId, Signature or Expires, or one is malformed"
        )
    return read_v2(key, head, tokens, datetime.fromtimestamp(int(expires), UTC))

"""What a client chose, made fit for a record: secrets out, surrogates out, length bounded.

A target keeps its path; of its query it keeps the names, and the values of those
S3 parameters that are known to carry no secret. Every other value becomes
`[12 bytes]`. A text that repeats a secret of the same request (its signature,
session token, cookie, customer key) has it replaced, wherever it stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Final, Self
from urllib.parse import unquote

from s3gate.audit.key_form import FULL, HIDDEN_PATH, KEY_PARAMETERS, KeyForm
from s3gate.policy.reading import Request

TEXT_LIMIT: Final = 2048  # characters: twice the longest S3 key (1,024 bytes), the rest is hashed
NAME_LIMIT: Final = 512  # characters: twice the longest DNS name (RFC 1035: 255)
SECRET_LENGTH: Final = 8  # characters: shorter values are words, not secrets; replacing them would garble
SECRETS_MAX: Final = 64  # of one request: no SDK sends more than five, and each is looked for in every text
PARAMETERS_READ: Final = 1000  # of one query: S3's longest has about thirty
PARAMETERS_SHOWN: Final = 200
REDACTED: Final = "[redacted]"

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-amz-security-token",
        "x-amz-s3session-token",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-server-side-encryption-customer-key-md5",
        "x-amz-copy-source-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key-md5",
    }
)
# Every query parameter of S3 that carries a secret has one of these in its name, also in a misspelt name:
# X-Amz-Signature, Signature (SigV2), X-Amz-Security-Token, X-Amz-S3session-Token, …-customer-key.
SECRET_WORDS: Final = ("signature", "-token", "customer-key", "authorization")
_SECRET_WORD = re.compile("|".join(map(re.escape, SECRET_WORDS)), re.IGNORECASE)
# Values an operator needs and that hold no secret: S3 API query parameters and the public half of SigV4.
SHOWN_PARAMETERS: Final = frozenset(
    {
        "list-type",
        "prefix",
        "delimiter",
        "max-keys",
        "marker",
        "start-after",
        "encoding-type",
        "fetch-owner",
        "key-marker",
        "version-id-marker",
        "upload-id-marker",
        "max-uploads",
        "max-parts",
        "part-number-marker",
        "uploadid",
        "partnumber",
        "versionid",
        "x-id",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-content-sha256",
        "awsaccesskeyid",
        "expires",
        "acl",
        "tagging",
        "policy",
        "cors",
        "lifecycle",
        "website",
        "logging",
        "notification",
        "replication",
        "versioning",
        "location",
        "uploads",
        "delete",
        "versions",
        "requestpayment",
    }
)
# A parameter name as S3 and its SDKs write them; anything else is shown by its length only.
_PARAMETER = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
# `name=value` or `name: value` of a signature, token or customer key inside free text, also percent-encoded.
_ASSIGNMENT = re.compile(
    r"(signature|security-token|s3session-token|customer-key(?:-md5)?)(=|:\s?|%3d|%253d)([^&;,\s\"'`]+)",
    re.ASCII | re.IGNORECASE,
)
# The end of an authority inside an absolute-form target (RFC 3986 section 3.2).
_AUTHORITY_END = re.compile(r"[/?#]", re.ASCII)


def cap(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text itself, or its beginning with the length and SHA-256 of the rest.

    Args:
        text: any text, lone surrogates included.
        limit: characters that are kept.

    Returns:
        Text that encodes to UTF-8: a lone surrogate becomes its escape, as text.
    """
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= limit:
        return text
    rest = text[limit:]
    return f"{text[:limit]}...[+{len(rest)} characters sha256:{sha256(rest.encode()).hexdigest()}]"


def split_query(query: str) -> Iterator[tuple[str, str, bool]]:
    """The raw pairs of a query, cut at `&` and `;`: (name, value, whether `=` was there)."""
    for part in query.replace(";", "&").split("&", PARAMETERS_READ)[:PARAMETERS_READ]:
        name, equals, value = part.partition("=")
        yield name, value, bool(equals)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Makes the client's texts of one request fit for its record.

    Args:
        secrets: the values of this request that may appear nowhere, longest first.
        keys: how object keys are shown.
    """

    secrets: tuple[str, ...]
    keys: KeyForm = FULL

    @classmethod
    def of(cls, request: Request, keys: KeyForm = FULL) -> Self:
        """The redactor that knows the secrets of `request`."""
        found: dict[str, None] = {}  # in the order of the request: its headers first
        for name, value in request.headers:
            if name.lower() in SECRET_HEADERS:
                found.update(dict.fromkeys(_header_secrets(name.lower(), value)))
        _, mark, query = request.target.partition("?")
        if mark:
            for name, value, _ in split_query(query):
                if any(word in unquote(name).lower() for word in SECRET_WORDS):
                    found.update({value: None, unquote(value): None})
            for assigned in islice(_ASSIGNMENT.finditer(query), SECRETS_MAX):  # where no reader sees a name
                found[assigned[3]] = None
        secrets = [text for text in found if len(text) >= SECRET_LENGTH][:SECRETS_MAX]
        return cls(tuple(sorted(secrets, key=len, reverse=True)), keys)

    def text(self, text: str | None, limit: int = TEXT_LIMIT) -> str | None:
        """One text without secrets, within `limit` characters; None stays None."""
        if text is None:
            return None
        text = self._clean(text)
        return text if len(text) <= limit and text.isascii() else cap(text, limit)

    def authority(self, text: str | None) -> str | None:
        """An authority without its userinfo."""
        if text is None:
            return None
        return self.text(_without_userinfo(text), NAME_LIMIT)

    def target(self, target: str) -> str | None:
        """A request target: the path, the names of its query, and harmless values."""
        path, mark, query = target.partition("?")
        if not path.startswith("/"):
            scheme, slashes, rest = path.partition("://")
            authority = _AUTHORITY_END.split(rest, maxsplit=1)[0] if slashes else ""
            if authority:
                path = f"{scheme}://{_without_userinfo(authority)}{rest[len(authority) :]}"
            elif not slashes:
                path = _without_userinfo(path)
        if not self.keys.whole:
            path = HIDDEN_PATH
        pairs = islice(split_query(query), PARAMETERS_SHOWN) if mark else ()
        shown = "&".join(self._parameter(*pair) for pair in pairs)
        return cap(f"{self._clean(path)}{mark}{shown}")

    def _clean(self, text: str) -> str:
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        if _SECRET_WORD.search(text):
            text = _ASSIGNMENT.sub(rf"\1\2{REDACTED}", text)
        return text

    def _parameter(self, name: str, value: str, equals: bool) -> str:
        """One query pair as a record shows it."""
        if not name and not equals:
            return ""
        plain = self._clean(unquote(name))
        shown = plain if _PARAMETER.fullmatch(plain) else f"[{len(name)} bytes]"
        if not equals:
            return shown
        kept = plain.lower() in SHOWN_PARAMETERS or not value
        kept = kept and (self.keys.whole or plain.lower() not in KEY_PARAMETERS)
        return f"{shown}={self._clean(value) if kept else f'[{len(value)} bytes]'}"


def _without_userinfo(authority: str) -> str:
    """An authority whose userinfo (RFC 3986 section 3.2.1: what stands before the last `@`) is hidden."""
    _, at, host = authority.rpartition("@")
    return f"{REDACTED}@{host}" if at else authority


def _header_secrets(name: str, value: str) -> Iterator[str]:
    """The secret parts of a header: a signature, a password, a cookie's values, or the whole."""
    if name == "cookie":
        for pair in value.split(";"):
            yield pair.partition("=")[2].strip()
        return
    if name in {"authorization", "proxy-authorization"}:
        _, found, signature = value.partition("Signature=")
        if found:  # SigV4: Credential=…, SignedHeaders=…, Signature=<hex>
            yield signature.partition(",")[0].strip()
            return
        scheme, _, credentials = value.strip().partition(" ")
        if scheme == "AWS":  # SigV2: AWS <access key id>:<signature>
            credentials = credentials.partition(":")[2] or credentials
        yield (credentials or scheme).strip()
        return
    yield value.strip()

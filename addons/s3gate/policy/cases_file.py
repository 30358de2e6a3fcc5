"""The cases file, version 1, as pydantic models: a request each, and the reason it must get.

Normally every case says `method`, `url` and the reason. Requests are described as in
`explain --jsonl`: absent is not null there, and `null` is the word for nothing. The JSON
Schema for editors is generated from these models; `cases.py` turns them into values.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from s3gate.policy.decision import Reason
from s3gate.policy.described_request import UnusableRequest, build_request
from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.policy_file import Filled
from s3gate.policy.shape import Section
from s3gate.policy.spelling import NAME_PATTERN, parse_name
from s3gate.policy.suggestion import nearest

NOTHING: Final = "null"
"""The word for nothing: a scalar is the text that was written, as in every document of ours."""

NAME_CHARS: Final = 200
"""Characters of a case's name: one sentence, on one line."""

# IAM API reference, AccessKey, AccessKeyId: 16 to 128 word characters.
KEY_ID_PATTERN: Final = r"[A-Za-z0-9_]{16,128}"
_KEY_ID: Final = re.compile(KEY_ID_PATTERN, re.ASCII)

_REASONS: Final = tuple(Reason.__members__)
_PAIR: Final = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


_EPOCH: Final = datetime.fromtimestamp(0, UTC)
# S3 API reference, "Authenticating Requests: Using Query Parameters"; the second is that of version 2.
_PRESIGNED: Final = ("x-amz-signature=", "signature=")


def _or_nothing(value: object) -> object:
    return None if value == NOTHING else value


def _code(text: str) -> str:
    if text in _REASONS:
        return text
    right = nearest(text, _REASONS)
    hint = f"write `{right}`" if right else "the reasons are listed in README.md"
    raise Misspelling(f"{quote(text)} is no reason", hint)


def _sentence(text: str) -> str:
    if not text or len(text) > NAME_CHARS or not text.isprintable():
        raise Misspelling(
            f"{quote(text)} is not 1 to {NAME_CHARS} characters on one line", "name it by what it shows"
        )
    return text


def _time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as exc:
        raise Misspelling(
            f"{quote(text)} is not a time of ISO 8601", 'write one like "2026-07-01T00:00:00Z"'
        ) from exc
    return text


def _rule(text: str | None) -> str | None:
    return None if text is None else parse_name(text)


def _key_id(text: str | None) -> str | None:
    if text is not None and not _KEY_ID.fullmatch(text):  # it may be a secret: not repeated
        raise Misspelling("not an access key id", "write one like `AKIARTX3GSDSQAAACAQD`, never a secret key")
    return text


def _headers(value: object) -> object:
    pairs = [list(pair) for pair in value.items()] if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
        for pair in pairs
    ):
        raise Misspelling("headers are pairs of name and value", "write `{Host: …}` or `[[Host, …]]`")
    return value


def _text(**shape: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **shape})


def _text_or_null(**shape: object) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "null"], **shape})


type Code = Annotated[str, AfterValidator(_code), _text(enum=_REASONS)]
type Sentence = Annotated[str, AfterValidator(_sentence), _text(minLength=1, maxLength=NAME_CHARS)]
type Time = Annotated[str, AfterValidator(_time)]
type MaybeText = Annotated[str | None, BeforeValidator(_or_nothing), _text_or_null()]
type MaybeRule = Annotated[
    str | None,
    BeforeValidator(_or_nothing),
    AfterValidator(_rule),
    _text_or_null(pattern=f"^{NAME_PATTERN}$"),
]
type MaybeKeyId = Annotated[
    str | None,
    BeforeValidator(_or_nothing),
    AfterValidator(_key_id),
    _text_or_null(pattern=f"^{KEY_ID_PATTERN}$"),
]
type Headers = Annotated[
    dict[str, str] | list[list[str]] | None,
    BeforeValidator(_headers),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": "string"}},
                {"type": "array", "items": _PAIR},
            ]
        }
    ),
]


class RequestEntry(Section):
    """A request, in the fields of `explain --jsonl`; what is absent comes from the URL."""

    method: str
    """HTTP method."""
    url: str
    """Raw: path and query are used as they stand."""
    headers: Headers = Field(default=None)
    """A mapping, or a list of pairs; the only ones then: Host too. Absent: Host from the URL."""
    connect: MaybeText = None
    """Authority of the CONNECT; null: clear text, no tunnel."""
    sni: MaybeText = None
    """Server name of the ClientHello; null: none."""
    client: str = "127.0.0.1"
    """Address of the client."""
    user: MaybeText = None
    """Proxy user."""
    vpc_endpoint: MaybeText = None
    """Id of the VPC endpoint that the client came through."""
    now: Time | None = None
    """The clock of this case alone, ISO 8601."""
    http_version: str = "HTTP/1.1"
    """As sent."""

    @model_validator(mode="after")
    def _describes_a_request(self) -> Self:
        try:
            build_request(self.fields(), _EPOCH)
        except UnusableRequest as exc:
            raise Misspelling(str(exc), "the fields are those of `s3gate explain --jsonl`") from exc
        return self

    def fields(self) -> Mapping[str, object]:
        """What the file says, without what it leaves out."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    @property
    def is_signed(self) -> bool:
        """Whether the request brings a signature of its own, in a header or presigned."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers or ()
        query = self.url.partition("?")[2].lower()
        return any(str(name).lower() == "authorization" for name, _ in pairs) or any(
            one.startswith(_PRESIGNED) for one in query.split("&")
        )


class ExpectEntry(Section):
    """What the policy must say; what is absent is not compared."""

    reason: Code
    """The code of the decision."""
    rule: MaybeRule = None
    """Id of the rule that decided; null: none."""
    would_deny: Code | None = None
    """With MONITOR_ONLY, the reason that enforcement would give."""


class CaseEntry(Section):
    """One request and what becomes of it."""

    name: Sentence
    """What the case shows; unique in the file."""
    request: RequestEntry
    """What is asked."""
    key_id: MaybeKeyId = None
    """Access key id that signs this request instead; null: none adds a signature."""
    expect: ExpectEntry
    """What the policy must say."""


class CasesFile(Section):
    """s3gate policy cases, version 1: what a policy must decide, request by request."""

    version: Annotated[Literal["1"], WithJsonSchema({"enum": [1, "1"]})]
    """Version of this format."""
    now: Time
    """The clock of every case, ISO 8601: the same two files always give the same answer."""
    key_id: MaybeKeyId = None
    """Access key id that signs every case which does not say another; the account is read from it."""
    cases: Filled[CaseEntry]
    """The cases."""

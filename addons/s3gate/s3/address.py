"""(endpoint, raw path) → the bucket and the key that S3 would take, or a typed refusal.

The normal case: `/incoming/a.csv` on `b.s3.eu-west-1.amazonaws.com` is key
`incoming/a.csv` of bucket `b`; on `s3.eu-west-1.amazonaws.com` it is `/b/incoming/a.csv`.
S3 decodes the path once and resolves neither `.` nor `..` nor `//`; what another reader
could take for another bucket is refused.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from s3gate.s3.bucket import MAX_LEGACY_BUCKET_CHARS, alias_kind, is_legacy_bucket_name
from s3gate.s3.endpoint import Endpoint, EndpointClass
from s3gate.s3.host import quoted
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest
from s3gate.s3.service import ACCESS_POINT_LABEL

MAX_KEY_BYTES: Final = 1024  # AWS, "Naming Amazon S3 objects": UTF-8 bytes of a key
# A slash, the longest bucket of a path, a slash, and a key with every byte percent-encoded.
MAX_PATH_CHARS: Final = len("/") + MAX_LEGACY_BUCKET_CHARS + len("/") + MAX_KEY_BYTES * len("%00")
SOAP: Final = "soap"  # AWS, "Virtual hosting of general purpose buckets": the path of S3's SOAP endpoint

# A raw path: RFC 3986 section 3.3 pchar and `/`, every `%` with two hex digits, and beyond it the
# printable ASCII that clients such as curl send as it stands: `"<>[]^`{|}`. They have one reading.
# Controls, space, raw bytes above 0x7E, `\`, `#` and `?` have none, or more than one.
_NO_PATH: Final = r"\\#?\x00-\x20\x7f-\U0010ffff"
_PATH: Final = re.compile(rf"[^%{_NO_PATH}]*(?:%[0-9A-Fa-f]{{2}}[^%{_NO_PATH}]*)*", re.ASCII)
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+", re.ASCII)
_RAW: Final = re.compile(rf"[{_NO_PATH}]", re.ASCII)


class Style(StrEnum):
    """Where the bucket is named."""

    VIRTUAL = "virtual"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class S3Address:
    """What host and path name together.

    Args:
        endpoint: the host, read.
        style: None when no resource is named in a bucket's place.
        bucket: what stands in the bucket's slot; None at a service root and where an access
            point, an account or a route stands in the host.
        key: decoded once; None when the bucket itself is meant.
        special: why the resource is no general purpose bucket: a class (`access-point`, `mrap`,
            `object-lambda`, `outposts`, `control`) or a kind of `bucket.ALIAS_SUFFIXES`; else None.
        space_key: the key with a space for each raw `+`: S3 takes it for a space, most other
            readers for a plus; None when both agree.
        soap: the path is `/soap`: a POST there is S3's SOAP endpoint, whose body names the bucket.
    """

    endpoint: Endpoint
    style: Style | None
    bucket: str | None
    key: str | None
    special: str | None
    space_key: str | None = None
    soap: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key a reader could take: a rule that limits keys must match them all."""
        if self.key is None:
            return ()
        return (self.key,) if self.space_key is None else (self.key, self.space_key)


# Hosts whose label is no bucket.
_NO_BUCKET: Final = (
    EndpointClass.ACCESS_POINT,
    EndpointClass.MRAP,
    EndpointClass.OBJECT_LAMBDA,
    EndpointClass.OUTPOSTS,
    EndpointClass.CONTROL,
)
_NO_BUCKET_AT_ALL: Final = frozenset(_NO_BUCKET)


def parse_address(endpoint: Endpoint, path: str) -> S3Address:
    """Read the raw path of a request to an S3 endpoint.

    Args:
        endpoint: what the host names.
        path: as sent, bytes as latin-1, without the query; empty counts as `/`.

    Returns:
        Bucket, key and style; bucket None at a service root.

    Raises:
        AmbiguousTarget: two readers could take the path for two resources.
        MalformedRequest: the path or the key is longer than S3 allows.
    """
    if not path.startswith("/") and path:
        raise AmbiguousTarget("the path does not start with a slash; send the target in origin-form")
    if len(path) > MAX_PATH_CHARS:
        raise MalformedRequest(f"the path has {len(path)} characters, which no key of S3 needs; shorten it")
    if _PATH.fullmatch(path) is None:
        raise AmbiguousTarget(f"the path has {_strange(path)}; percent-encode it once")
    other: EndpointClass | None = None
    if not _NO_BUCKET_AT_ALL.isdisjoint(endpoint.needs):
        other = next(kind for kind in _NO_BUCKET if kind in endpoint.needs)
    if other is None and endpoint.label is None:
        return _path_style(endpoint, path)
    key, space_key = _read_key(path[1:])
    soap = key is not None and key.rstrip("/").lower() == SOAP
    if other is None:
        special = alias_kind(endpoint.label or "")
        return S3Address(endpoint, Style.VIRTUAL, endpoint.label, key, special, space_key, soap)
    if _holds_objects(endpoint, other):
        return S3Address(endpoint, Style.VIRTUAL, None, key, other.value, space_key, soap)
    return S3Address(endpoint, None, None, None, other.value, None, soap)


def _holds_objects(endpoint: Endpoint, kind: EndpointClass) -> bool:
    """Whether the label names a resource whose objects the path names, not an account or a route."""
    if endpoint.label is None or kind is EndpointClass.CONTROL:
        return False
    return kind is not EndpointClass.OBJECT_LAMBDA or ACCESS_POINT_LABEL.fullmatch(endpoint.label) is not None


def _path_style(endpoint: Endpoint, path: str) -> S3Address:
    """The bucket from the first segment, which no client encodes: its letters are unreserved."""
    if path in {"", "/"}:
        return S3Address(endpoint, None, None, None, None)
    bucket, _, rest = path[1:].partition("/")
    if not is_legacy_bucket_name(bucket):
        raise AmbiguousTarget(
            f"{quoted(bucket)} stands in the bucket's place of the path; write 3 to 255 of A-Z a-z 0-9 . _ -"
        )
    key, space_key = _read_key(rest)
    soap = bucket.lower() == SOAP and key is None
    return S3Address(endpoint, Style.PATH, bucket, key, alias_kind(bucket), space_key, soap)


def _read_key(raw: str) -> tuple[str | None, str | None]:
    """The key decoded once, and again with a space for each raw `+` when there is one."""
    if not raw:
        return None, None
    if "%" in raw:
        try:
            key = _decode(raw)
        except UnicodeDecodeError as exc:
            raise AmbiguousTarget("the key is not UTF-8 once decoded; encode it as UTF-8") from exc
        size = len(key.encode("utf-8"))
    else:
        key, size = raw, len(raw)
    if size > MAX_KEY_BYTES:
        raise MalformedRequest(f"the key has {size} bytes, S3 allows {MAX_KEY_BYTES}; shorten it")
    if "\0" in key:
        raise AmbiguousTarget("the key has an encoded NUL, where some readers stop; take it out")
    if ".." in key and _climbs(key):
        raise AmbiguousTarget("the key climbs above its root with `..`; S3 refuses such keys")
    return key, _decode(raw.replace("+", " ")) if "+" in raw else None


def _decode(raw: str) -> str:
    """Percent-decoded once as UTF-8; `raw` is ASCII and every `%` in it is whole."""
    latin = _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("latin-1"), raw)
    return latin.encode("latin-1").decode("utf-8")


def _climbs(key: str) -> bool:
    """Whether `..` segments leave the root at any point, for readers that merge or turn slashes too."""
    depth = 0
    for segment in key.replace("\\", "/").split("/"):
        if segment == "..":
            depth -= 1
            if depth < 0:
                return True
        elif segment not in {"", "."}:
            depth += 1
    return False


def _strange(path: str) -> str:
    """What in a path is not read, named."""
    strange = _RAW.search(path)
    return "a `%` without two hex digits" if strange is None else f"the raw character {quoted(strange[0])}"

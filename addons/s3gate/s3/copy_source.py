"""The second resource of a request: x-amz-copy-source, and the source of a rename.

The normal case is `bucket/key` or `/bucket/key?versionId=…`, percent-encoded once, in
the header or (botocore's SigV2 presigner) in the query parameter of that name. Steps:

1. one place only, header or query, given once, on PUT;
2. the literal `?versionId=` is cut before decoding; any other literal `?` has no known reading;
3. decode once; strip one leading `/`;
4. an access point ARN splits at the first `/object/`, anything else at the first `/`;
5. the bucket must have a bucket's characters; the key may hold anything but a climb above its root.

Source: CopyObject and UploadPartCopy in the S3 API reference. What is documented nowhere is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from s3gate.s3.head import Head
from s3gate.s3.query import Query, decode_once
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest

COPY_SOURCE: Final = "x-amz-copy-source"
RENAME_SOURCE: Final = "x-amz-rename-source"

MAX_SOURCE_CHARACTERS: Final = 8192
"""Characters: a key of 1,024 bytes, all escaped (S3 user guide, object keys), ARN, version id, and room."""

# Printable ASCII; raw `+` is a plus to some decoders and a space to others.
_RAW: Final = re.compile(r"[\x20-\x2a\x2c-\x7e]+")
# Version ids are opaque and URL-ready (S3 user guide, versioning); `null` is one.
_VERSION: Final = re.compile(r"[A-Za-z0-9._~-]{1,1024}", re.ASCII)
# Names from before 2018 included: capitals and `_`, 3 to 255 characters.
_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]{3,255}", re.ASCII)
# arn:P:s3:R:A:accesspoint/N, without region for X.mrap, arn:P:s3-outposts:R:A:outpost/O/accesspoint/N;
# botocore also writes `:` for `/` in the resource (S3 user guide, access point ARNs).
_POINT: Final = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):(?P<service>s3|s3-outposts):"
    r"(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):"
    r"(?:outpost[/:](?P<outpost>op-[0-9a-z]+)[/:])?accesspoint[/:](?P<name>[a-z0-9][a-z0-9.-]{1,62})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class CopySource:
    """The source of a copy.

    Args:
        bucket: bucket name, or the canonical access point ARN when `arn` is set.
        key: decoded once.
        version_id: as written, or None.
        arn: canonical ARN (`/` in the resource) of an access point, MRAP or Outposts access point.
    """

    bucket: str
    key: str
    version_id: str | None = None
    arn: str | None = None

    @property
    def region(self) -> str | None:
        """The region in the ARN; None for a bucket and a multi-region access point."""
        return self.arn.split(":")[3] or None if self.arn is not None else None


def read_copy_source(head: Head, query: Query) -> CopySource | None:
    """Read the source that a request names, wherever it stands.

    Args:
        head: the headers and the method.
        query: the target's query.

    Returns:
        The source, or None when the request names none.

    Raises:
        AmbiguousTarget: named twice, or in a spelling with no single documented reading.
        MalformedRequest: on a method that copies nothing.
    """
    found = [head.headers[COPY_SOURCE]] if COPY_SOURCE in head.headers else []
    found += [query.get(name) or "" for name in query.values if name.lower() == COPY_SOURCE]
    if not found:
        return None
    if len(found) > 1:
        raise AmbiguousTarget("the copy source is named twice; name it once")
    if head.method != "PUT":
        raise MalformedRequest(f"a {head.method} request copies nothing; remove x-amz-copy-source")
    return _parse(found[0])


def read_rename_keys(values: Mapping[str, str], bucket: str | None) -> tuple[str, ...]:
    """The keys that a rename may take away: a source is `key` or `/bucket/key`, always of the same bucket.

    Args:
        values: lower-case `x-amz-…` name → value, of headers and query together.
        bucket: the bucket of the request.

    Returns:
        Each reading of the source; all must be allowed.

    Raises:
        AmbiguousTarget: no source, or a spelling with no single decoding.
    """
    raw = values.get(RENAME_SOURCE, "")
    _check_raw(raw, RENAME_SOURCE)
    if "?" in raw:
        raise AmbiguousTarget(f"`{RENAME_SOURCE}` holds a raw `?`; write %3F")
    text = decode_once(raw, RENAME_SOURCE)
    key = text.removeprefix("/")
    if text.startswith("/") and not key.startswith(f"{bucket}/"):
        raise AmbiguousTarget(f"`{RENAME_SOURCE}` names another bucket; a rename stays in its own")
    readings = {text, key, key.removeprefix(f"{bucket}/")} - {""}
    for reading in readings if key else {""}:
        _check_key(reading)
    return tuple(sorted(readings))


def _parse(raw: str) -> CopySource:
    _check_raw(raw, COPY_SOURCE)
    path, mark, version = raw.partition("?")
    if mark:
        name, _, version = version.partition("=")
        if name != "versionId" or _VERSION.fullmatch(version) is None:
            raise AmbiguousTarget(
                "after `?` a copy source takes one versionId; write %3F for a `?` of the key"
            )
    text = decode_once(path, "the copy source").removeprefix("/")
    if text.startswith("arn:"):
        return _parse_arn(text, version or None)
    bucket, _, key = text.partition("/")
    if _BUCKET.fullmatch(bucket) is None or not bucket.strip("."):
        raise AmbiguousTarget("the copy source does not start with a bucket name and `/`")
    _check_key(key)
    return CopySource(bucket, key, version or None)


def _parse_arn(text: str, version: str | None) -> CopySource:
    """Step 4 for ARNs; the ARN of a bucket is documented nowhere as a copy source."""
    name, mark, key = text.partition("/object/")
    point = _POINT.fullmatch(name)
    if not mark or point is None:
        raise AmbiguousTarget(
            "the copy source is an ARN, but not of an access point with `/object/` and a key"
        )
    service, region, outpost = point["service"], point["region"], point["outpost"]
    if (service == "s3-outposts") != (outpost is not None) or (not region) != point["name"].endswith(".mrap"):
        raise AmbiguousTarget("the parts of the copy source's ARN do not fit together")
    _check_key(key)
    inner = f"outpost/{outpost}/" if outpost else ""
    arn = f"arn:{point['partition']}:{service}:{region}:{point['account']}:{inner}accesspoint/{point['name']}"
    return CopySource(arn, key, version, arn)


def _check_raw(raw: str, where: str) -> None:
    if len(raw) > MAX_SOURCE_CHARACTERS:
        raise MalformedRequest(f"`{where}` is longer than {MAX_SOURCE_CHARACTERS} characters")
    if _RAW.fullmatch(raw) is None:
        raise AmbiguousTarget(
            f"`{where}` is empty, or holds a raw `+` or a byte outside ASCII; percent-encode it"
        )


def _check_key(key: str) -> None:
    """S3 answers 400 to keys whose `..` climb above their root (S3 user guide, object key naming)."""
    if not key:
        raise AmbiguousTarget("the source names no key")
    if "\x00" in key or "?versionId=" in key:
        raise AmbiguousTarget(
            "the source's key holds what some readers cut off: a NUL or an encoded ?versionId="
        )
    if ".." not in key:
        return
    level = 0
    for segment in key.split("/"):
        level += -1 if segment == ".." else segment not in {"", "."}
        if level < 0:
            raise AmbiguousTarget("the source's key climbs above its root with `..`")

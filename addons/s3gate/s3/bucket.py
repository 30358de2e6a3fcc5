"""Names that stand in the bucket's slot: general purpose buckets, and what only looks like one.

The normal case: `example-uploads` is a general purpose bucket. Access point aliases,
directory buckets and table buckets share the slot and the namespace, but are other
resources: their suffixes tell them (AWS, "General purpose bucket naming rules").
"""

import re
from typing import Final

from s3gate.s3.partitions import PARTITIONS

MIN_BUCKET_CHARS: Final = 3  # AWS, "General purpose bucket naming rules"
MAX_BUCKET_CHARS: Final = 63  # the same; it is the length of a DNS label
MAX_LEGACY_BUCKET_CHARS: Final = 255  # the same: us-east-1 before 2018-03-01

# Lower-case letters, digits, dots and hyphens, a letter or digit at both ends.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# Legacy names of us-east-1: capitals and underscores as well; only a path can name them.
_LEGACY: Final = re.compile(r"[A-Za-z0-9._-]{3,255}", re.ASCII)
_IPV4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)

# prefix "-" account "-" region "-an" (AWS, "Account regional namespace naming rules").
_ACCOUNT_REGIONAL: Final = re.compile(
    r"[a-z0-9][a-z0-9.-]*-(?P<account>[0-9]{12})-(?P<region>[a-z]+(?:-[a-z]+)+-[0-9]+)-an", re.ASCII
)

# base name "--" zone "--x-s3" (AWS, "Directory bucket naming rules"); zones as in `service.ZONE`.
_DIRECTORY: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?--[a-z0-9]+(?:-[a-z0-9]+){0,2}-az[0-9]+--x-s3", re.ASCII
)

_RESERVED_PREFIXES: Final = ("xn--", "sthree-", "amzn-s3-demo-")

ALIAS_SUFFIXES: Final = (
    ("--ol-s3", "object-lambda-alias"),
    ("--op-s3", "outposts-alias"),
    ("--table-s3", "table-bucket"),
    ("--xa-s3", "directory-access-point"),
    ("--x-s3", "directory-bucket"),
    ("-s3alias", "access-point-alias"),  # also -ext-s3alias, an access point of FSx
    (".mrap", "mrap-alias"),
)
"""Reserved suffixes and what a name that ends in one is."""

_ENDINGS: Final = tuple(suffix for suffix, _ in ALIAS_SUFFIXES)


def is_bucket_name(text: str) -> bool:
    """Whether a general purpose bucket of this name can be created today."""
    return explain_bucket_name(text) is None


def is_legacy_bucket_name(text: str) -> bool:
    """Whether a path may name a bucket so, among them the legacy names of us-east-1."""
    return _LEGACY.fullmatch(text) is not None and text not in {".", ".."}


def alias_kind(text: str) -> str | None:
    """What a name in the bucket's slot is when it is no general purpose bucket.

    Args:
        text: the name, in any case.

    Returns:
        One of the kinds of `ALIAS_SUFFIXES`, or None for a general purpose bucket.
    """
    folded = text.lower()
    if not folded.endswith(_ENDINGS):
        return None
    return next((kind for suffix, kind in ALIAS_SUFFIXES if folded.endswith(suffix)), None)


def is_directory_bucket_name(text: str) -> bool:
    """Whether a directory bucket (S3 Express) can have this name."""
    return len(text) <= MAX_BUCKET_CHARS and _DIRECTORY.fullmatch(text) is not None


def namespace_of(text: str) -> tuple[str, str] | None:
    """The account regional namespace that a bucket name lies in: only that account can create it there.

    Args:
        text: the bucket's name.

    Returns:
        Account id and region; the bucket proves its owner only where it lies in that region.
    """
    found = _ACCOUNT_REGIONAL.fullmatch(text)
    if found is None or not is_bucket_name(text):
        return None
    region = found["region"]
    known = any(partition.region_pattern.fullmatch(region) for partition in PARTITIONS.values())
    return (found["account"], region) if known else None


def explain_bucket_name(text: str) -> str | None:
    """Why no general purpose bucket can have this name.

    Args:
        text: the name as a policy writes it.

    Returns:
        One lower-case sentence with the right spelling where there is one, or None when it can.
    """
    kind = alias_kind(text)
    prefix = next((item for item in _RESERVED_PREFIXES if text.lower().startswith(item)), None)
    if not MIN_BUCKET_CHARS <= len(text) <= MAX_BUCKET_CHARS:
        return f"a bucket name has {MIN_BUCKET_CHARS} to {MAX_BUCKET_CHARS} characters, this has {len(text)}"
    if text.isascii() and text != text.lower() and _BUCKET.fullmatch(text.lower()):
        return f"a bucket name has no capitals; write `{text.lower()}`"
    if not _BUCKET.fullmatch(text):
        return "a bucket name has only a-z, 0-9, `.` and `-`, and a letter or digit at both ends"
    if ".." in text:
        return "a bucket name has no two dots in a row"
    if _IPV4.fullmatch(text):
        return "a bucket name is not formatted as an IP address"
    if kind is not None:
        return f"the name is that of another kind of resource ({kind}), which no bucket rule can list"
    if prefix is not None:
        return f"S3 reserves names that start with `{prefix}`: no such bucket can exist"
    return None

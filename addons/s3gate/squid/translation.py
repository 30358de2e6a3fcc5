"""Names of a dstdomain list → rules and hosts, or why s3gate does not take them over. Pure.

The normal case: `bucket.s3.eu-west-1.amazonaws.com` becomes a rule for that bucket.
Squid saw the CONNECT name alone; only a value that names one bucket, access point or AWS
service exactly can be taken over, and each other value gets a sentence that says why not.
"""

import re
from dataclasses import dataclass
from typing import Final

from s3gate.s3.access_point import access_point_of
from s3gate.s3.address import parse_address
from s3gate.s3.bucket import explain_bucket_name
from s3gate.s3.endpoint import Endpoint, EndpointClass, Foreign, OtherService, classify_host
from s3gate.s3.host import Host, parse_authority
from s3gate.s3.refusal import IpLiteral, ReadError

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
_PATTERN: Final = frozenset("*?^$()[]{}|+\\")


@dataclass(frozen=True, slots=True)
class Target:
    """What one name becomes.

    Args:
        key: `bucket`, `fqdn`, `access_point` or `host`.
        value: as the policy writes it.
        name: the name it came from.
        endpoint: of a rule; None for a host.
    """

    key: str
    value: str
    name: str
    endpoint: Endpoint | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a value is not taken over: a sentence, and the next step or None."""

    why: str
    step: str | None = None


def translate(value: str, *, by_bucket: bool = False) -> Target | Refused:
    """What one value of a dstdomain list becomes.

    Args:
        value: as written.
        by_bucket: whether a bucket's name becomes a rule for the bucket under every open name of it,
            instead of one for that host alone.
    """
    dead = _dead(value)
    if dead is not None:
        return dead
    if value.startswith("."):
        return _wide(value)
    host = _read(value)
    if host is None:
        return Refused("it is an address, or no DNS name", "list the names; addresses are never listed")
    place = classify_host(host.name)
    if isinstance(place, Endpoint):
        return _endpoint(place, by_bucket=by_bucket)
    if isinstance(place, OtherService):
        return Refused(f"it is {place.service}, which stores data and is never open")
    if isinstance(place, Foreign):
        return Refused("it is no AWS name; s3gate serves AWS names alone", "keep another proxy for it")
    if place.s3_family:
        return Refused("it looks like S3, but is no name that S3 is known to answer to")
    if place.customer_owned:
        return Refused("whoever registered the name answers there, not AWS")
    return Target("host", host.name, host.name, None)


def _dead(value: str) -> Refused | None:
    """A value that matched nothing in Squid either."""
    if len(value.split()) > 1:
        return Refused("several names on one line of a list: Squid matched none of them", "one a line")
    if _URL.match(value):
        return Refused("a URL: Squid compared it with names and never matched it", "write the name alone")
    if '"' in value or "'" in value or value.startswith(";"):
        return Refused("quoted, or a comment that is none: Squid never matched it")
    if ":" in value and value.rpartition(":")[2].isdecimal() and value.count(":") == 1:
        return Refused("with a port: Squid never matched it", "write the name alone")
    if "/" in value:
        return Refused("with a path: Squid never matched it", "write the name alone; `keys:` limits keys")
    if not value.startswith(".") and _PATTERN & set(value):
        return Refused(
            "a pattern: dstdomain knows none, so Squid never matched it", "write each name exactly"
        )
    if value.endswith("."):
        return Refused("with a trailing dot: Squid never matched it", f"write `{value.rstrip('.')}`")
    return None


def _wide(value: str) -> Refused:
    """A value with a leading dot matches every name below it."""
    host = _read(value[1:])
    place = classify_host(host.name) if host is not None else None
    if isinstance(place, Foreign) or host is None or place is None:
        return Refused("it matches every name below one that is not AWS's", "keep another proxy for it")
    if isinstance(place, Endpoint) and place.label is not None:
        return Refused(
            f"the leading dot matches `{host.name}`, and every bucket whose name ends in `.{place.label}`",
            f"write `{host.name}`, and each other bucket that was meant",
        )
    if isinstance(place, Endpoint):
        return Refused(
            "it matches every bucket of everybody at that endpoint", "write one name for each bucket"
        )
    return Refused("it matches every AWS name below it, also buckets of everybody", "write each name exactly")


def _endpoint(place: Endpoint, *, by_bucket: bool) -> Target | Refused:
    if EndpointClass.CONTROL in place.needs:
        return Refused("it is S3 Control, which is never open")
    if place.label is None:
        return Refused(
            "the endpoint itself: by path it reaches every bucket of everybody, and Squid cannot see which",
            "write rules with `bucket:`; path-style requests to listed buckets pass by themselves",
        )
    point = access_point_of(place)
    if point is not None and point.multi_region:
        return Refused(
            "the host of a multi-region access point does not tell its account",
            f"write `mrap: arn:{place.partition}:s3::ACCOUNT:accesspoint/{point.name}` with its account",
        )
    if point is not None:
        return Target("access_point", point.arn, place.host, place)
    try:
        address = parse_address(place, "/")
    except ReadError as exc:
        return Refused(exc.detail)
    directory = address.special == "directory-bucket" and EndpointClass.EXPRESS in place.needs
    if not directory and (address.special is not None or address.bucket is None):
        return Refused(f"it names {address.special or 'no bucket'}; such names cannot be listed")
    why = None if directory else explain_bucket_name(address.bucket or "")
    if why is not None:
        return Refused(why)
    if by_bucket and place.vpce is None:
        return Target("bucket", address.bucket or "", place.host, place)
    return Target("fqdn", place.host, place.host, place)


def _read(text: str) -> Host | None:
    try:
        return parse_authority(text)
    except (IpLiteral, ReadError):
        return None

"""One CloudTrail event of S3 → what is needed to tell its way. Nothing here raises: logs are foreign.

The normal case: a data event of a log file, with `requestParameters.bucketName`, a source
address and, where the request came through a VPC endpoint, `vpcEndpointId`. Keys that are
not known are not looked at; values of another type count as absent. Fields: CloudTrail
user guide, "CloudTrail record contents for management, data, and network activity events";
S3 user guide, "Amazon S3 CloudTrail events".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote

TEXT_CHARS: Final = 256  # of a field: twice the longest id; what a client chose ends up in some of them
NAMES_MAX: Final = 16  # buckets that one event names: DeleteObjects and copies name one or two
RESOURCES_READ: Final = 1000  # of one event: DeleteObjects takes so many keys (S3 API reference)
S3_SOURCES: Final = ("s3.amazonaws.com", "s3express.amazonaws.com", "s3-outposts.amazonaws.com")
SERVICE_ENDING: Final = ".amazonaws.com"
INTERNAL: Final = "AWS Internal"  # what stands for the address of some services' own requests


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One request as CloudTrail saw it.

    Args:
        event_id: unique for each event; repeated files repeat it.
        request_id: S3's `x-amz-request-id`, which the gate's completion record has too; or empty.
        time: of the request, or None where it cannot be read.
        name: of the operation.
        region: where it was recorded.
        category: `Management`, `Data` or `NetworkActivity`.
        address: the source address, or what stands there instead.
        endpoint: id of the VPC endpoint it came through, or None.
        error: `errorCode`, or None.
        who: the identity's ARN, or its account, or its type.
        service: whether an AWS service made it for somebody.
        buckets: every bucket it names, that of a copy's source too.
    """

    event_id: str
    request_id: str
    time: datetime | None
    name: str
    region: str
    category: str
    address: str
    endpoint: str | None
    error: str | None
    who: str
    service: bool
    buckets: frozenset[str]

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """The source address, if it is one."""
        try:
            return ip_address(self.address)
        except ValueError:
            return None


def parse_event(raw: object) -> TrailEvent | None:
    """Read an event.

    Args:
        raw: the parsed JSON of one event.

    Returns:
        None when it is none of S3.
    """
    if not isinstance(raw, dict) or _text(raw, "eventSource") not in S3_SOURCES:
        return None
    address, identity = _text(raw, "sourceIPAddress"), _mapping(raw, "userIdentity")
    return TrailEvent(
        event_id=_text(raw, "eventID"),
        request_id=_text(raw, "requestID"),
        time=parse_time(_text(raw, "eventTime")),
        name=_text(raw, "eventName"),
        region=_text(raw, "awsRegion"),
        category=_text(raw, "eventCategory") or "Management",
        address=address,
        endpoint=_text(raw, "vpcEndpointId") or None,
        error=_text(raw, "errorCode") or None,
        who=next(filter(None, (_text(identity, one) for one in ("arn", "accountId", "type"))), ""),
        service=address == INTERNAL or address.endswith(SERVICE_ENDING),
        buckets=frozenset(_first(_bucket_names(raw))),
    )


def parse_time(text: str) -> datetime | None:
    """`2026-11-22T08:30:00Z`, or `2026-11-22 08:30:00.000` as CloudTrail Lake writes it, in UTC.

    Args:
        text: as written.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def clean(text: str) -> str:
    """A foreign text, bounded, without what no encoding can carry (half of a surrogate pair).

    Args:
        text: as it stands in a log.
    """
    return text[:TEXT_CHARS].encode("utf-8", "replace").decode()


def _first(names: Iterator[str]) -> Iterator[str]:
    for _, name in zip(range(NAMES_MAX), filter(None, names), strict=False):
        yield clean(name)


def _bucket_names(raw: Mapping[str, object]) -> Iterator[str]:
    asked = _mapping(raw, "requestParameters")
    yield _text(asked, "bucketName")
    yield unquote(_text(asked, "x-amz-copy-source")).lstrip("/").partition("/")[0]
    hosts = next((asked[one] for one in ("Host", "host") if one in asked), None)
    for host in hosts[:1] if isinstance(hosts, list) else [hosts]:
        if isinstance(host, str):
            yield from _of_host(host[:TEXT_CHARS])
    resources = raw.get("resources")
    seen: set[str] = set()
    for one in resources[:RESOURCES_READ] if isinstance(resources, list) else ():
        name = _text(one, "ARN").rpartition(":")[2].partition("/")[0] if isinstance(one, dict) else ""
        if name not in seen:
            seen.add(name)
            yield name


def _of_host(host: str) -> Iterator[str]:
    """What stands before each `.s3`: more names than there are, so that none is missed."""
    at = host.find(".s3")
    while at > 0:
        yield host[:at]
        at = host.find(".s3", at + 1)


def _text(mapping: Mapping[str, object], key: str) -> str:
    value = mapping.get(key)
    return clean(value) if isinstance(value, str) else ""


def _mapping(raw: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}

"""Management events from CloudTrail itself: LookupEvents, page by page, as slowly as it wants.

The normal case: a few pages of one bucket's events in one region. CloudTrail takes two
requests a second for each account and region, and tells of 90 days (API reference,
LookupEvents); object requests are data events, which only a trail has.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Event
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3gate.aws.trail.files import TrailUnreadable
from s3gate.aws.trail.lake import parse_quoted

INTERVAL_S: Final = 0.5  # LookupEvents, API reference: two requests a second
PAGE_EVENTS: Final = 50  # the same: MaxResults, maximum
CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 20.0
ATTEMPTS: Final = 6  # in all, of one page; others in the account ask too
ACTION: Final = "cloudtrail:LookupEvents"


def _rest(seconds: float) -> None:
    Event().wait(seconds)


def open_trail(region: str | None, endpoint_url: str | None) -> Any:
    """A client of CloudTrail.

    Args:
        region: AWS region, or None for that of the environment.
        endpoint_url: another endpoint than the region's, or None.

    Raises:
        TrailUnreadable: no region is known, or the endpoint is no URL.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    try:
        session = boto3.session.Session()
        return session.client("cloudtrail", region_name=region, endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as exc:
        raise TrailUnreadable(f"CloudTrail cannot be asked: {_one_line(exc)}; give --region") from exc


def look_up(
    client: Any,
    bucket: str,
    since: datetime,
    told: Callable[[int], None] = lambda _: None,
    rest: Callable[[float], object] = _rest,
) -> Iterator[object]:
    """Every management event of a bucket, parsed; what is none comes as None.

    Args:
        client: as `open_trail` gives it.
        bucket: its name.
        since: events before are left out.
        told: given the number of pages so far.
        rest: waits so many seconds.

    Raises:
        TrailUnreadable: CloudTrail does not answer, or refuses.
    """
    query: dict[str, object] = {
        "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": bucket}],
        "StartTime": since,
        "MaxResults": PAGE_EVENTS,
    }
    pages = 0
    while True:
        try:
            page = client.lookup_events(**query)
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "Unknown")
            raise TrailUnreadable(f"AWS answered {code} to {ACTION}: look at region and permissions") from exc
        except BotoCoreError as exc:
            raise TrailUnreadable(f"CloudTrail could not be asked: {_one_line(exc)}") from exc
        yield from (parse_quoted(one.get("CloudTrailEvent")) for one in page.get("Events", ()))
        pages += 1
        told(pages)
        if not page.get("NextToken"):
            return
        query["NextToken"] = page["NextToken"]
        rest(INTERVAL_S)


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())

"""Rows of a CloudTrail Lake query → events as log files have them.

The normal case: the query selected `eventJson`, which is the whole event. Else the columns
are taken that tell the way; Lake writes their names in lower case, and structures as
`{key=value, …}` (CloudTrail user guide, "CloudTrail Lake supported schemas").
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

WHOLE: Final = "eventjson"
NEEDED: Final = frozenset({"eventsource", "eventname", "eventtime"})
COLUMNS: Final = {
    one.lower(): one
    for one in (
        "eventID", "requestID", "eventTime", "eventName", "eventSource", "awsRegion", "eventCategory",
        "sourceIPAddress", "vpcEndpointId", "errorCode",
    )
}  # fmt: skip
# bucketName=NAME within the text of a structure; S3 bucket names have none of these characters.
_BUCKET: Final = re.compile(r"\bbucketName=([^,}\s]{1,256})", re.ASCII)
_ARN: Final = re.compile(r"\barn=(arn:[^,}\s]{1,256})", re.ASCII)


def join_row(row: object) -> dict[str, object]:
    """One row of `aws cloudtrail get-query-results`: a list of mappings with one column each.

    Args:
        row: as parsed.
    """
    joined: dict[str, object] = {}
    for column in row if isinstance(row, list) else ():
        if isinstance(column, dict):
            joined.update(column)
    return joined


def parse_row(row: Mapping[str, object]) -> object:
    """The event that a row tells.

    Args:
        row: values by column name, in any case.

    Returns:
        An event as in a log file; None where the columns do not tell one.
    """
    columns = {name.lower(): value for name, value in row.items() if isinstance(name, str)}
    whole = columns.get(WHOLE)
    if isinstance(whole, str) and whole:
        return parse_quoted(whole)
    if not has_columns(columns):
        return None
    event: dict[str, object] = {name: columns[one] for one, name in COLUMNS.items() if columns.get(one)}
    asked, who = (
        _BUCKET.search(str(columns.get("requestparameters"))),
        _ARN.search(str(columns.get("useridentity"))),
    )
    event["requestParameters"] = {"bucketName": asked[1]} if asked else {}
    event["userIdentity"] = {"arn": who[1]} if who else {}
    return event


def has_columns(names: Iterable[str]) -> bool:
    """Whether columns of these names tell an event.

    Args:
        names: in lower case.
    """
    found = set(names)
    return WHOLE in found or found >= NEEDED


def parse_quoted(text: object) -> object:
    """JSON that stands in a text, as in LookupEvents' answer; None where it is none.

    Args:
        text: `CloudTrailEvent` or `eventJson`.
    """
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None

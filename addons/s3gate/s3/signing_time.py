"""The times that a signed request writes, as UTC."""

import re
from datetime import UTC, datetime
from typing import Final

# SigV4 reference: YYYYMMDD'T'HHMMSS'Z'
_AMAZON: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)
# RFC 9110 5.6.7 IMF-fixdate; SigV2 clients also write +0000 for GMT (RFC 2822)
_HTTP: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|[+-]0000)",
    re.ASCII,
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_amazon_date(text: str) -> datetime | None:
    """The time that `20261122T080000Z` writes, or None when it is not one."""
    if _AMAZON.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def parse_http_date(text: str) -> datetime | None:
    """The time that `Sun, 22 Nov 2026 08:00:00 GMT` writes, or None when it is not one."""
    match = _HTTP.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    try:
        return datetime(
            int(match[3]),
            _MONTHS.index(match[2]) + 1,
            int(match[1]),
            int(match[4]),
            int(match[5]),
            int(match[6]),
            tzinfo=UTC,
        )
    except ValueError:
        return None

"""How much of the journal's room each kind of record may use.

The journal never drops what it holds. When CloudWatch cannot be reached for long
it fills: records of allowed requests stop at 80 % of the room, so that denials
can still be written and are still answered with their true reason; denials stop
at 99 %, and the last hundredth is for the ends of transfers already allowed.
"""

from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final


@unique
class Kind(StrEnum):
    """What a record is, as far as room goes."""

    ALLOW = "allow"
    DENY = "deny"
    COMPLETION = "completion"
    NOTICE = "notice"  # policy changes, heartbeats: rare, and needed most when the room is short


PERCENT: Final = MappingProxyType({Kind.ALLOW: 80, Kind.DENY: 99, Kind.COMPLETION: 100, Kind.NOTICE: 100})


def fits(kind: Kind, line_bytes: int, used_bytes: int, max_bytes: int) -> bool:
    """Whether a line of this kind may still be written.

    Args:
        kind: what it records.
        line_bytes: its length with the line end.
        used_bytes: what the segments hold now.
        max_bytes: the room.
    """
    return used_bytes + line_bytes <= max_bytes * PERCENT[kind] // 100

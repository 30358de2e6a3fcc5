"""What one PutLogEvents call may carry, as a pure rule over events in journal order.

Source: API reference of PutLogEvents (botocore's model of logs-2014-03-28): at most
10,000 events, 1,048,576 bytes counting 26 for each event, 24 h between the oldest
and the newest. The window stays an hour below that span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.audit.appender import Position

MAX_EVENTS: Final = 10_000
MAX_BYTES: Final = 1_048_576
EVENT_OVERHEAD_BYTES: Final = 26
MAX_SPAN_MS: Final = 23 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One record on its way.

    Args:
        position: where it lies in the journal.
        time_ms: when it happened, milliseconds since 1970.
        text: the sealed line, ASCII, never changed on the way.
        denied: whether it is a refusal.
    """

    position: Position
    time_ms: int
    text: str
    denied: bool = False

    @property
    def bytes(self) -> int:
        """What it counts against `MAX_BYTES`."""
        return len(self.text) + EVENT_OVERHEAD_BYTES


def take_window(events: Sequence[Event]) -> Sequence[Event]:
    """The longest beginning of `events` that one call may carry; at least one event if there is one."""
    size = oldest = newest = 0
    for count, event in enumerate(events):
        size += event.bytes
        oldest, newest = (
            (min(oldest, event.time_ms), max(newest, event.time_ms))
            if count
            else (event.time_ms, event.time_ms)
        )
        if count and (count >= MAX_EVENTS or size > MAX_BYTES or newest - oldest > MAX_SPAN_MS):
            return events[:count]
    return events

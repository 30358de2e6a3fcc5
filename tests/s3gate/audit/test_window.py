"""One call carries what PutLogEvents documents, in journal order, and always something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.appender import Position
from s3gate.audit.window import MAX_BYTES, MAX_EVENTS, MAX_SPAN_MS, Event, take_window

HOUR_MS = 3_600_000


def event(number: int, time_ms: int = 0, length: int = 10) -> Event:
    return Event(Position(number, 1, number), time_ms, "x" * length)


@pytest.mark.parametrize(
    ("events", "taken"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([event(n) for n in range(5)], 5, id="a few"),
        pytest.param([event(n) for n in range(MAX_EVENTS + 1)], MAX_EVENTS, id="too many"),
        pytest.param([event(n, length=MAX_BYTES // 4 - 26) for n in range(5)], 4, id="exactly full"),
        pytest.param([event(n, length=MAX_BYTES // 4 - 25) for n in range(5)], 3, id="a byte too much"),
        pytest.param(
            [event(0, 0), event(1, 23 * HOUR_MS), event(2, 23 * HOUR_MS + 1)], 2, id="too long a span"
        ),
        pytest.param([event(0, 24 * HOUR_MS), event(1, 0)], 1, id="a clock stepped back by a day"),
        pytest.param([event(0, length=MAX_BYTES * 2)], 1, id="one that is too large goes alone"),
    ],
)
def test_windows(events: list[Event], taken: int) -> None:
    assert len(take_window(events)) == taken


@given(st.lists(st.tuples(st.integers(0, 10 * 24 * HOUR_MS), st.integers(1, 400_000)), max_size=30))
def test_every_window_keeps_the_rules(parts: list[tuple[int, int]]) -> None:
    events = [event(number, time_ms, length) for number, (time_ms, length) in enumerate(parts)]
    shipped: list[Event] = []
    while len(shipped) < len(events):
        window = take_window(events[len(shipped) :])
        times = [part.time_ms for part in window]
        assert sum(part.bytes for part in window) <= MAX_BYTES
        assert max(times) - min(times) <= MAX_SPAN_MS
        shipped += window
    assert shipped == events

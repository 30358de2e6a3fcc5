"""Charts show every number, escape every name, and have few bars however long the time."""

from collections import Counter

import pytest

from s3gate.audit.chart import BARS_MAX, beside_names, over_time


@pytest.mark.parametrize(
    ("last", "step"),
    [
        ("2026-01-01T00:00", "0:01:00"),
        ("2026-01-01T09:00", "0:15:00"),
        ("2026-03-01T00:00", "7 days"),
        ("2046-01-01T00:00", "days"),
    ],
)
def test_the_step_follows_the_span(last: str, step: str) -> None:
    text = over_time({"2026-01-01T00:00": Counter(A=3), last: Counter(A=2, B=1)})
    assert step in text
    assert text.count("<rect") <= BARS_MAX
    assert sum(int(part.split(" ")[0]) for part in text.split(" UTC: ")[1:]) in {6, 3}


def test_nothing_is_nothing() -> None:
    assert over_time({}) == beside_names([], ["x"], "l") == ""


def test_names_are_escaped_and_cut() -> None:
    text = beside_names([("<b>&" + "x" * 99, (5, 0))], ["up", "down"], "bytes")
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text
    assert "5 up" in text
    assert "0 down" in text

"""Waits double up to the longest, stay within their step, and begin anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.backoff import Backoff


def state(failures: int) -> Backoff:
    backoff = Backoff()
    for _ in range(failures):
        backoff = backoff.after_failure()
    return backoff


@pytest.mark.parametrize(
    ("failures", "draw", "seconds"),
    [
        (0, 1.0, 0.0),
        (1, 1.0, 0.2),
        (1, 0.0, 0.1),
        (2, 1.0, 0.4),
        (8, 1.0, 25.6),
        (9, 1.0, 30.0),
        (500, 0.0, 15.0),
    ],
)
def test_waits(failures: int, draw: float, seconds: float) -> None:
    assert state(failures).delay_s(draw) == pytest.approx(seconds)


@given(st.integers(0, 100), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_longest(failures: int, draw: float) -> None:
    assert 0 <= state(failures).delay_s(draw) <= 30

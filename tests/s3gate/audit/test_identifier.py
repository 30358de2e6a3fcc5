"""Ids sort by time and are spelled as ULIDs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.identifier import new_id, render_id

TIMES = st.integers(0, 2**48 - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


@pytest.mark.parametrize(
    ("time_ms", "entropy", "text"),
    [
        pytest.param(0, bytes(10), "0" * 26, id="the least"),
        pytest.param(
            2**48 - 1, b"\xff" * 10, "7" + "Z" * 25, id="the greatest, as the ULID specification says"
        ),
        pytest.param(1469918176385, bytes(10), "01ARYZ6S41" + "0" * 16, id="the specification's time"),
    ],
)
def test_known_ids(time_ms: int, entropy: bytes, text: str) -> None:
    assert render_id(time_ms, entropy) == text


@given(TIMES, TIMES, ENTROPY, ENTROPY)
def test_ids_sort_by_time(one: int, other: int, a: bytes, b: bytes) -> None:
    if one < other:
        assert render_id(one, a) < render_id(other, b)


@pytest.mark.parametrize(("time_ms", "length"), [(-1, 10), (2**48, 10), (0, 9), (0, 11)])
def test_what_does_not_fit_is_refused(time_ms: int, length: int) -> None:
    with pytest.raises(ValueError, match="id "):
        render_id(time_ms, bytes(length))


def test_new_ids_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"0[0-9A-HJKMNP-TV-Z]{25}", text) for text in ids)

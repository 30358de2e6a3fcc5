"""The nearest right spelling, or none."""

import pytest

from s3gate.policy.suggestion import LONGEST_WORD, nearest

KEYS = ["allow", "bucket", "path_style", "plain_http"]


@pytest.mark.parametrize(
    ("word", "right"),
    [
        pytest.param("alow", "allow", id="a letter lost"),
        pytest.param("Bucket", "bucket", id="capital"),
        pytest.param("path-style", "path_style", id="hyphen for underscore"),
        pytest.param("plainhttp", "plain_http", id="no separator"),
        pytest.param("zebra", None, id="near nothing"),
        pytest.param("", None, id="empty"),
        pytest.param("a" * (LONGEST_WORD + 1), None, id="longer than any key"),
    ],
)
def test_nearest(word: str, right: str | None) -> None:
    assert nearest(word, KEYS) == right

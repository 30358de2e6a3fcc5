"""Times are read by their grammar, or not at all."""

from datetime import UTC, datetime

import pytest

from s3gate.s3.signing_time import parse_amazon_date, parse_http_date

THEN = datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)


def test_both_spellings() -> None:
    assert parse_amazon_date("20261122T080001Z") == THEN
    assert parse_http_date("Sun, 22 Nov 2026 08:00:01 GMT") == THEN
    assert parse_http_date("Sun, 22 Nov 2026 08:00:01 +0000") == THEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20261122T080001",
        "20261122T080001Z\n",
        "20261322T080001Z",
        "20261122T250001Z",
        "２0261122T080001Z",
        "x",
    ],
)
def test_no_amazon_date(text: str) -> None:
    assert parse_amazon_date(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sun, 22 Nov 2026 08:00:01 GMT\n",
        "Sun, 22 Nov 2026 08:00:01 CET",
        "Sun, 22 Nov 2026 08:00:01 +0900",
        "Sun, 32 Nov 2026 08:00:01 GMT",
        "Sun, 22 Nox 2026 08:00:01 GMT",
        "Sunday, 22-Nov-26 08:00:01 GMT",
    ],
)
def test_no_http_date(text: str) -> None:
    assert parse_http_date(text) is None

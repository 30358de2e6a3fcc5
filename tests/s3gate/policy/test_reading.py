"""What was asked and read are plain values that cannot change."""

from dataclasses import FrozenInstanceError, fields

import pytest

from s3gate.policy.reading import NOTHING_READ, Client, Reading


def test_nothing_read_is_nothing() -> None:
    assert all(getattr(NOTHING_READ, field.name) is None for field in fields(Reading))


def test_a_reading_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        NOTHING_READ.bucket = "evil"  # type: ignore[misc]  # that it is refused is the test


def test_a_client_is_an_address_and_what_is_known_of_it() -> None:
    assert Client("10.0.0.1") == Client("10.0.0.1", 0, None, None)

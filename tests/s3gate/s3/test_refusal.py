"""Every typed refusal has a reason of its own."""

import pytest

from s3gate.policy.decide import _READ_ERRORS
from s3gate.s3 import refusal
from s3gate.s3.refusal import ReadError

KINDS = [
    kind
    for kind in vars(refusal).values()
    if isinstance(kind, type) and issubclass(kind, ReadError) and kind is not ReadError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_refusal_is_mapped_to_a_reason(kind: type[ReadError]) -> None:
    assert not _READ_ERRORS[kind].value.startswith("ALLOWED")


def test_two_refusals_never_share_a_reason() -> None:
    assert len(set(_READ_ERRORS.values())) == len(KINDS) == len(_READ_ERRORS)


def test_a_refusal_tells_its_sentence() -> None:
    error = refusal.AmbiguousTarget("two readings")
    assert error.detail == str(error) == "two readings"

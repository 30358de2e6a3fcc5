"""Allowed requests stop first, denials later, the ends of transfers last."""

import pytest

from s3gate.audit.room import PERCENT, Kind, fits


@pytest.mark.parametrize(
    ("kind", "used", "fit"),
    [
        pytest.param(Kind.ALLOW, 790, True, id="allow reaches 80 %"),
        pytest.param(Kind.ALLOW, 791, False, id="allow stops at 80 %"),
        pytest.param(Kind.DENY, 791, True, id="a denial goes on"),
        pytest.param(Kind.DENY, 980, True, id="a denial reaches 99 %"),
        pytest.param(Kind.DENY, 981, False, id="a denial stops at 99 %"),
        pytest.param(Kind.COMPLETION, 981, True, id="a completion has the last hundredth"),
        pytest.param(Kind.NOTICE, 990, True, id="so has a notice"),
        pytest.param(Kind.COMPLETION, 991, False, id="and nothing goes beyond"),
    ],
)
def test_room(kind: Kind, used: int, *, fit: bool) -> None:
    assert fits(kind, 10, used, 1000) is fit


def test_every_kind_has_its_share() -> None:
    assert set(PERCENT) == set(Kind)

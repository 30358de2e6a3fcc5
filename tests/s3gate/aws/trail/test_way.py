"""Every verdict, by the step that gives it."""

import pytest

from s3gate.aws.trail.event import TrailEvent, parse_event
from s3gate.aws.trail.way import Verdict, describe_way, judge_way
from trail_events import ENDPOINT, around, event

OURS, OTHER = frozenset({ENDPOINT}), frozenset({"vpce-00000000"})


def parsed(raw: dict[str, object]) -> TrailEvent:
    found = parse_event(raw)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("raw", "expected", "known", "covered", "verdict"),
    [
        pytest.param(event(), OURS, True, True, Verdict.THROUGH, id="both agree"),
        pytest.param(event(), frozenset(), True, True, Verdict.THROUGH, id="the journal alone"),
        pytest.param(event(), OURS, None, False, Verdict.THROUGH, id="the endpoint alone"),
        pytest.param(event(), OURS, False, True, Verdict.AROUND, id="our endpoint, not our gate"),
        pytest.param(event(), OURS, False, False, Verdict.NOT_COVERED, id="before the journal"),
        pytest.param(event(), OTHER, True, True, Verdict.OTHER_ENDPOINT, id="our gate, another endpoint"),
        pytest.param(event(), OTHER, False, False, Verdict.AROUND, id="another endpoint, whenever"),
        pytest.param(around(), OURS, None, False, Verdict.AROUND, id="the internet"),
        pytest.param(around(), frozenset(), True, True, Verdict.THROUGH, id="our gate has public upstreams"),
        pytest.param(around(), frozenset(), False, True, Verdict.AROUND, id="the internet, not our gate"),
        pytest.param(
            event(sourceIPAddress="AWS Internal"), OTHER, False, True, Verdict.SERVICE, id="a service"
        ),
    ],
)
def test_verdicts(
    raw: dict[str, object], expected: frozenset[str], known: bool | None, covered: bool, verdict: Verdict
) -> None:
    assert judge_way(parsed(raw), expected, known=known, covered=covered) is verdict


def test_which_verdicts_are_a_no() -> None:
    assert {one for one in Verdict if one.is_no} == {Verdict.AROUND, Verdict.OTHER_ENDPOINT}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(event(), ENDPOINT, id="an endpoint"),
        pytest.param(around(), "internet", id="public"),
        pytest.param(around(sourceIPAddress="10.0.0.1"), "private, no endpoint told", id="a contradiction"),
        pytest.param(around(sourceIPAddress="athena.amazonaws.com"), "AWS service", id="a service"),
        pytest.param(around(sourceIPAddress="nonsense"), "not told", id="neither"),
    ],
)
def test_words(raw: dict[str, object], told: str) -> None:
    assert describe_way(parsed(raw)) == told

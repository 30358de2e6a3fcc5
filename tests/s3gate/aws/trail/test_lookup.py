"""LookupEvents, asked through boto3, answered over HTTP on loopback."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bare_environment import make_bare
from fake_cloudtrail import FakeCloudTrail
from s3gate.aws.trail.files import TrailUnreadable
from s3gate.aws.trail.lookup import INTERVAL_S, look_up, open_trail
from trail_events import BUCKET, numbered

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_bare(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_all_pages_in_its_own_time() -> None:
    events, rests, pages = numbered(5), list[float](), list[int]()
    with FakeCloudTrail(events, page=2) as service:
        client = open_trail("eu-west-1", service.url)
        assert list(look_up(client, BUCKET, SINCE, pages.append, rests.append)) == events
        asked = service.asked
    assert rests == [INTERVAL_S, INTERVAL_S], "no more than two requests a second"
    assert pages == [1, 2, 3]
    assert [one.get("NextToken") for one in asked] == [None, "2", "4"]
    assert {str(one["LookupAttributes"]) for one in asked} == {
        str([{"AttributeKey": "ResourceName", "AttributeValue": BUCKET}])
    }


def test_throttling_is_waited_for() -> None:
    with FakeCloudTrail(numbered(1), errors=["ThrottlingException"]) as service:
        assert len(list(look_up(open_trail("eu-west-1", service.url), BUCKET, SINCE))) == 1
        assert len(service.asked) == 2


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidTimeRangeException"])
def test_a_refusal(code: str) -> None:
    with FakeCloudTrail([], errors=[code]) as service:
        asked = look_up(open_trail("eu-west-1", service.url), BUCKET, SINCE)
        with pytest.raises(TrailUnreadable, match=f"{code} to cloudtrail:LookupEvents"):
            list(asked)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3gate.aws.trail.lookup.ATTEMPTS", 1)
    with pytest.raises(TrailUnreadable, match="could not be asked"):
        list(look_up(open_trail("eu-west-1", "http://127.0.0.1:1"), BUCKET, SINCE))


@pytest.mark.parametrize(("region", "url"), [(None, None), ("eu-west-1", "nonsense")])
def test_where_to_ask_is_not_known(region: str | None, url: str | None) -> None:
    with pytest.raises(TrailUnreadable, match="CloudTrail cannot be asked"):
        open_trail(region, url)

"""The numbered steps, as decide.py writes them, and the one that refused."""

from datetime import UTC, datetime

import pytest

from s3gate.cli.steps import Came, numbered_steps, refusing_step, walked_steps
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy

POLICY = parse_policy(
    b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1, eu-west-3], classes: [standard]}
rules:
  - {id: r, bucket: bkt, allow: [read]}
  - {id: m, bucket: mon, allow: [read], mode: monitor, until: 2026-12-31}
  - {id: f, bucket: far, allow: [read], regions: [eu-west-3]}
  - {id: u, bucket: upl, allow: [write]}
  - {id: o, bucket: owned, allow: [read], owner: "111122223333"}
  - {id: w, bucket: watched, allow: [list], owner: "111122223333", mode: monitor, until: 2026-12-31}
hosts:
  - {name: logs.eu-west-1.amazonaws.com, accounts: ["111122223333"]}
unsigned: allow
"""
)
URL = "https://%s.s3.eu-west-1.amazonaws.com/k"

COPY = {"Host": "upl.s3.eu-west-1.amazonaws.com", "x-amz-copy-source": "evil/k"}
COPY_OWNED = {**COPY, "x-amz-copy-source": "owned/k"}


def step(**fields: object) -> int | None:
    request = build_request({"method": "GET", **fields}, datetime(2026, 7, 1, tzinfo=UTC))
    return refusing_step(POLICY, request, decide_request(POLICY, request))


def test_every_step_is_read() -> None:
    steps = numbered_steps()
    assert list(steps) == list(range(1, len(steps) + 1))
    assert len(steps) >= 15
    assert all(reasons for _, reasons in steps.values())
    assert Reason.KEY_NOT_ALLOWED in steps[12][1]


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        pytest.param({"url": URL % "bkt"}, None, id="allowed"),
        pytest.param({"url": "https://example.com/"}, 2, id="foreign"),
        pytest.param({"url": URL % "bkt", "sni": None}, 3, id="no sni"),
        pytest.param({"url": URL % "bkt", "headers": []}, 4, id="no host"),
        pytest.param({"url": URL % "evil"}, 10, id="not listed"),
        pytest.param({"url": URL % "bkt", "method": "PUT"}, 12, id="operation"),
        pytest.param({"url": URL % "mon", "method": "PUT"}, 12, id="lifted by monitor mode"),
        pytest.param({"url": "http://bkt.s3.eu-west-1.amazonaws.com/k"}, 6, id="clear text"),
        pytest.param({"url": URL % "bkt", "headers": {"Host": "h.example.com"}}, 5, id="another host"),
        pytest.param({"url": URL % "bkt", "headers": {"Host": "192.0.2.1"}}, 5, id="an address as host"),
        pytest.param({"url": "https://sts.eu-west-1.amazonaws.com/"}, 7, id="a service that is not listed"),
        pytest.param({"url": "https://logs.eu-west-1.amazonaws.com/"}, 7, id="a service, the account"),
        pytest.param({"url": URL % "bkt" + "?a=%zz"}, 8, id="two readings of the query"),
        pytest.param({"url": "https://bkt.s3.eu-west-2.amazonaws.com/k"}, 9, id="region"),
        pytest.param({"url": URL % "far"}, 12, id="region of a rule"),
        pytest.param({"url": URL % "bkt" + "?nonsense", "method": "POST"}, 11, id="unknown operation"),
        pytest.param({"url": URL % "upl", "method": "PUT", "headers": COPY}, 13, id="copy source"),
        pytest.param(
            {"url": URL % "upl", "method": "PUT", "headers": COPY_OWNED}, 13, id="owner of a copy source"
        ),
        pytest.param({"url": URL % "owned"}, 12, id="owner"),
        pytest.param({"url": URL % "watched"}, 14, id="owner, behind what monitor mode lifts"),
    ],
)
def test_the_step_that_refused(fields: dict[str, object], number: int | None) -> None:
    assert step(**fields) == number


def test_steps_behind_the_one_that_refused_are_not_reached() -> None:
    request = build_request({"method": "PUT", "url": URL % "bkt"}, datetime(2026, 7, 1, tzinfo=UTC))
    came = [one.came for one in walked_steps(POLICY, request, decide_request(POLICY, request))]
    assert came == [Came.HELD] * 11 + [Came.REFUSED] + [Came.NOT_REACHED] * 3
    request = build_request({"method": "PUT", "url": URL % "mon"}, datetime(2026, 7, 1, tzinfo=UTC))
    came = [one.came for one in walked_steps(POLICY, request, decide_request(POLICY, request))]
    assert came == [Came.HELD] * 11 + [Came.LIFTED] + [Came.HELD] * 3

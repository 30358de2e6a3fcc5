"""The numbered steps, as decide.py writes them, and the one that refused."""

from datetime import UTC, datetime

import pytest

from s3gate.cli.steps import numbered_steps, refusing_step
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy

POLICY = parse_policy(
    b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules:
  - {id: r, bucket: bkt, allow: [read]}
  - {id: m, bucket: mon, allow: [read], mode: monitor, until: 2026-12-31}
unsigned: allow
"""
)
URL = "https://%s.s3.eu-west-1.amazonaws.com/k"


def step(**fields: object) -> str | None:
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
        pytest.param({"url": "https://example.com/"}, "2", id="foreign"),
        pytest.param({"url": URL % "bkt", "sni": None}, "3", id="no sni"),
        pytest.param({"url": URL % "bkt", "headers": []}, "4", id="no host"),
        pytest.param({"url": URL % "evil"}, "10", id="not listed"),
        pytest.param({"url": URL % "bkt", "method": "PUT"}, "12", id="operation"),
        pytest.param({"url": URL % "mon", "method": "PUT"}, "12", id="lifted by monitor mode"),
    ],
)
def test_the_step_that_refused(fields: dict[str, object], number: str | None) -> None:
    found = step(**fields)
    assert (found or "None").partition(".")[0].split(" or ")[0] == str(number)

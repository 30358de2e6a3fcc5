"""What awscli and s3gate's commands said, judged: only our own refusal, for the right reason, is fine."""

import json

import pytest

from deployed.result import FINE, UNKNOWN, WRONG, Done, judge_refusal, judge_trail

OURS = (
    "An error occurred (AccessDenied) when calling the PutObject operation: s3gate: bucket "
    '"s3gate-smoke-1" is not on the egress allowlist ({}); decision 01KX\n'
)
AROUND = json.dumps({"kind": "request", "verdict": "around", "request_id": "R9"})
THROUGH = json.dumps({"kind": "source", "events": 3})


@pytest.mark.parametrize(
    ("done", "outcome", "told"),
    [
        pytest.param(Done(254, "", OURS.format("BUCKET_NOT_LISTED")), FINE, "BUCKET_NOT_LISTED", id="ours"),
        pytest.param(Done(254, "", OURS.format("KEY_NOT_ALLOWED")), WRONG, "and not", id="another reason"),
        pytest.param(Done(0, "", OURS.format("BUCKET_NOT_LISTED")), WRONG, "it passed", id="passed"),
        pytest.param(
            Done(254, "", "An error occurred (NoSuchBucket) when calling the PutObject operation"),
            WRONG, "not refused by s3gate", id="S3's own answer: it got out",
        ),
        pytest.param(Done(255, "", ""), WRONG, "no output", id="silence"),
    ],
)  # fmt: skip
def test_a_refusal(done: Done, outcome: str, told: str) -> None:
    result = judge_refusal(done, "BUCKET_NOT_LISTED")
    assert (result.outcome, told in result.detail) == (outcome, True), result


@pytest.mark.parametrize(
    ("done", "outcome", "told"),
    [
        pytest.param(Done(0, THROUGH, ""), FINE, "3 events", id="through"),
        pytest.param(Done(1, AROUND, ""), WRONG, "around: request R9", id="around"),
        pytest.param(Done(3, "", "s3gate: no event\n"), UNKNOWN, "s3gate: no event", id="nothing yet"),
        pytest.param(Done(2, "", "Error: no journal\n"), UNKNOWN, "Error: no journal", id="wrong input"),
    ],
)
def test_a_trail(done: Done, outcome: str, told: str) -> None:
    result = judge_trail(done, "vpce-0123456789abcdef0")
    assert (result.outcome, told in result.detail) == (outcome, True), result

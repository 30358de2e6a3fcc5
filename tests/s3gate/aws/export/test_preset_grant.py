"""The rows of presets in the evaluator's reading: exact buckets, one region, reading alone, also unsigned."""

import pytest

from drive.evaluator import ALLOWED, ANYBODY, IMPLICITLY, Evaluator, Question, lint_policy
from s3gate.aws.export.allow_policy import S3, Choice, render_grants
from s3gate.aws.export.document import allow_document
from s3gate.aws.export.preset_grant import preset_grants
from s3gate.policy.document import parse_policy
from s3gate.policy.preset import preset_rows

POLICY = parse_policy(
    b"version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1, us-east-1], classes: [standard]}\n"
    b"presets: [amazon-linux-2023, ssm-agent]\n"
)
AWS_S = "764336703387"


@pytest.mark.parametrize("principal", [None, "arn:aws:iam::111122223333:role/app"])
def test_each_row_may_be_read_and_not_written(evaluator: Evaluator, principal: str | None) -> None:
    policy = allow_document(render_grants(POLICY, Choice("eu-west-1"), (S3,)).grants, principal=True)
    lint_policy(policy)
    rows = [row for row in preset_rows(POLICY) if row.region == "eu-west-1"]
    assert rows
    for row in rows:
        resource = f"arn:aws:s3:::{row.bucket}/k"
        for action, answer in (
            ("s3:GetObject", ALLOWED),
            ("s3:PutObject", IMPLICITLY),
            ("s3:DeleteObject", IMPLICITLY),
        ):
            question = Question(action, resource, AWS_S, principal)
            assert evaluator.ask(question, endpoint=policy, bucket=ANYBODY) == answer


def test_other_regions_are_not_granted() -> None:
    granted = {resource for one in preset_grants(POLICY, "eu-west-1") for resource in one.resources}
    assert granted
    for row in preset_rows(POLICY):
        assert (f"arn:aws:s3:::{row.bucket}/*" in granted) is (row.region == "eu-west-1")
    both = {resource for one in preset_grants(POLICY, None) for resource in one.resources}
    assert both > granted


def test_no_account_is_asked_but_the_endpoint_is_where_it_must_be() -> None:
    through = ("StringEquals", "aws:SourceVpce", ("vpce-0a1b2c3d",))
    assert {one.conditions for one in preset_grants(POLICY, None)} == {frozenset()}
    assert {one.conditions for one in preset_grants(POLICY, None, [through])} == {frozenset({through})}

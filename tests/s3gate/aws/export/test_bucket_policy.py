"""A bucket denies who does not come through our endpoints, in both steps of the cut-over."""

import pytest

from drive.evaluator import ALL, ALLOWED, ANYBODY, EXPLICITLY, Evaluator, Json, Question, lint_policy
from s3gate.aws.export.bucket_policy import Way, bucket_document

OWN = "111122223333"
GATEWAY, INTERFACE, FOREIGN = "vpce-0a1b2c3d4e5f67890", "vpce-1a2b3c4d", "vpce-99999999"
OFFICE = "198.35.26.0/24"
ADMIN = f"arn:aws:iam::{OWN}:role/deploy"
THROUGH = {"aws:SourceVpce": GATEWAY}

STEP_1 = Way((GATEWAY, INTERFACE), (OFFICE,))
STEP_2 = Way((GATEWAY, INTERFACE))


def ask(evaluator: Evaluator, way: Way, context: dict[str, str], principal: str | None, action: str) -> str:
    policy: Json = bucket_document("aws", "data", way)
    lint_policy(policy)
    # the Deny stands beside what the bucket has: here, that everybody may do everything
    statements = [*policy["Statement"], *ANYBODY["Statement"]]
    joined = {**policy, "Statement": statements}
    signed = {} if principal is None else {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}
    resource = "arn:aws:s3:::data" if "Bucket" in action else "arn:aws:s3:::data/k"
    question = Question(action, resource, OWN, principal, signed | context)
    return evaluator.ask(question, bucket=joined, identity=ALL)


@pytest.mark.parametrize(
    ("context", "first", "second"),
    [
        pytest.param({"aws:SourceVpce": GATEWAY}, ALLOWED, ALLOWED, id="gateway endpoint"),
        pytest.param({"aws:SourceVpce": INTERFACE}, ALLOWED, ALLOWED, id="interface endpoint"),
        pytest.param({"aws:SourceVpce": FOREIGN}, EXPLICITLY, EXPLICITLY, id="endpoint of another"),
        pytest.param({"aws:SourceIp": "198.35.26.96"}, ALLOWED, EXPLICITLY, id="from the office"),
        pytest.param({"aws:SourceIp": "203.0.113.7"}, EXPLICITLY, EXPLICITLY, id="from elsewhere"),
        pytest.param({"aws:SourceIp": "2001:db8::1"}, EXPLICITLY, EXPLICITLY, id="by IPv6"),
        pytest.param({}, EXPLICITLY, EXPLICITLY, id="nothing known"),
        pytest.param({"aws:ViaAWSService": "true"}, ALLOWED, ALLOWED, id="a service for a user"),
        pytest.param({"aws:PrincipalIsAWSService": "true"}, ALLOWED, ALLOWED, id="a service itself"),
    ],
)
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:PutBucketPolicy"])
def test_the_two_steps(
    evaluator: Evaluator, context: dict[str, str], first: str, second: str, action: str
) -> None:
    principal = f"arn:aws:iam::{OWN}:role/app"
    assert ask(evaluator, STEP_1, context, principal, action) == first
    assert ask(evaluator, STEP_2, context, principal, action) == second


@pytest.mark.parametrize(("context", "verdict"), [({}, EXPLICITLY), (THROUGH, ALLOWED)])
def test_an_anonymous_request_has_no_key_that_exempts_it(
    evaluator: Evaluator, context: dict[str, str], verdict: str
) -> None:
    assert ask(evaluator, STEP_2, context, None, "s3:GetObject") == verdict


@pytest.mark.parametrize(
    ("principal", "verdict"),
    [(ADMIN, ALLOWED), (f"{ADMIN}er", EXPLICITLY), (ADMIN.replace(OWN, "999988887777"), EXPLICITLY)],
)
def test_one_role_may_keep_a_way_back(evaluator: Evaluator, principal: str, verdict: str) -> None:
    way = Way((GATEWAY,), (), (ADMIN,))
    assert ask(evaluator, way, {"aws:PrincipalArn": principal}, principal, "s3:PutBucketPolicy") == verdict


def test_another_partition() -> None:
    policy: Json = bucket_document("aws-cn", "data", STEP_2)
    [statement] = policy["Statement"]
    assert statement["Resource"] == ["arn:aws-cn:s3:::data", "arn:aws-cn:s3:::data/*"]

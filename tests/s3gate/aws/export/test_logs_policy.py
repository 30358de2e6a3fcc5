"""The logs endpoint takes s3gate's own records and nothing else."""

import pytest

from drive.evaluator import ALLOWED, ANYBODY, IMPLICITLY, Evaluator, Question, lint_policy
from s3gate.aws.export.document import allow_document
from s3gate.aws.export.logs_policy import logs_grants

OWN, OTHER = "111122223333", "999988887777"
POLICY = allow_document(logs_grants("aws", "eu-west-1", OWN, "/s3gate/audit"), principal=True)


def group(account: str = OWN, name: str = "/s3gate/audit", region: str = "eu-west-1") -> str:
    return f"arn:aws:logs:{region}:{account}:log-group:{name}"


@pytest.mark.parametrize(
    ("action", "resource", "signer", "verdict"),
    [
        ("PutLogEvents", f"{group()}:log-stream:w1", OWN, ALLOWED),
        ("CreateLogStream", f"{group()}:log-stream:w1", OWN, ALLOWED),
        ("FilterLogEvents", group(), OWN, ALLOWED),
        ("DescribeMetricFilters", group(), OWN, ALLOWED),
        ("PutLogEvents", f"{group(name='/evil')}:log-stream:w1", OWN, IMPLICITLY),
        ("PutLogEvents", f"{group(name='/s3gate/audit2')}:log-stream:w1", OWN, IMPLICITLY),
        ("PutLogEvents", f"{group(account=OTHER)}:log-stream:w1", OTHER, IMPLICITLY),
        ("PutLogEvents", f"{group()}:log-stream:w1", OTHER, IMPLICITLY),
        ("PutLogEvents", f"{group(region='us-east-1')}:log-stream:w1", OWN, IMPLICITLY),
        ("DeleteLogGroup", group(), OWN, IMPLICITLY),
        ("DeleteLogStream", f"{group()}:log-stream:w1", OWN, IMPLICITLY),
    ],
)
def test_own_group_own_keys_own_actions(
    evaluator: Evaluator, action: str, resource: str, signer: str, verdict: str
) -> None:
    lint_policy(POLICY)
    account = resource.split(":")[4]
    principal = f"arn:aws:iam::{signer}:role/app"
    question = Question(f"logs:{action}", resource, account, principal, {"aws:PrincipalAccount": signer})
    bucket = None if account == signer else ANYBODY
    assert evaluator.ask(question, endpoint=POLICY, bucket=bucket) == verdict

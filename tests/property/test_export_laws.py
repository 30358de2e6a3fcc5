"""What the gate allows every export allows; another bucket, or one of another owner, every export denies.

botocore builds and signs every operation of its model for every bucket of a small world, in and out of `keys`, bare and with
every header; `decide_request` judges it, `wire_actions` says what S3 would ask IAM, and the evaluator
answers for the rendered policies. Exceptions are named, and each must occur.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final  # Any: botocore has no types

import pytest
from botocore.exceptions import EndpointResolutionError
from hypothesis import example, given
from hypothesis import strategies as st

from drive.evaluator import ALLOWED, ANYBODY, IMPLICITLY, Evaluator, Json, Question, lint_policy
from drive.wire_actions import VPCE, questions
from generate.s3_requests import ACCOUNT, Requests, Sent
from s3gate.aws.export.allow_policy import S3, Choice, render_grants
from s3gate.aws.export.bucket_policy import Way, bucket_document
from s3gate.aws.export.document import allow_document
from s3gate.aws.export.target import as_pattern
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import KeyGlob
from s3gate.policy.reading import Client, Request

REGION: Final = "ap-northeast-1"
OTHER: Final = "364679954851"
POINT: Final = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/finance"
POLICY: Final = parse_policy(
    f"""
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard, access-point]}}
rules:
  - {{id: every, bucket: every-bucket, allow: [read, write, list, delete, admin], encryption: any}}
  - {{id: read, bucket: read-bucket, allow: [read]}}
  - {{id: write, bucket: write-bucket, allow: [write]}}
  - {{id: list, bucket: list-bucket, allow: [list]}}
  - {{id: delete, bucket: delete-bucket, allow: [delete]}}
  - {{id: single, bucket: single-bucket, allow: [GetObject, PutObject]}}
  - {{id: keyed, bucket: keyed-bucket, allow: [read, write, list, delete, admin], keys: ["in/*", "$x?z/*"]}}
  - {{id: owned, bucket: owned-bucket, allow: [read, write, list, delete], owner: "{ACCOUNT}"}}
  - {{id: taken, bucket: taken-bucket, allow: [read, write, list, delete], owner: "{ACCOUNT}"}}
  - {{id: theirs, bucket: their-bucket, allow: [read, write], accounts: ["{OTHER}"]}}
  - {{id: named, fqdn: named-bucket.s3.{REGION}.amazonaws.com, allow: [read, list]}}
  - {{id: point, access_point: "{POINT}", allow: [read, write, list, delete]}}
""".encode()
)
LISTED: Final = (
    "every-bucket", "read-bucket", "write-bucket", "list-bucket", "delete-bucket", "single-bucket", "keyed-bucket",
    "owned-bucket", "taken-bucket", "their-bucket", "named-bucket",
)  # fmt: skip
UNLISTED: Final = ("evil-bucket", "every-bucket2", "very-bucket", "other-bucket")
OWNERS: Final = {
    name: OTHER if name in {"taken-bucket", "evil-bucket"} else ACCOUNT for name in (*LISTED, *UNLISTED)
}
KEYS: Final = ("in/a b", "out/b", "$xyz/日本")
# Refused for what a request names: no export may allow it.
NAMED: Final = {Reason.BUCKET_NOT_LISTED, Reason.ACCOUNT_NOT_ALLOWED, Reason.COPY_SOURCE_NOT_LISTED}
# Those that are asked about with every header as well.
EVERY_HEADER: Final = {
    "every-bucket",
    "write-bucket",
    "keyed-bucket",
    "owned-bucket",
    "taken-bucket",
    "single-bucket",
}
# Not asked about: no bucket is named, or S3 Express alone knows them.
ELSEWHERE: Final = {
    "ListBuckets",
    "ListDirectoryBuckets",
    "WriteGetObjectResponse",
    "CreateSession",
    "RenameObject",
}
_HEAD_BUCKET: Final = "HeadBucket under keys"
# Where the gate says no and the export yes: several operations share one action of IAM, and ListBucketMultipartUploads
# knows no prefix. The gate refuses these; nobody else does.
WIDER: Final = {
    ("keyed-bucket", "ListMultipartUploads"),
    ("list-bucket", "HeadBucket"),
    ("read-bucket", "ListObjects"),
    ("read-bucket", "ListObjectsV2"),
    ("single-bucket", "CompleteMultipartUpload"),
    ("single-bucket", "CreateMultipartUpload"),
    ("single-bucket", "HeadObject"),
    ("single-bucket", "SelectObjectContent"),
    ("single-bucket", "UploadPart"),
    ("single-bucket", "UploadPartCopy"),
}


@dataclass(frozen=True)
class Case:
    """One request with what became of it."""

    bucket: str
    operation: str
    sent: Sent
    decision: Decision


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as running:
        yield running


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    requests = Requests()
    client: Any = requests.client(REGION, "virtual")
    found = []
    for operation, bucket in product(sorted(requests.model.operation_names), (*LISTED, *UNLISTED, POINT)):
        if operation in ELSEWHERE or (bucket == POINT and not known_by_points(operation)):
            continue
        members = requests.model.operation_model(operation).input_shape.members
        varied = "Key" if "Key" in members else ("Prefix" if "Prefix" in members else "Bucket")
        several = bucket == "keyed-bucket" and varied != "Bucket"
        for key, full in product(
            KEYS if several else KEYS[:1], (False, True) if bucket in EVERY_HEADER else (False,)
        ):
            arguments = requests.parameters(operation, bucket, key, full=full)
            if varied == "Prefix" and (full or key != KEYS[0]):
                arguments["Prefix"] = key
            if full and "CopySource" in members:
                arguments["CopySource"] = {"Bucket": "every-bucket", "Key": key, "VersionId": "v1"}
            for owner in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
                if owner in arguments:
                    arguments[owner] = ACCOUNT
            try:
                sent = requests.sent(client, operation, arguments)
            except EndpointResolutionError:
                assert bucket == POINT  # botocore knows some of what access points do not
                continue
            found.append(Case(bucket, operation, sent, decide_request(POLICY, asked(sent))))
    return found


def known_by_points(operation: str) -> bool:
    """S3 user guide, access point compatibility; what it lacks S3 refuses by itself."""
    if operation in {"GetObjectTorrent", "SelectObjectContent"}:
        return False
    configuration = "Bucket" in operation or operation.endswith(("PublicAccessBlock", "LockConfiguration"))
    return not configuration or operation in {
        "GetBucketAcl", "GetBucketCors", "GetBucketLocation", "GetBucketNotificationConfiguration", "GetBucketPolicy",
        "HeadBucket",
    }  # fmt: skip


def asked(sent: Sent) -> Request:
    return Request(
        sent.method, "https", None, sent.target, sent.headers, f"{sent.host}:443", sent.host,
        Client("10.0.0.1"), datetime.now(UTC),
    )  # fmt: skip


def verdict(evaluator: Evaluator, case: Case, **policies: Json) -> bool:
    """Whether AWS would let the whole request pass; a bucket of another account lets everybody in."""
    found = list(questions(case.sent, OWNERS))
    assert found, case
    answers = [
        evaluator.ask(one, bucket=None if one.account == ACCOUNT else ANYBODY, **policies) for one in found
    ]
    assert set(answers) <= {ALLOWED, IMPLICITLY}, (case, answers)
    return all(answer == ALLOWED for answer in answers)


def rendered(*, principal: bool, owner: str | None = None) -> Json:
    extra = [] if principal else [("StringEquals", "aws:SourceVpce", (VPCE,))]
    grants = render_grants(POLICY, Choice(REGION, owner=owner), (S3,), extra).grants
    document: Json = allow_document(grants, principal=principal)
    lint_policy(document)
    return document


def excused(case: Case) -> str | None:
    if case.bucket == "keyed-bucket" and case.operation == "HeadBucket":
        return _HEAD_BUCKET
    return None


@pytest.mark.parametrize("kind", ["vpc-endpoint", "iam"])
def test_what_the_gate_allows_is_allowed_and_other_buckets_are_not(
    evaluator: Evaluator, cases: list[Case], kind: str
) -> None:
    document = rendered(principal=kind == "vpc-endpoint")
    policies = {"endpoint" if kind == "vpc-endpoint" else "identity": document}
    seen: Counter[str] = Counter()
    for case in cases:
        foreign = case.bucket == "taken-bucket"
        allows = verdict(evaluator, case, **policies)
        reason = case.decision.reason
        if reason is Reason.ALLOWED_BY_RULE and not foreign:
            seen["allowed"] += 1
            if not allows:
                why = excused(case)
                assert why is not None, (case.operation, case.bucket, case.sent)
                seen[why] += 1
        elif foreign or reason in NAMED:
            # of a `fqdn` the gate refuses path-style, which IAM does not see
            assert not allows or (case.bucket == "named-bucket" and case.sent.host.startswith("s3.")), case
            seen[reason] += 1
    assert seen["allowed"] > 500
    assert set(seen) >= NAMED
    assert seen[_HEAD_BUCKET]


def test_aws_enforces_the_owner_also_where_the_client_sends_no_header(
    evaluator: Evaluator, cases: list[Case]
) -> None:
    """The gate refuses these for want of a proof; the export asks AWS, which knows whose the bucket is."""
    document = rendered(principal=True)
    unproven = [
        case
        for case in cases
        if case.decision.reason is Reason.BUCKET_OWNER_NOT_PROVEN and "Copy" not in case.operation
    ]
    assert {case.bucket for case in unproven} == {"owned-bucket", "taken-bucket"}
    for case in unproven:
        assert verdict(evaluator, case, endpoint=document) == (case.bucket == "owned-bucket"), case


def test_a_default_owner_closes_buckets_of_others(evaluator: Evaluator) -> None:
    document = rendered(principal=True, owner=ACCOUNT)
    for account, answer in ((ACCOUNT, ALLOWED), (OTHER, IMPLICITLY)):
        context = {"aws:ResourceAccount": account, "aws:PrincipalAccount": ACCOUNT}
        question = Question("s3:GetObject", "arn:aws:s3:::read-bucket/k", account, context=context)
        assert evaluator.ask(question, endpoint=document, bucket=ANYBODY) == answer


def test_keys_and_operations_stay_closed_where_iam_can_tell(evaluator: Evaluator, cases: list[Case]) -> None:
    """What the gate refuses for the key or the operation passes only by actions that the rule's operations need."""
    document = rendered(principal=True)
    wider = set()
    for case in cases:
        reason = case.decision.reason
        if reason not in {Reason.KEY_NOT_ALLOWED, Reason.OPERATION_NOT_ALLOWED}:
            continue
        if verdict(evaluator, case, endpoint=document):
            wider.add((case.bucket, case.operation))
    assert wider == WIDER


def test_users_must_come_through_the_endpoint(evaluator: Evaluator) -> None:
    document = rendered(principal=False)
    for came, answer in ((VPCE, ALLOWED), ("vpce-00000000000000000", IMPLICITLY), (None, IMPLICITLY)):
        context = {"aws:ResourceAccount": ACCOUNT, "aws:PrincipalAccount": ACCOUNT}
        if came is not None:
            context["aws:SourceVpce"] = came
        question = Question("s3:GetObject", "arn:aws:s3:::read-bucket/k", ACCOUNT, context=context)
        assert evaluator.ask(question, identity=document) == answer


def test_a_bucket_policy_lets_the_gate_s_requests_pass(evaluator: Evaluator, cases: list[Case]) -> None:
    for case in cases:
        if case.decision.reason is Reason.ALLOWED_BY_RULE and case.bucket == "every-bucket":
            policy: Json = bucket_document("aws", case.bucket, Way((VPCE,)))
            for question in questions(case.sent, OWNERS):
                assert evaluator.ask(question, bucket=policy) == ALLOWED, case


_GLOB: Final = st.text("a/*?${}é", min_size=1, max_size=6)
_KEY: Final = st.text("a/${}é.", min_size=1, max_size=6)


@given(glob=_GLOB, key=_KEY)
@example(glob="${aws:username}/*", key="app/k")
@example(glob="${aws:username}/*", key="${aws:username}/k")
@example(glob="${*}", key="${x}")
@example(glob="${$}", key="$")
@example(glob="*a*", key="b/a/b")
def test_a_key_glob_means_the_same_to_iam(evaluator: Evaluator, glob: str, key: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{**statement, "Resource": f"arn:aws:s3:::data/{as_pattern(glob)}"}],
    }
    context = {"aws:username": "app"}
    principal = f"arn:aws:iam::{ACCOUNT}:user/app"
    question = Question("s3:GetObject", f"arn:aws:s3:::data/{key}", ACCOUNT, principal, context)
    answer = evaluator.ask(question, endpoint=policy)
    assert (answer == ALLOWED) == KeyGlob.compile(glob).matches(key)

"""What one rule grants, in the evaluator's reading."""

import pytest

from drive.evaluator import ALLOWED, IMPLICITLY, Evaluator, Question, lint_policy
from s3gate.aws.export.document import Document, allow_document, merge_grants
from s3gate.aws.export.grant import coarse_grants_of, grants_of, operations_of
from s3gate.aws.export.target import target_of
from s3gate.policy.document import parse_policy

OWN, OTHER = "609629065308", "364679954851"
HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard, express, access-point]}\n"
OBJECT, BUCKET = "arn:aws:s3:::data/in/a", "arn:aws:s3:::data"
POINT = f"arn:aws:s3:eu-west-1:{OWN}:accesspoint/fin"


def rendered(rule: str, *, coarse: bool = False) -> Document:
    parsed = parse_policy(f"{HEAD}rules: [{{id: r, {rule}}}]\n".encode())
    one = parsed.rules[0]
    grants = (coarse_grants_of if coarse else grants_of)(one, target_of(parsed, one), one.owner)
    found = allow_document(merge_grants(grants), principal=True)
    lint_policy(found)
    return found


def ask(
    evaluator: Evaluator,
    policy: Document,
    action: str,
    resource: str = OBJECT,
    account: str = OWN,
    **context: str,
) -> str:
    names = {name.replace("__", ":").replace("_", "-"): value for name, value in context.items()}
    whole = {"aws:ResourceAccount": account, "aws:PrincipalAccount": OWN, **names}
    return evaluator.ask(Question(f"s3:{action}", resource, account, context=whole), endpoint=policy)


DATA = "bucket: data, allow: [read, write]"


@pytest.mark.parametrize(
    ("rule", "action", "resource", "verdict"),
    [
        pytest.param(DATA, "GetObject", OBJECT, ALLOWED, id="read"),
        pytest.param(DATA, "PutObject", OBJECT, ALLOWED, id="write"),
        pytest.param(DATA, "DeleteObject", OBJECT, IMPLICITLY, id="delete was not allowed"),
        pytest.param(DATA, "PutBucketPolicy", BUCKET, IMPLICITLY, id="admin was not allowed"),
        pytest.param(DATA, "GetObject", "arn:aws:s3:::data2/in/a", IMPLICITLY, id="a longer name"),
        pytest.param(DATA, "GetObject", "arn:aws:s3:::dat/in/a", IMPLICITLY, id="a shorter name"),
        pytest.param("bucket: data, allow: [GetObject]", "GetObject", OBJECT, ALLOWED, id="one operation"),
        pytest.param("bucket: data, allow: [GetObject]", "ListBucket", BUCKET, IMPLICITLY, id="and no other"),
        pytest.param('bucket: data, allow: [read, write, list], keys: ["in/*"]', "PutObject", OBJECT, ALLOWED, id="key"),
        pytest.param(
            'bucket: data, allow: [read, write, list], keys: ["in/*"]',
            "PutObject", "arn:aws:s3:::data/out/a", IMPLICITLY, id="another key",
        ),
        pytest.param('bucket: data, allow: [admin], keys: ["in/*"]', "PutBucketPolicy", BUCKET, IMPLICITLY, id="keys bound admin"),
        pytest.param('bucket: data, allow: [delete], keys: ["in/*"]', "DeleteObject", OBJECT, ALLOWED, id="delete by key"),
        pytest.param('bucket: data, allow: [DeleteObjects, GetObject], keys: ["in/*"]', "DeleteObject", OBJECT, IMPLICITLY, id="keys in a body"),
    ],
)  # fmt: skip
def test_one_rule(evaluator: Evaluator, rule: str, action: str, resource: str, verdict: str) -> None:
    assert ask(evaluator, rendered(rule), action, resource) == verdict


def test_owner_is_enforced_by_aws_for_every_client(evaluator: Evaluator) -> None:
    policy = rendered(f'{DATA}, owner: "{OWN}"')
    assert ask(evaluator, policy, "PutObject") == ALLOWED
    anybody = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
    foreign = Question(
        "s3:PutObject", OBJECT, OTHER, context={"aws:ResourceAccount": OTHER, "aws:PrincipalAccount": OWN}
    )
    assert evaluator.ask(foreign, endpoint=policy, bucket=anybody) == IMPLICITLY
    assert evaluator.ask(foreign, endpoint=rendered(DATA), bucket=anybody) == ALLOWED


def test_accounts_that_may_sign(evaluator: Evaluator) -> None:
    assert ask(evaluator, rendered(f'{DATA}, accounts: ["{OWN}"]'), "PutObject") == ALLOWED
    assert ask(evaluator, rendered(f'{DATA}, accounts: ["{OTHER}"]'), "PutObject") == IMPLICITLY


@pytest.mark.parametrize(
    ("keys", "prefix", "verdict"),
    [
        ('["in/*"]', "in/", ALLOWED),
        ('["in/*"]', "in/deeper/", ALLOWED),
        ('["in/*"]', "out/", IMPLICITLY),
        ('["in/*"]', None, IMPLICITLY),
        ('["in/*", "*"]', None, ALLOWED),
        ('["exact"]', "exact", IMPLICITLY),
        ('["a$b/*"]', "a$b/", ALLOWED),
        ('["a?b/*"]', "axb/", ALLOWED),
    ],
)
def test_a_list_stays_within_the_keys(
    evaluator: Evaluator, keys: str, prefix: str | None, verdict: str
) -> None:
    policy = rendered(f"bucket: data, allow: [read, list], keys: {keys}")
    context = {} if prefix is None else {"s3__prefix": prefix}
    assert ask(evaluator, policy, "ListBucket", BUCKET, **context) == verdict


def test_head_bucket_under_keys_is_there_by_name_only(evaluator: Evaluator) -> None:
    policy = rendered('bucket: data, allow: [GetObject, HeadBucket], keys: ["in/*"]')
    assert ask(evaluator, policy, "ListBucket", BUCKET) == ALLOWED
    assert ask(evaluator, policy, "ListBucket", BUCKET, s3__prefix="out/") == IMPLICITLY
    assert (
        ask(evaluator, rendered('bucket: data, allow: [read], keys: ["in/*"]'), "ListBucket", BUCKET)
        == IMPLICITLY
    )
    assert ask(evaluator, rendered("bucket: data, allow: [read]"), "ListBucket", BUCKET) == ALLOWED


@pytest.mark.parametrize(
    ("acl", "verdict"),
    [
        ("bucket-owner-full-control", ALLOWED),
        ("private", ALLOWED),
        ("public-read", IMPLICITLY),
        (None, IMPLICITLY),
    ],
)
def test_an_upload_may_bring_an_acl_that_gives_nothing_away(
    evaluator: Evaluator, acl: str | None, verdict: str
) -> None:
    context = {} if acl is None else {"s3__x_amz_acl": acl}
    assert ask(evaluator, rendered(DATA), "PutObjectAcl", **context) == verdict


@pytest.mark.parametrize("coarse", [False, True])
def test_an_access_point_and_the_bucket_behind_it_through_it_alone(
    evaluator: Evaluator, coarse: bool
) -> None:
    policy = rendered(f'access_point: "{POINT}", allow: [read, list]', coarse=coarse)
    through = {"s3__DataAccessPointArn": POINT}
    assert ask(evaluator, policy, "GetObject", f"{POINT}/object/in/a", **through) == ALLOWED
    assert ask(evaluator, policy, "GetObject", f"{POINT}2/object/in/a") == IMPLICITLY
    assert ask(evaluator, policy, "ListBucket", POINT, **through) == ALLOWED
    assert ask(evaluator, policy, "GetObject", OBJECT) == IMPLICITLY
    assert ask(evaluator, policy, "ListBucketMultipartUploads", BUCKET, **through) == ALLOWED
    other = {"s3__DataAccessPointArn": f"{POINT}2"}
    assert ask(evaluator, policy, "ListBucketMultipartUploads", BUCKET, **other) == IMPLICITLY


def test_a_directory_bucket_is_opened_by_its_session(evaluator: Evaluator) -> None:
    arn = f"arn:aws:s3express:eu-west-1:{OWN}:bucket/data--euw1-az1--x-s3"
    policy = rendered(f'bucket: data--euw1-az1--x-s3, allow: [read], owner: "{OWN}"')
    context = {"aws:ResourceAccount": OWN, "aws:PrincipalAccount": OWN}

    def create(resource: str) -> str:
        return evaluator.ask(
            Question("s3express:CreateSession", resource, OWN, context=context), endpoint=policy
        )

    assert create(arn) == ALLOWED
    assert create(arn.replace("data", "evil")) == IMPLICITLY
    assert create(arn.replace(OWN, OTHER)) == IMPLICITLY


def test_coarse_is_every_action_on_the_same_buckets_of_the_same_owner(evaluator: Evaluator) -> None:
    policy = rendered(f'bucket: data, allow: [GetObject], keys: ["in/*"], owner: "{OWN}"', coarse=True)
    assert ask(evaluator, policy, "DeleteObject", "arn:aws:s3:::data/out") == ALLOWED
    assert ask(evaluator, policy, "DeleteObject", "arn:aws:s3:::evil/in/a") == IMPLICITLY
    foreign = Question(
        "s3:PutObject", OBJECT, OTHER, context={"aws:ResourceAccount": OTHER, "aws:PrincipalAccount": OWN}
    )
    assert evaluator.ask(foreign, endpoint=policy, bucket={**rendered(DATA)}) == IMPLICITLY


def test_operations_of_classes_and_names() -> None:
    parsed = parse_policy(f"{HEAD}rules: [{{id: r, bucket: data, allow: [delete, GetObject]}}]\n".encode())
    assert operations_of(parsed.rules[0]) == {
        "DeleteObject",
        "DeleteObjects",
        "DeleteObjectAnnotation",
        "GetObject",
    }

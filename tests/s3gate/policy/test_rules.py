"""The first rule that passes decides; among those that fail, the one that got furthest."""

from dataclasses import replace

import pytest

from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Rule
from s3gate.policy.reading import Client
from s3gate.policy.rules import Asked, RuleRefusal, encryption_problem, find_rule
from s3gate.s3.operation import Operation, OperationClass
from s3gate.s3.operation_needs import CUSTOMER_KEY

POLICY = parse_policy(
    b"version: 1\n"
    b"endpoints: {partitions: [aws], regions: [eu-west-1, us-east-1], classes: [standard]}\n"
    b"clients: {batch: {cidrs: [10.20.0.0/24]}}\nrules:\n"
    b"  - {id: region, bucket: bucket-a, allow: [write], regions: [us-east-1]}\n"
    b"  - {id: client, bucket: bucket-a, allow: [write], clients: [batch]}\n"
    b'  - {id: keys, bucket: bucket-a, allow: [write, list], keys: ["in/*"]}\n'
    b"  - {id: wide, bucket: bucket-b, allow: [write, list]}\n"
    b'  - {id: owned, bucket: bucket-c, allow: [write], accounts: ["111122223333"]}\n'
)
RULES = {rule.id: rule for rule in POLICY.rules}
PUT = Operation("PutObject", OperationClass.WRITE)
ASKED = Asked("eu-west-1", PUT, ("in/a",), Client("10.0.0.1"), "111122223333")


def find(asked: Asked, *names: str) -> Rule | tuple[RuleRefusal, ...]:
    return find_rule(POLICY, tuple(RULES[name] for name in names), asked)


def refusals(asked: Asked, *names: str) -> tuple[RuleRefusal, ...]:
    found = find(asked, *names)
    assert isinstance(found, tuple)
    return found


def test_the_first_rule_that_passes_decides() -> None:
    found = find(ASKED, "region", "client", "keys")
    assert isinstance(found, Rule)
    assert found.id == "keys"


def test_without_candidates_there_is_no_refusal_either() -> None:
    assert find(ASKED) == ()


def test_the_furthest_refusal_comes_first() -> None:
    found = refusals(replace(ASKED, keys=("out/a",)), "region", "client", "keys")
    assert [one.rule.id for one in found] == ["keys", "client", "region"]
    assert [one.reason for one in found] == [
        Reason.KEY_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED,
        Reason.REGION_NOT_ALLOWED,
    ]


def test_among_equals_the_file_order_holds() -> None:
    asked = replace(ASKED, operation=Operation("GetObject", OperationClass.READ))
    assert [one.rule.id for one in refusals(asked, "wide", "owned")] == ["wide", "owned"]


def test_an_operation_needs_everything_it_amounts_to() -> None:
    asked = replace(ASKED, operation=replace(PUT, also=frozenset({"PutObjectAcl"})))
    assert refusals(asked, "wide")[0].detail.startswith("PutObjectAcl")


def test_every_reading_of_a_key_must_fit() -> None:
    assert refusals(replace(ASKED, keys=("in/a+b", "out/a b")), "keys")
    assert refusals(replace(ASKED, operation=replace(PUT, source_keys=("out/x",))), "keys")


@pytest.mark.parametrize(
    ("prefix", "fits"),
    [("in/", True), ("in/a", True), ("in/a/../b", True), ("in/../", False), ("in/./../out", False)],
)
def test_a_list_stays_within_the_keys_in_every_reading(prefix: str, fits: bool) -> None:
    listing = Operation("ListObjectsV2", OperationClass.LIST, listed_prefix=prefix)
    found = find(replace(ASKED, operation=listing, keys=()), "keys")
    assert isinstance(found, Rule) is fits


def test_keys_in_the_body_cannot_be_judged() -> None:
    delete = Operation("DeleteObjects", OperationClass.WRITE, keys_in_body=True)
    assert "body" in refusals(replace(ASKED, operation=delete, keys=()), "keys")[0].detail


@pytest.mark.parametrize("address", ["not-an-address", "", "fe80::1%eth0", "10.20.1.5"])
def test_a_client_outside_the_group_is_refused(address: str) -> None:
    assert refusals(replace(ASKED, client=Client(address)), "client")[0].reason is Reason.CLIENT_NOT_ALLOWED


def test_an_unknown_account_is_no_listed_one() -> None:
    assert refusals(replace(ASKED, account=None), "owned")[0].reason is Reason.ACCOUNT_NOT_ALLOWED


ENCRYPTION = [
    ("none", None, "111122223333", True),
    ("a key of the signer by id", "1234abcd", "111122223333", True),
    ("an alias", "alias/data", None, True),
    ("an arn of the signer", "arn:aws:kms:eu-west-1:111122223333:key/1", "111122223333", True),
    ("an arn of another account", "arn:aws:kms:eu-west-1:999999999999:key/1", "111122223333", False),
    ("an arn, signer not told", "arn:aws:kms:eu-west-1:111122223333:key/1", None, False),
    ("an arn of an alias", "arn:aws:kms:eu-west-1:111122223333:alias/data", "111122223333", True),
    ("a multi-region key", "mrk-1234abcd12ab34cd56ef1234567890ab", "111122223333", True),
    ("a broken arn", "arn:aws", "111122223333", False),
    ("an arn in capitals", "ARN:aws:kms:eu-west-1:999999999999:key/1", "111122223333", False),
    ("an arn in capitals, own", "ARN:aws:kms:eu-west-1:111122223333:key/1", "111122223333", False),
    ("an arn behind a blank", " arn:aws:kms:eu-west-1:999999999999:key/1", "111122223333", False),
    ("an arn in quotes", '"arn:aws:kms:eu-west-1:999999999999:key/1"', "111122223333", False),
    ("an arn encoded", "arn%3Aaws%3Akms%3Aeu-west-1%3A999999999999%3Akey%2F1", "111122223333", False),
    ("an arn behind an alias", "alias/x, arn:aws:kms:eu-west-1:999999999999:key/1", "111122223333", False),
    ("two accounts", "arn:aws:kms:eu-west-1:111122223333:999999999999:key/1", "111122223333", False),
    ("an account without arn", "999999999999:key/1", "111122223333", False),
    ("an arn and a line break", "arn:aws:kms:eu-west-1:111122223333:key/1\n", "111122223333", False),
    ("a key id and a line break", "1234abcd\n", "111122223333", False),
    ("the client's own key", CUSTOMER_KEY, "111122223333", False),
]


@pytest.mark.parametrize(
    ("name", "key", "account", "fine"), ENCRYPTION, ids=[row[0].replace(" ", "-") for row in ENCRYPTION]
)
def test_a_write_must_stay_readable_for_its_owner(
    name: str, key: str | None, account: str | None, fine: bool
) -> None:
    asked = replace(ASKED, operation=replace(PUT, encryption=key), account=account)
    assert (encryption_problem(asked) is None) is fine

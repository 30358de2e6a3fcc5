"""What a record leaves open, and what it does not."""

import pytest

from generate.asks import GOOD, POLICY, REGION, ROOT, Ask, policy
from generate.recorded import facts
from s3gate.replay.world import ELSEWHERE, PLAIN, candidate_rules, endpoint_of, is_service, possible_worlds

BASE = policy()
OWNED = policy(text=POLICY.replace("delete]}", 'delete], owner: "609629065308"}'))
GLOBAL = Ask(host="good-bucket.s3.amazonaws.com", region="us-east-1")


def test_the_plain_world_comes_first() -> None:
    assert next(possible_worlds(facts(BASE, Ask()), [BASE])) == PLAIN


def test_of_an_allowed_request_the_signature_is_not_open() -> None:
    assert {one.binding for one in possible_worlds(facts(BASE, Ask()), [BASE])} == {"binds"}


def test_of_a_refused_one_it_is() -> None:
    refused = facts(BASE, Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT"))
    assert {one.binding for one in possible_worlds(refused, [BASE])} == {"binds", "uncovered", "elsewhere"}


def test_a_global_name_leaves_the_region_open_and_only_that_kind_of_name() -> None:
    regions = {one.region for one in possible_worlds(facts(BASE, GLOBAL), [BASE])}
    assert regions == {REGION, "us-east-1", ELSEWHERE}
    assert {one.region for one in possible_worlds(facts(BASE, Ask()), [BASE])} == {None}


def test_headers_matter_only_where_a_rule_would_refuse_them() -> None:
    alike = {one.also for one in possible_worlds(facts(BASE, Ask(method="PUT")), [BASE])}
    assert alike == {frozenset(), frozenset({"PutObjectAcl"})}, "one stands for all that are alike"
    assert {one.also for one in possible_worlds(facts(BASE, Ask()), [BASE])} == {frozenset()}, (
        "a GET takes none"
    )
    odd = {one.also for one in possible_worlds(facts(BASE, Ask()), [BASE], strange=True)}
    assert odd == {frozenset(), frozenset({"PutObjectAcl"})}
    everything = policy(text=POLICY.replace("delete]}", "delete, admin]}"))
    assert {one.also for one in possible_worlds(facts(everything, Ask(method="PUT")), [everything])} == {
        frozenset()
    }


def test_a_write_may_bring_a_key_and_a_read_may_not() -> None:
    assert {one.encryption for one in possible_worlds(facts(BASE, Ask(method="PUT")), [BASE])} == {
        None,
        "customer-key",
    }
    assert {one.encryption for one in possible_worlds(facts(BASE, Ask()), [BASE])} == {None}


def test_owners_matter_where_a_rule_asks_for_one() -> None:
    assert {one.owner for one in possible_worlds(facts(OWNED, Ask()), [OWNED])} == {None, "609629065308"}
    assert {one.owner for one in possible_worlds(facts(BASE, Ask()), [BASE])} == {None}


@pytest.mark.parametrize(
    ("ask", "rules"),
    [
        (Ask(), ["data"]),
        (Ask(host=ROOT, target="/read-only/k"), ["reports"]),
        (Ask(f"named.s3.{REGION}.amazonaws.com"), ["name"]),
        (Ask(method="PUT", headers=(("x-amz-copy-source", "keyed/incoming/a"),)), ["data", "inbox"]),
        (Ask(f"sts.{REGION}.amazonaws.com", "/", service="sts"), []),
    ],
)
def test_the_rules_that_may_be_met(ask: Ask, rules: list[str]) -> None:
    assert [rule.id for rule in candidate_rules(BASE, facts(BASE, ask))] == rules


def test_what_a_host_is() -> None:
    bucket, service = facts(BASE, Ask()), facts(BASE, Ask(f"sts.{REGION}.amazonaws.com", "/", service="sts"))
    found = endpoint_of(bucket)
    assert found is not None
    assert found.host == GOOD
    assert endpoint_of(service) is None
    assert (is_service(bucket), is_service(service)) == (False, True)

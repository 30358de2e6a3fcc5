"""Few rules, none of which allows what was not asked."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.operation import OPERATION_CLASS
from s3gate.suggest.plan import CLIENTS_MAX, KEYS_MAX, Witness, as_network, folders, make_plan
from s3gate.suggest.want import HostWant, RuleWant, Word

WANT = RuleWant("bucket", "one", "aws", "GetObject", (), False, False, "a", None, "111122223333", None, False)
SEEN = Witness(1, "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", {"10.0.0.1"})

wants = st.builds(
    lambda value, operation, group, account: replace(
        WANT, value=value, operation=operation, group=group, account=account
    ),
    st.sampled_from(["one", "two"]),
    st.sampled_from(["GetObject", "PutObject", "DeleteObject", "PutBucketPolicy"]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["111122223333", "444455556666", None]),
)


def allowed(plan_of: Iterable[RuleWant]) -> set[tuple[str, str, str | None, str | None]]:
    """Every (bucket, word, group, account) that the plan allows; None is everybody."""
    found = set()
    for rule in make_plan((one, SEEN) for one in plan_of).rules:
        groups, accounts = rule.groups or {None}, rule.accounts or {None}
        found |= {(rule.want.value, *one) for one in product(rule.words, groups, accounts)}
    return found


def word(name: str) -> str:
    return name if OPERATION_CLASS[name] == "admin" else str(OPERATION_CLASS[name])


@given(st.lists(wants, max_size=12))
def test_merging_adds_nothing_and_loses_nothing(asked: list[RuleWant]) -> None:
    wanted = {(one.value, word(one.operation), one.group, one.account) for one in asked}
    told = allowed(asked)
    for value, name, group, account in wanted:
        covering = product((group, None), (account, None))
        assert any((value, name, *one) in told for one in covering), "everything is allowed"
    for value, name, group, account in told:
        assert (value, name, group, account) in wanted, "and nothing else"


def test_operations_then_clients_then_accounts_are_put_together() -> None:
    asked = [
        replace(WANT, operation=operation, group=group, account=account)
        for operation, group, account in product(
            ("GetObject", "PutObject"), "ab", ("111122223333", "444455556666")
        )
    ]
    (rule,) = make_plan((one, SEEN) for one in asked).rules
    assert tuple(map(set, (rule.words, rule.groups, rule.accounts))) == (
        {"read", "write"},
        {"a", "b"},
        {"111122223333", "444455556666"},
    )
    assert rule.witness.count == 8
    assert rule.witness.operations == {"GetObject": 4, "PutObject": 4}


@pytest.mark.parametrize(
    ("by_name", "words"),
    [(False, {"read", "PutBucketPolicy"}), (True, {"GetObject", "HeadObject", "PutBucketPolicy"})],
)
def test_admin_stands_by_its_name_always(by_name: bool, words: set[str]) -> None:
    asked = [replace(WANT, operation=one) for one in ("GetObject", "HeadObject", "PutBucketPolicy")]
    (rule,) = make_plan(((one, SEEN) for one in asked), by_name=by_name).rules
    assert rule.words == words


def test_what_belongs_to_another_owner_stays_apart() -> None:
    asked = [
        WANT,
        replace(WANT, owner="111122223333"),
        replace(WANT, encryption_any=True),
        replace(WANT, beyond=True),
    ]
    assert len(make_plan((one, SEEN) for one in asked).rules) == 4


def test_clients_of_no_group_get_one() -> None:
    asked = [replace(WANT, group=None, address=one) for one in ("10.0.0.2", "10.0.0.10", "fd00::1")]
    plan = make_plan((one, SEEN) for one in asked if ":" not in (one.address or ""))
    assert plan.addresses == ("10.0.0.2", "10.0.0.10")
    assert [rule.groups for rule in plan.rules] == [{"suggested"}]
    assert (as_network("10.0.0.2"), as_network("fd00::1")) == ("10.0.0.2/32", "fd00::1/128")


def test_words_and_hosts_are_added_up() -> None:
    plan = make_plan(
        [
            (Word("regions", "x"), SEEN),
            (Word("regions", "x"), SEEN),
            (HostWant("h", "1"), SEEN),
            (HostWant("h", "2"), SEEN),
        ]
    )
    assert plan.words[Word("regions", "x")].count == 2
    assert plan.hosts["h"][0] == {"1", "2"}
    assert not plan.empty
    assert make_plan([]).empty


def test_many_keys_become_their_folders() -> None:
    few = [f"in/{number}" for number in range(KEYS_MAX)]
    assert folders(few) == few
    assert folders([*few, "in/x/y", "top"]) == ["in/*", "in/x/*", "top"]


def test_a_witness_remembers_some_clients_and_counts_all() -> None:
    one = Witness()
    one.add(Witness(5, "b", "c", {str(number) for number in range(2 * CLIENTS_MAX)}))
    one.add(Witness(1, "a", "b"))
    assert (one.count, one.first, one.last, len(one.clients)) == (6, "a", "c", CLIENTS_MAX)

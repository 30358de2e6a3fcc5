"""Counts of what changed, and their sum over processes."""

import pytest

from generate.asks import Ask, policy
from generate.recorded import record
from s3gate.policy.decision import Reason
from s3gate.replay import tally as module
from s3gate.replay.replayer import Answer, Outcome, Verdict
from s3gate.replay.tally import CLIENTS_MAX, OTHERS, Tally

WAS = Verdict(Reason.ALLOWED_BY_RULE)
CHANGED = Answer(Outcome.CHANGED, WAS, (Verdict(Reason.KEY_NOT_ALLOWED),), "data")
RECORD = record(policy(), Ask())


def at(minute: int, client: str = "10.0.0.1") -> dict[str, object]:
    return RECORD | {
        "time": f"2026-11-22T12:{minute:02}:00Z",
        "decision_id": f"d{minute}",
        "client": {"address": client},
    }


def test_the_same_is_counted_and_no_more() -> None:
    found = Tally()
    found.count(at(1), Answer(Outcome.SAME, WAS, (WAS,)), None)
    assert (found.decisions, found.unchanged, found.groups) == (1, True, {})


def test_what_is_alike_is_one_group() -> None:
    found = Tally()
    for minute in (3, 1, 2):
        found.count(at(minute, f"10.0.0.{minute}"), CHANGED, None)
    (kind, group), *others = found.groups.items()
    assert not others
    assert (kind.was, kind.now, kind.target, kind.operation) == (
        "ALLOWED_BY_RULE",
        ("KEY_NOT_ALLOWED",),
        "good-bucket",
        "GetObject",
    )
    assert (group.count, group.first, group.last, group.decision_id) == (
        3,
        "2026-11-22T12:01:00Z",
        "2026-11-22T12:03:00Z",
        "d3",
    )
    assert group.clients == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert not found.unchanged


def test_tallies_add_up() -> None:
    one, other, all_ = Tally(), Tally(), Tally()
    for minute in range(6):
        (one if minute % 2 else other).count(at(minute), CHANGED, None)
        all_.count(at(minute), CHANGED, None)
    other.unreadable = 2
    one.add(other)
    assert (one.outcomes, one.groups, one.first, one.last) == (
        all_.outcomes,
        all_.groups,
        all_.first,
        all_.last,
    )
    assert one.unreadable == 2
    assert not one.unchanged


def test_policies_that_are_missing_are_named_where_they_would_help() -> None:
    found = Tally()
    found.count(at(1), CHANGED, "sha256:a")
    found.count(at(1), Answer(Outcome.UNKNOWN, WAS, (WAS, *CHANGED.now), None, ("x",)), "sha256:b")
    assert found.missing == {"sha256:b": 1}


def test_a_storm_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUPS_MAX", 3)
    found = Tally()
    for number in range(2 * CLIENTS_MAX):
        found.count(at(1, f"10.0.0.{number}") | {"request": {"bucket": f"b{number}"}}, CHANGED, None)
    assert len(found.groups) == 4
    others = next(group for kind, group in found.groups.items() if kind.target == OTHERS)
    assert others.count == 2 * CLIENTS_MAX - 3
    assert len(others.clients) == CLIENTS_MAX

"""One line for each client and reason, whatever comes, in any order and twice."""

import random

import pytest

from audit_records import completion, decision, traffic
from s3gate.audit import summary as summary_module
from s3gate.audit.summary import OTHERS, Summary
from s3gate.policy.decision import Reason


def made(records: list[dict[str, object]], since: str = "") -> Summary:
    summary = Summary(since)
    for record in records:
        summary.add(record)
    return summary


def test_a_storm_is_one_line() -> None:
    summary = made(traffic(storm=3000))
    first, *rest = summary.refusals()
    assert (first.client, first.reason, first.count) == ("10.0.0.3", "BUCKET_NOT_LISTED", 3000)
    assert (len(first.targets), first.more) == (1000, True)
    assert first.first < first.last
    assert first.decision_id == "d3999"
    assert [(one.client, one.reason, one.count) for one in rest] == [
        ("10.0.0.2", "BUCKET_NOT_LISTED", 1),
        ("10.0.0.2", "HOST_MISMATCH", 1),
    ]
    assert (summary.denied, summary.allowed, summary.records) == (3002, 10, 3022)
    assert summary.reasons() == {"BUCKET_NOT_LISTED": 3001, "HOST_MISMATCH": 1}
    assert summary.clients()["10.0.0.2"] == 2


def test_bytes_are_those_of_the_completions_in_any_order() -> None:
    records = traffic()
    random.Random(7).shuffle(records)  # noqa: S311 - an order, not a secret
    (passed,) = made(records).passages()
    assert (passed.target, passed.requests, passed.completed, passed.failed) == ("good", 10, 10, 0)
    assert (passed.bytes_up, passed.bytes_down, passed.clients) == (10_000, 100, {"10.0.0.1"})


def test_repetitions_count_once() -> None:
    sealed = [record | {"writer": "w1", "seq": seq, "hash": "h"} for seq, record in enumerate(traffic(), 1)]
    summary = made(sealed + sealed)
    assert (summary.records, summary.repeated, summary.denied) == (len(sealed), len(sealed), 302)


def test_another_chain_of_the_same_name_is_no_repetition() -> None:
    """An address, so a host's name, comes back with another disk: its records have the same numbers."""
    sealed = [
        [
            record | {"writer": "w1", "seq": seq, "hash": f"{host}{seq}"}
            for seq, record in enumerate(traffic(), 1)
        ]
        for host in ("old", "new", "third")
    ]
    summary = made([record for chain in (*sealed, *sealed) for record in chain])
    assert (summary.denied, summary.repeated) == (3 * 302, 3 * len(traffic()))


@pytest.mark.parametrize("seq", [-1, 0, 10**15, 10**30, True, 1.5, "1", None])
def test_no_number_costs_more_than_its_line(seq: object) -> None:
    """What is reported is not verified: a line of anybody's may stand in a log group."""
    refused = decision(Reason.TIMEOUT, "b", "10.0.0.1", 1) | {"writer": "w1", "hash": "h"}
    summary = made([refused | {"seq": 2}, refused | {"seq": seq}])
    assert summary.denied == 2


def test_since_leaves_out_what_was_before() -> None:
    assert made(traffic(), "2026-11-22T08:05:00").denied == 300


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_module, "GROUPS_MAX", 3)
    monkeypatch.setattr(summary_module, "BUCKETS_MAX", 2)
    clients = [decision(Reason.TIMEOUT, "b", f"10.0.0.{number}", number) for number in range(9)]
    summary = made(
        clients + [decision(Reason.ALLOWED_BY_RULE, f"b{n}", "10.0.0.1", 50 + n) for n in range(5)]
    )
    assert {one.client: one.count for one in summary.refusals()}[OTHERS] == 6
    assert {one.target: one.requests for one in summary.passages()} == {"b0": 1, "b1": 1, OTHERS: 3}


def test_anything_is_taken() -> None:
    summary = made([{}, {"event": "egress"}, {"event": "completion", "transfer": 3}, completion(99, 1, 1)])
    assert (summary.records, summary.allowed) == (4, 1)

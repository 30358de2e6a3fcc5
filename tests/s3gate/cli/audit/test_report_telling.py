"""A report fits a terminal, tells everything that is told, and nothing in it moves the terminal."""

import re
from collections import Counter

import pytest

from audit_records import START, decision, traffic
from s3gate.audit.summary import Passed, Refused, Summary
from s3gate.cli.audit.report_telling import ROWS, tell_report
from s3gate.policy.decision import Reason

COLUMNS = 80


def summary_of(refused: list[Refused], passed: list[Passed]) -> Summary:
    summary = Summary()
    summary.refused = {(one.client, one.reason): one for one in refused}
    summary.passed = {one.target: one for one in passed}
    return summary


def test_a_refusal_has_its_client_what_was_asked_for_and_an_id_to_look_for() -> None:
    one = Refused(
        "10.20.0.5", "BUCKET_NOT_LISTED", 1300, "2026-11-22T08:00:00.1Z", "2026-11-22T09:00:05.2Z", "01ID",
        Counter({"evil": 3}), Counter({"PutObject": 3}), {"alice"},
    )  # fmt: skip
    assert list(tell_report(summary_of([one], []), "the journal", COLUMNS))[-4:] == [
        "Refused",
        "    1,300 x BUCKET_NOT_LISTED, by 10.20.0.5 as alice",
        "            evil: PutObject",
        "            2026-11-22 08:00:00 to 09:00:05, e.g. 01ID",
    ]


def test_what_was_let_through_has_its_bytes() -> None:
    one = Passed("good", 2, 1, 1, 1000, 20, "2026-11-22T08:00:00Z", "2026-11-23T09:00:05Z", {"10.0.0.1"})
    assert list(tell_report(summary_of([], [one]), "the journal", COLUMNS))[-3:] == [
        "Let through",
        "        2 x good, by 1 client; 1 failed",
        "            1,000 bytes up, 20 down; 2026-11-22 08:00 to 2026-11-23 09:00",
    ]


@pytest.mark.parametrize("columns", [80, 60, 40, 20])
def test_the_longest_of_everything_fits_the_terminal(columns: int) -> None:
    refused = [
        Refused(
            "2001:db8:1111:2222:3333:4444:5555:6666", reason, 10**6, START.isoformat(), "2026-12-31T23:59:59Z",
            "01M81WHJ09JAPNNHTAZBTP8J8Q", Counter({f"{number}{'n' * 252}": 1 for number in range(9)}),
            Counter(["GetObject", "PutObjectLegalHold"]), {"u" * 64, "v" * 64},
        )
        for reason in Reason
    ]  # fmt: skip
    lines = list(tell_report(summary_of(refused[:ROWS], []), "the journal", columns))
    assert max(map(len, lines[2:])) <= max(columns, 40)
    assert sum("e.g." in line for line in lines) == ROWS


def test_a_whole_trail_fits_80_columns() -> None:
    summary = Summary()
    for record in traffic():
        summary.add(record)
    lines = list(tell_report(summary, "the journal", COLUMNS))
    assert max(map(len, lines)) <= COLUMNS
    assert re.search("300 x BUCKET_NOT_LISTED, by 10.0.0.3", "\n".join(lines))


def test_what_does_not_fit_is_counted() -> None:
    refused = [Refused(f"10.0.0.{number}", "TIMEOUT", 1) for number in range(ROWS + 3)]
    passed = [Passed(f"b-{number}") for number in range(ROWS + 1)]
    text = "\n".join(tell_report(summary_of(refused, passed), "the journal", COLUMNS))
    assert "and 3 more: --html or --json" in text
    assert "and 1 more: --html or --json" in text


def test_nothing_that_a_client_sends_moves_the_terminal() -> None:
    summary = Summary()
    summary.add(decision(Reason.BUCKET_NOT_LISTED, "\x1b[2J[red]\u202e\n", "10.0.0.1", 1))
    lines = list(tell_report(summary, "the journal", COLUMNS))
    assert all(line.isprintable() for line in lines)
    assert any("[red]" in line for line in lines)


def test_an_empty_trail_says_so() -> None:
    assert next(tell_report(Summary(), "the journal", COLUMNS)).startswith("the journal: no record")

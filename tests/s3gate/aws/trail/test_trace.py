"""Events of the wanted buckets, once each, and what the exit code says of them."""

import pytest

from audit_records import START, decision
from s3gate.audit.record import Transfer, render_completion
from s3gate.aws.trail.ledger import Ledger
from s3gate.aws.trail.trace import EXIT_ENVIRONMENT, EXIT_INPUT, EXIT_NO, Trace
from s3gate.aws.trail.way import Verdict
from s3gate.policy.decision import Reason
from trail_events import BUCKET, ENDPOINT, around, event

OURS = frozenset({ENDPOINT})


def trace(ledger: Ledger, expected: frozenset[str] = OURS, *, journal: bool = True) -> Trace:
    ledger.add_record(decision(Reason.ALLOWED_BY_RULE, BUCKET, "10.9.0.1", 1, START.replace(minute=30)))
    transfer = Transfer(200, 1, 1, 1, request_id="R1")
    end = START.replace(minute=31)
    ledger.add_record(render_completion(transfer, audit_id="c1", decision_id="d1", time=end))
    return Trace(frozenset({BUCKET}), expected, ledger, journal=journal)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        pytest.param([event()], 0, id="through"),
        pytest.param([event(), around()], EXIT_NO, id="one around"),
        pytest.param([event(), None], EXIT_INPUT, id="an entry that is no event"),
        pytest.param([event(), around(), None], EXIT_NO, id="around is told first"),
        pytest.param([], EXIT_ENVIRONMENT, id="nothing at all"),
        pytest.param([around(requestParameters={}, resources=[])], EXIT_ENVIRONMENT, id="only other buckets"),
        pytest.param([event(sourceIPAddress="AWS Internal")], EXIT_ENVIRONMENT, id="only services"),
        pytest.param([event(), event(sourceIPAddress="AWS Internal", eventID="e2")], 0, id="and a service"),
        pytest.param(
            [event(), event(requestID="R0", eventID="e2", eventTime="2026-11-21T00:00:00Z")],
            EXIT_ENVIRONMENT,
            id="before the journal",
        ),
    ],
)
def test_exit_code(entries: list[object], code: int) -> None:
    with Ledger(frozenset({BUCKET})) as ledger:
        judged = trace(ledger)
        judged.add(entries)
        assert judged.exit_code(unreadable=False) == code


def test_a_file_that_was_not_read_whole_is_no_all_clear() -> None:
    with Ledger(frozenset({BUCKET})) as ledger:
        judged = trace(ledger)
        judged.add([event()])
        assert judged.exit_code(unreadable=True) == EXIT_INPUT


def test_without_a_journal_the_endpoint_decides() -> None:
    with Ledger(frozenset({BUCKET})) as ledger:
        judged = trace(ledger, journal=False)
        judged.add([event(requestID="unknown"), around()])
        assert judged.tally.verdicts == {Verdict.THROUGH: 1, Verdict.AROUND: 1}


def test_an_event_counts_once_and_others_not() -> None:
    with Ledger(frozenset({BUCKET})) as ledger:
        judged = trace(ledger)
        nameless = event(requestParameters=None, resources=..., eventID="e3")
        judged.add([event(), event(), event(eventSource="ec2.amazonaws.com"), nameless, 7])
        assert (judged.tally.events, judged.repeated, judged.nameless) == (1, 1, 1)
        assert (judged.unread, judged.entries) == (1, 5)


def test_a_copy_from_the_bucket_is_a_request_to_it() -> None:
    asked = {"bucketName": "elsewhere", "x-amz-copy-source": f"{BUCKET}/k"}
    with Ledger(frozenset({BUCKET})) as ledger:
        judged = trace(ledger)
        judged.add([around(requestParameters=asked, resources=[], eventName="CopyObject")])
        assert judged.tally.verdicts == {Verdict.AROUND: 1}

"""What the journal has, found by S3's request id."""

from datetime import UTC, datetime, timedelta

import pytest

from audit_records import START, decision
from s3gate.audit.record import Transfer, render_completion
from s3gate.aws.trail.event import TrailEvent, parse_event
from s3gate.aws.trail.ledger import IN_FLIGHT, Ledger, Unmatched
from s3gate.policy.decision import Reason
from trail_events import event

GOOD = frozenset({"good"})


def parsed(**changes: object) -> TrailEvent:
    found = parse_event(event(**changes))
    assert found is not None
    return found


def completion(number: int, request_id: str | None, moment: datetime = START) -> dict[str, object]:
    transfer = Transfer(200, 1, 1, 1, request_id=request_id)
    return render_completion(transfer, audit_id=f"c{number}", decision_id=f"d{number}", time=moment)


def filled(ledger: Ledger) -> Ledger:
    """Three allowed requests: answered, unanswered, and later than everything; and a refusal."""
    ledger.add_record(decision(Reason.ALLOWED_BY_RULE, "good", "10.0.0.1", 1))
    ledger.add_record(completion(1, "R1"))
    ledger.add_record(decision(Reason.ALLOWED_BY_RULE, "good", "10.0.0.2", 2))
    ledger.add_record(completion(2, None))
    late = START + timedelta(hours=1)
    ledger.add_record(decision(Reason.ALLOWED_BY_RULE, "good", "10.0.0.3", 3, late))
    ledger.add_record(completion(3, "R3", late))
    ledger.add_record(decision(Reason.BUCKET_NOT_LISTED, "good", "10.0.0.4", 4))
    ledger.add_record(decision(Reason.ALLOWED_BY_RULE, "other", "10.0.0.5", 5))
    ledger.add_record(completion(5, "R5"))
    return ledger


def test_a_request_and_its_client() -> None:
    with Ledger(GOOD) as ledger:
        filled(ledger)
        found = ledger.find(parsed(requestID="R1"))
        assert found is not None
        assert (found.decision_id, found.client) == ("d1", "10.0.0.1")
        assert ledger.find(parsed(requestID="R2")) is None
        assert ledger.find(parsed(requestID="")) is None, "nothing matches nothing"
        assert ledger.find(parsed(requestID="r1")) is None, "ids are compared as they are"
        assert ledger.regions == {"eu-west-1"}


def test_a_completion_whose_decision_lies_elsewhere_is_a_passage() -> None:
    with Ledger(GOOD) as ledger:
        ledger.add_record(completion(9, "R9"))
        found = ledger.find(parsed(requestID="R9"))
        assert found is not None
        assert found.client == ""


def test_what_the_trail_has_not() -> None:
    with Ledger(GOOD) as ledger:
        filled(ledger)
        newest = START + timedelta(minutes=30)
        assert ledger.unmatched(newest) == Unmatched(unanswered=1, missing=1, pending=1)
        ledger.find(parsed(requestID="R1"))
        assert ledger.unmatched(newest) == Unmatched(unanswered=1, missing=0, pending=1)
        assert ledger.unmatched(None) == Unmatched(unanswered=1, missing=0, pending=1)


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        pytest.param(START - timedelta(seconds=1), False, id="before"),
        pytest.param(START, True, id="its first"),
        pytest.param(START + timedelta(hours=1) + IN_FLIGHT, True, id="just behind its last"),
        pytest.param(START + timedelta(hours=1, seconds=1) + IN_FLIGHT, False, id="after"),
        pytest.param(None, True, id="no time"),
    ],
)
def test_how_far_it_reaches(moment: datetime | None, covered: bool) -> None:
    with Ledger(GOOD) as ledger:
        assert not ledger.covers(moment), "an empty journal covers nothing"
        assert filled(ledger).covers(moment) is covered


def test_an_event_is_new_once() -> None:
    with Ledger(GOOD) as ledger:
        assert [ledger.is_new(parsed()), ledger.is_new(parsed())] == [True, False]
        assert [ledger.is_new(parsed(eventID="")), ledger.is_new(parsed(eventID=""))] == [True, True]


def test_a_copys_source_is_asked_about_too() -> None:
    copied = decision(Reason.ALLOWED_BY_RULE, "other", "10.0.0.1", 1)
    request = copied["request"]
    assert isinstance(request, dict)
    request["copy_source"] = {"bucket": "good", "key": "k", "version_id": None}
    with Ledger(GOOD) as ledger:
        ledger.add_record(copied)
        assert ledger.unmatched(datetime.now(UTC)).unanswered == 1


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"event": "completion", "upstream": "x"},
        {"event": "completion", "upstream": {"request_id": 7}},
        {"event": "egress", "decision": "allow", "request": [], "client": None, "time": "\ud800"},
        {"event": "completion", "decision_id": "\udfff", "upstream": {"request_id": "\ud800"}},
    ],
)
def test_whatever_stands_in_a_record(record: dict[str, object]) -> None:
    with Ledger(GOOD) as ledger:
        ledger.add_record(record)
        assert ledger.records == 1

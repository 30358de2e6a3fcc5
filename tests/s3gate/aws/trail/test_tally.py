"""Rows by source and way; bounded, and still right in a flood."""

from s3gate.aws.trail.event import TrailEvent, parse_event
from s3gate.aws.trail.ledger import Passage
from s3gate.aws.trail.tally import EXAMPLES_MAX, NAMES_MAX, OTHERS, ROWS_MAX, Tally
from s3gate.aws.trail.way import Verdict
from trail_events import around, event


def parsed(raw: dict[str, object]) -> TrailEvent:
    found = parse_event(raw)
    assert found is not None
    return found


def test_rows() -> None:
    tally = Tally()
    for number in range(3):
        passage = Passage(f"d{number}", f"10.9.0.{number % 2}")
        tally.add(parsed(event(eventTime=f"2026-11-22T08:0{number}:00Z")), Verdict.THROUGH, passage)
    tally.add(parsed(around(errorCode="AccessDenied", eventName="GetObject")), Verdict.AROUND, None)
    (bad, one), (_, many) = tally.sorted_rows()
    assert (bad.verdict, bad.way, bad.address, one.requests, one.refused) == (
        Verdict.AROUND, "internet", "52.95.1.1", 1, 1,
    )  # fmt: skip
    assert (many.requests, many.clients, many.operations) == (
        3,
        {"10.9.0.0": 2, "10.9.0.1": 1},
        {"PutObject": 3},
    )
    assert many.first is not None
    assert many.last is not None
    assert (many.first.minute, many.last.minute) == (0, 2)
    assert (tally.events, tally.categories["Data"], len(tally.examples)) == (4, 4, 1)


def test_a_flood_hides_nothing() -> None:
    tally = Tally()
    flood = ROWS_MAX + 50
    for number in range(flood):
        source = f"2001:db8::{number:x}"
        tally.add(parsed(event(sourceIPAddress=source, eventName=f"Op{number}")), Verdict.THROUGH, None)
    tally.add(parsed(around()), Verdict.AROUND, None)
    assert len(tally.rows) <= ROWS_MAX + len(Verdict)
    assert tally.sorted_rows()[0][0].verdict is Verdict.AROUND
    assert tally.sorted_rows()[0][0].address == OTHERS
    assert tally.examples[0].event.address == "52.95.1.1"
    assert tally.verdicts == {Verdict.THROUGH: flood, Verdict.AROUND: 1}


def test_names_and_examples_are_bounded() -> None:
    tally = Tally()
    for number in range(EXAMPLES_MAX + 10):
        tally.add(parsed(around(eventName=f"Op{number}", awsRegion=f"r{number}")), Verdict.AROUND, None)
    ((_, row),) = tally.sorted_rows()
    assert len(row.operations) <= NAMES_MAX + 1
    assert len(tally.regions) <= NAMES_MAX + 1
    assert len(tally.examples) == EXAMPLES_MAX

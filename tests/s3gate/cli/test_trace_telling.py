"""What is told of a trace: bounded, in order, and never more than was found."""

import json

import pytest

from s3gate.aws.trail.ledger import Ledger, Unmatched
from s3gate.aws.trail.trace import Trace
from s3gate.cli.trace_telling import EXAMPLES, ROWS, tell
from trail_events import BUCKET, around


def found(count: int) -> tuple[Trace, Ledger]:
    ledger = Ledger(frozenset({BUCKET}))
    trace = Trace(frozenset({BUCKET}), frozenset({"vpce-00000000"}), ledger, journal=False)
    trace.add([around(eventID=f"e{one}", sourceIPAddress=f"52.95.2.{one}") for one in range(count)])
    return trace, ledger


def test_a_terminal_gets_some_and_json_all(capsys: pytest.CaptureFixture[str]) -> None:
    trace, ledger = found(ROWS + 10)
    with ledger:
        tell(trace, ledger, None, [BUCKET], as_json=False)
        shown = capsys.readouterr().out
        tell(trace, ledger, None, [BUCKET], as_json=True)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "and 10 more: --json tells all" in shown
    assert sum(line.startswith("✗ around") for line in shown.splitlines()) == EXAMPLES
    assert sum(one["kind"] == "source" for one in lines) == ROWS + 10
    assert lines[-1]["unmatched"] is None
    assert not any("journal" in note for note in lines[-1]["notes"]), "nobody asked about one"


def test_no_event_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    trace, ledger = found(0)
    with ledger:
        tell(trace, ledger, Unmatched(0, 0, 0), ["b\x1b[1m"], as_json=False)
    first, *notes = capsys.readouterr().out.splitlines()
    assert first == "b?[1m: 0 events of 0 read: none"
    assert all(line.startswith("note: ") for line in notes)

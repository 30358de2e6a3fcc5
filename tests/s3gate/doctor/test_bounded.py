"""A check that hangs or breaks keeps no other from running."""

import threading
from collections.abc import Sequence

from s3gate.doctor.bounded import Check, run_checks
from s3gate.doctor.finding import Finding, Outcome, fine


def test_what_hangs_is_left_behind_and_what_breaks_tells_nothing_of_its_text() -> None:
    release = threading.Event()

    def hangs() -> Sequence[Finding]:
        release.wait(30)
        return [fine("hangs", "too late")]

    def breaks() -> Sequence[Finding]:
        raise RuntimeError("http://user:secret@proxy")

    checks = [Check("hangs", hangs), Check("breaks", breaks), Check("fine", lambda: [fine("fine", "yes")])]
    found = list(run_checks(checks, seconds=0.05))
    release.set()
    assert [(one.name, one.outcome) for one in found] == [
        ("hangs", Outcome.UNKNOWN),
        ("breaks", Outcome.UNKNOWN),
        ("fine", Outcome.FINE),
    ]
    assert "within 0.05 s" in found[0].detail
    assert "RuntimeError" in found[1].detail
    assert "secret" not in found[1].detail


def test_a_time_out_of_the_check_itself_is_not_taken_for_ours() -> None:
    def raises() -> Sequence[Finding]:
        raise TimeoutError

    (found,) = run_checks([Check("x", raises)])
    assert found.outcome is Outcome.UNKNOWN


def test_all_findings_of_a_check_come_in_order() -> None:
    both = [fine("a", "1"), fine("b", "2")]
    assert list(run_checks([Check("x", lambda: both)])) == both

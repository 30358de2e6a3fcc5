"""What a check may say, and what the exit code tells of all of them."""

import pytest

from s3gate.doctor.finding import DETAIL_CHARS, Outcome, exit_code, fine, left_out, plain, unknown, wrong

FINE, WRONG, UNKNOWN, LEFT_OUT = (
    fine("a", "b"),
    wrong("a", "b", "c"),
    unknown("a", "b", "c"),
    left_out("a", "b"),
)


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        pytest.param([FINE, LEFT_OUT], 0, id="all is fine"),
        pytest.param([FINE, WRONG], 1, id="something is wrong"),
        pytest.param([FINE, UNKNOWN], 3, id="something could not be tried"),
        pytest.param([UNKNOWN, WRONG], 1, id="wrong is more than unknown"),
    ],
)
def test_exit_code(findings: list[object], code: int) -> None:
    assert exit_code(findings) == code  # type: ignore[arg-type]  # the rows are findings


def test_a_foreign_text_cannot_paint_or_flood_the_terminal() -> None:
    finding = wrong("x", "\x1b[2J\x9b31m\u202eevil\r\n✓ all is fine" + "y" * 9999, "\x07")
    assert finding.outcome is Outcome.WRONG
    assert finding.detail.startswith("?[2J?31m?evil??✓ all")
    assert len(finding.detail) == DETAIL_CHARS + 1
    assert finding.then == "?"


def test_what_fits_is_not_cut() -> None:
    assert plain("é" * DETAIL_CHARS) == "é" * DETAIL_CHARS

"""What is told about a mistake: in file order, once, on one line, nothing unprintable."""

from s3gate.policy.mistake import QUOTED_CHARS, DocumentErrors, Mistake, in_file_order, quote


def test_mistakes_come_in_file_order_and_once() -> None:
    late, early = Mistake(3, 1, "late"), Mistake(2, 9, "early", "fix")
    assert in_file_order([late, early, late]) == (early, late)


def test_the_error_names_the_first_and_counts_the_rest() -> None:
    assert str(DocumentErrors([Mistake(3, 1, "b"), Mistake(2, 9, "a")])) == "line 2, column 9: a (and 1 more)"
    assert str(DocumentErrors([Mistake(2, 9, "a")])) == "line 2, column 9: a"
    assert DocumentErrors([]).mistakes == ()


def test_quoted_input_stays_on_one_line() -> None:
    assert quote("a\nb\x1b[2J") == "`a\\nb\\x1b[2J`"


def test_quoted_input_is_shortened() -> None:
    assert len(quote("x" * 1000)) == QUOTED_CHARS + len("`…`")

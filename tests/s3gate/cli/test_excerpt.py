"""A mistake as a person reads it."""

import json

from s3gate.cli.excerpt import WIDTH, printable, render_in_line, render_json, render_mistake, source_lines
from s3gate.policy.mistake import Mistake

LINES = source_lines(b"version: 1\r\nrules: [\xff]\nlast")


def test_lines_are_counted_as_an_editor_counts() -> None:
    assert LINES == ["version: 1", "rules: [\ufffd]", "last"]


def test_place_line_caret_and_next_step() -> None:
    text = render_mistake("p.yaml", LINES, Mistake(1, 10, "`1` is wrong", "write `2`"))
    assert text.split("\n") == [
        "p.yaml:1:10: `1` is wrong",
        "    version: 1",
        "             ^",
        "    next: write `2`",
    ]


def test_mistakes_of_a_file_that_is_only_needed_fit_a_line() -> None:
    assert render_in_line("p.yaml", [Mistake(1, 10, "`1` is wrong"), Mistake(0, 0, "no region")]) == (
        "p.yaml:1:10: `1` is wrong; p.yaml: no region; see `s3gate check --config p.yaml`"
    )
    assert render_in_line("p.yaml", [Mistake(0, 0, "cannot be read", "name another")]) == (
        "p.yaml: cannot be read; name another"
    )


def test_a_warning_says_so() -> None:
    assert render_mistake("p.yaml", LINES, Mistake(3, 1, "odd"), "warning").startswith(
        "p.yaml:3:1: warning: odd\n"
    )


def test_a_mistake_in_no_line_has_no_excerpt() -> None:
    assert render_mistake("p.yaml", [], Mistake(0, 0, "S3GATE_X is wrong")) == "p.yaml: S3GATE_X is wrong"
    assert render_mistake("p.yaml", [], Mistake(9, 1, "gone")) == "p.yaml:9:1: gone"


def test_the_caret_stays_inside_a_long_line() -> None:
    line = "x" * 500 + "HERE" + "y" * 500
    _, shown, caret = render_mistake("p", [line], Mistake(1, 501, "m")).split("\n")
    assert len(shown) == WIDTH + 4
    assert shown[caret.index("^") :].startswith("HERE")


def test_a_terminal_obeys_nothing_of_the_line() -> None:
    assert "\x1b" not in render_mistake("p", ["a\x1b[2J"], Mistake(1, 1, "m"))


def test_json() -> None:
    assert json.loads(render_json("p", Mistake(1, 2, "m", "s"), "error")) == {
        "file": "p",
        "severity": "error",
        "line": 1,
        "column": 2,
        "message": "m",
        "suggestion": "s",
    }


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert printable("a\x1b[2J\n\u202eé") == "a\\x1b[2J\\n\\u202eé"

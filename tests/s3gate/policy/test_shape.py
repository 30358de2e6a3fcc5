"""A tree against a model: every error becomes a sentence at its place."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator

from s3gate.policy.located import Node
from s3gate.policy.mistake import Misspelling, Mistake
from s3gate.policy.shape import Section, check_shape, one_of
from s3gate.policy.yaml_source import parse_yaml


def _refuse(text: str) -> str:
    if text == "bad":
        raise Misspelling("`bad` is bad", "write `good`")
    return text


class Inner(Section):
    """An inner mapping."""

    word: Annotated[str, AfterValidator(_refuse)] = "x"
    """A word."""


class Outer(Section):
    """An outer mapping."""

    mode: Literal["deny", "allow"] = "deny"
    """A choice."""
    many: list[str] = []  # noqa: RUF012 - pydantic copies it
    """Words."""
    inner: Inner | None = None
    """A section."""
    rows: list[Inner] = []  # noqa: RUF012 - pydantic copies it
    """Sections."""
    named: dict[str, Inner] = {}  # noqa: RUF012 - pydantic copies it
    """Sections by name."""


def tree(text: str) -> Node:
    root, mistakes = parse_yaml(text.encode())
    assert root is not None
    assert mistakes == ()
    return root


def mistakes(text: str) -> list[Mistake]:
    return check_shape(Outer, tree(text), (), None, lambda loc: loc[-1] == "later")[1]


def test_a_tree_that_fits_becomes_the_value() -> None:
    value, found = check_shape(Outer, tree("mode: allow\nrows: [{word: a}]\n"), ())
    assert found == []
    assert value is not None
    assert (value.mode, value.rows[0].word) == ("allow", "a")


ROWS = [
    ("unknown key", "mdoe: deny", Mistake(1, 1, "unknown key `mdoe`", "write `mode`")),
    ("unknown inner key", "rows: [{wrd: a}]", Mistake(1, 9, "unknown key `wrd`", "write `word`")),
    ("unknown key under a name", "named: {n: {wrd: a}}", Mistake(1, 13, "unknown key `wrd`", "write `word`")),
    ("near to nothing", "inner: {zz: a}", Mistake(1, 9, "unknown key `zz`", "known here: `word`")),
    ("not enforced yet", "later: 1", Mistake(1, 1, "key `later` is not supported yet", "delete it for now")),
    ("a word", "many: a", Mistake(1, 7, "text `a` where a list belongs", "write `many: [a]`")),
    ("nothing", "many:", Mistake(1, 6, "nothing where a list belongs", None)),
    ("a list", "mode: [a]", Mistake(1, 7, "a list where one of `deny`, `allow` belongs", None)),
    ("a mapping", "many: [{a: b}]", Mistake(1, 8, "a mapping where text belongs", None)),
    ("text for a section", "inner: x", Mistake(1, 8, "text `x` where a mapping belongs", None)),
    ("a list for names", "named: [a]", Mistake(1, 8, "a list where a mapping belongs", None)),
    ("spelling", "inner: {word: bad}", Mistake(1, 15, "`bad` is bad", "write `good`")),
    ("choice", "mode: dney", Mistake(1, 7, "`dney` is not one of `deny`, `allow`", "write `deny`")),
]


@pytest.mark.parametrize(("text", "want"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_mistake_is_told_at_its_place(text: str, want: Mistake) -> None:
    assert mistakes(text) == [want]


def test_all_are_told_at_once() -> None:
    assert len(mistakes("mode: x\nmany: a\nrows: [{wrd: 1}, {word: bad}]\n")) == 4


@pytest.mark.parametrize(
    ("said", "right"),
    [("no", "deny"), ("off", "deny"), ("False", "deny"), ("yes", "allow"), ("on", "allow"), ("Deny", "deny")],
)
def test_yaml_booleans_are_answered_with_the_word(said: str, right: str) -> None:
    assert one_of(said, ["deny", "allow"])[1] == f"write `{right}`"


def test_a_word_near_to_nothing_is_answered_with_all() -> None:
    assert one_of("zebra", ["deny", "allow"])[1] == "choose one of `deny`, `allow`"

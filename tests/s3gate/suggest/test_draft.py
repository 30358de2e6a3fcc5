"""Lines are added, none is touched but where a word goes into brackets."""

import pytest

from s3gate.policy.yaml_source import parse_yaml
from s3gate.suggest.draft import Draft, NotEditable


def draft(text: str) -> Draft:
    root, mistakes = parse_yaml(text.encode())
    assert root is not None, mistakes
    return Draft(text, root)


ITEMS = [["# why", "a: 1", "b: 2"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules:\n  - a: 0\nend: 1\n", "rules:\n  - a: 0\n  # why\n  - a: 1\n    b: 2\nend: 1\n"),
        ("rules:\n- a: 0\n\n# end\nend: 1\n", "rules:\n- a: 0\n# why\n- a: 1\n  b: 2\n\n# end\nend: 1\n"),
        ("rules:\n    -   a: 0\n", "rules:\n    -   a: 0\n    # why\n    - a: 1\n      b: 2\n"),
        ("rules:\n  - a: 0", "rules:\n  - a: 0\n  # why\n  - a: 1\n    b: 2\n"),
        ("rules:\r\n  - a: 0\r\n", "rules:\r\n  - a: 0\r\n  # why\r\n  - a: 1\r\n    b: 2\r\n"),
        ("rules: [] # none\nend: 1\n", "rules:  # none\n  # why\n  - a: 1\n    b: 2\nend: 1\n"),
        ("end: 1\n", "end: 1\nrules:\n  # why\n  - a: 1\n    b: 2\n"),
        ("end: 1", "end: 1\nrules:\n  # why\n  - a: 1\n    b: 2\n"),
        (
            "rules:\n  - {a: 0}  # x\n  # last\n",
            "rules:\n  - {a: 0}  # x\n  # why\n  - a: 1\n    b: 2\n  # last\n",
        ),
    ],
)
def test_items(text: str, expected: str) -> None:
    made = draft(text)
    made.add_items("rules", ITEMS)
    assert made.text() == expected


@pytest.mark.parametrize("text", ["rules: [{a: 0}]\n", "rules:\n  [{a: 0}]\n", "rules:\n  []\n"])
def test_a_list_in_brackets_takes_no_items(text: str) -> None:
    with pytest.raises(NotEditable, match="write `rules:` as a list of lines"):
        draft(text).add_items("rules", ITEMS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("list: [a, b]  # x\n", "list: [c, d, a, b]  # x\n"),
        ("list: []\n", "list: [c, d]\n"),
        ("list:\n  - a # x\n  - b\n", "list:\n  - c\n  - d\n  - a # x\n  - b\n"),
        ("list:\n- a\n", "list:\n- c\n- d\n- a\n"),
        ("list: [\n  a,\n]\n", "list: [c, d, \n  a,\n]\n"),
    ],
)
def test_words(text: str, expected: str) -> None:
    root, _ = parse_yaml(text.encode())
    assert root is not None
    made = Draft(text, root)
    made.add_words(root.children["list"], ["c", "d"])
    assert made.text() == expected
    changed, mistakes = parse_yaml(made.text().encode())
    assert changed is not None
    assert not mistakes
    assert set(changed.children["list"].value) >= {"c", "d"}


def test_words_where_there_is_no_place_for_them() -> None:
    text = "list:\n  -\n    a\n"
    root, _ = parse_yaml(text.encode())
    assert root is not None
    with pytest.raises(NotEditable, match="line"):
        Draft(text, root).add_words(root.children["list"], ["c"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("map:\n  a: 1 # x\n  b: 2\n", "map:\n  new: {}\n  a: 1 # x\n  b: 2\n"),
        ("map: {a: 1}\n", "map: {new: {}, a: 1}\n"),
        ("map: {}\n", "map: {new: {}}\n"),
    ],
)
def test_keys(text: str, expected: str) -> None:
    root, _ = parse_yaml(text.encode())
    assert root is not None
    made = Draft(text, root)
    made.add_key(root.children["map"], "new", "{}")
    assert made.text() == expected


def test_a_section() -> None:
    made = draft("a: 1")
    made.add_section("new", ["b: 2"])
    assert made.text() == "a: 1\nnew:\n  b: 2\n"

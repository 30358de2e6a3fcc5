"""The stream gives what `json.loads` gives, whatever the pieces; what is no JSON is refused with its place."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.aws.trail.json_stream import ELEMENT_CHARS, MEMBERS_MAX, NotJson, read_elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def read(text: str, size: int = 7) -> list[object]:
    return list(read_elements((text[at : at + size] for at in range(0, len(text), size)), {"Records"}))


@given(st.lists(VALUES, max_size=6), st.integers(1, 40), st.sampled_from([None, 2]))
def test_any_list_in_any_pieces(values: list[object], size: int, indent: int | None) -> None:
    assert read(json.dumps({"a": [1], "Records": values, "b": {}}, indent=indent), size) == values
    assert read(json.dumps(values, indent=indent, ensure_ascii=False), size) == values


@given(st.text(max_size=60))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    with suppress(NotJson):
        assert isinstance(read(text), list)


def test_lines_and_documents_in_a_row() -> None:
    assert read('{"a":1}\n{"b":[2]}\n\n[3]{"Records":[4]}') == [{"a": 1}, {"b": [2]}, 3, 4]


def test_nothing_is_nothing() -> None:
    assert read(" \n") == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param('{"Records":[{"a":1},{"b"', "character 20", id="cut off in an event"),
        pytest.param(
            '{"Records":[{"a":1}', "character 19: a list that does not end", id="cut off behind an event"
        ),
        pytest.param('{"Records":[1 2]}', "character 14", id="no comma"),
        pytest.param("hello", "character 0: neither", id="text"),
        pytest.param("{1:2}", "character 2: not a member", id="no name"),
        pytest.param('{"a" 2}', "not a member", id="no colon"),
        pytest.param('{"a":1', "does not end", id="no end"),
        pytest.param('{"a":1 "b":2}', "does not end", id="members without a comma"),
        pytest.param("[" * 100_000, "a number or a nesting", id="nesting"),
        pytest.param("[" + "1" * 5000 + "]", "a number or a nesting", id="a number without end"),
    ],
)
def test_what_is_refused(text: str, where: str) -> None:
    with pytest.raises(NotJson, match=where):
        read(text, 1 << 16)


def test_too_many_members() -> None:
    with pytest.raises(NotJson, match="more than 1000 members"):
        read(json.dumps({str(one): one for one in range(MEMBERS_MAX + 1)}), 1 << 16)


def test_an_element_has_a_bound_and_memory_too() -> None:
    """A string without end is refused after some pieces; nobody reads on."""
    asked = 0

    def endless() -> Iterator[str]:
        nonlocal asked
        yield '{"Records":["'
        while True:
            asked += 1
            yield "x" * (1 << 18)

    with pytest.raises(NotJson, match="more than 1,048,576 characters"):
        list(read_elements(endless(), {"Records"}))
    assert asked <= 2 * ELEMENT_CHARS // (1 << 18)


def test_a_long_list_is_never_held_whole() -> None:
    held = 0

    def pieces() -> Iterator[str]:
        nonlocal held
        yield '{"Records":['
        for number in range(200):
            held = number
            yield f'{"," if number else ""}"{"x" * 50_000}"'
        yield "]}"

    elements = read_elements(pieces(), {"Records"})
    next(elements)
    assert held < 60, "the first is given long before the last was read"
    assert sum(1 for _ in elements) == 199

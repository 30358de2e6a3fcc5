"""The strict subset of YAML: text stays text, and whatever two readers could take differently is a mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy import yaml_source
from s3gate.policy.yaml_source import MAX_BYTES, MAX_DEPTH, parse_yaml


def test_scalars_stay_the_text_that_was_written() -> None:
    root, mistakes = parse_yaml(b"a: off\nb: 012345670123\nc: [no, 1.0, ~, 2026-01-01, 0x1F, 1:30]\nd:\n")
    assert root is not None
    assert root.value == {
        "a": "off",
        "b": "012345670123",
        "c": ["no", "1.0", "~", "2026-01-01", "0x1F", "1:30"],
        "d": "",
    }
    assert mistakes == ()


def test_everything_knows_its_place() -> None:
    root, _ = parse_yaml("é: 1\nrules:\n  - {id: ü, bucket: b}\n".encode())
    assert root is not None
    bucket = root.at(("rules", 0, "bucket"))
    assert (bucket.line, bucket.column) == (3, 21)
    assert root.key_at(("rules", 0, "bucket")) == (3, 13)


REFUSED = [
    ("duplicate key", b"a: 1\na: 2\n", (2, 1), "key `a` twice in one mapping, first on line 1"),
    (
        "duplicate key in a flow",
        b"{a: {b: 1, b: 2}}",
        (1, 12),
        "key `b` twice in one mapping, first on line 1",
    ),
    ("duplicate key with a mapping", b"a: 1\na: {b: 1}\n", (2, 1), "key `a` twice"),
    ("anchor", b"a: &x 1\n", (1, 4), "anchor `&x`"),
    ("anchor on a mapping", b"a: &x {b: 1}\n", (1, 4), "anchor `&x`"),
    ("alias", b"a: &x 1\nb: *x\n", (2, 4), "alias `*x`"),
    ("undefined alias", b"b: *x\n", (1, 4), "alias `*x`"),
    ("tag", b"a: !!str 1\n", (1, 4), "tag `tag:yaml.org,2002:str`"),
    ("tag on a list", b"a: !x [1]\n", (1, 4), "tag `!x`"),
    ("merge key", b"a: {b: 1}\n<<: {c: 1}\n", (2, 1), "merge key `<<`"),
    ("second document", b"a: 1\n---\nb: 1\n", (2, 1), "a second document"),
    ("directive", b"%YAML 1.1\n---\na: 1\n", (1, 1), "a YAML directive"),
    ("a list as key", b"? [a]\n: 1\n", (1, 3), "a key that is not text"),
    ("tab as indentation", b"a:\n  \tb: 1\n", (2, 3), "a tab in the indentation"),
    ("byte order mark", b"\xef\xbb\xbfa: 1\n", (1, 1), "byte order mark"),
    ("utf-16", "a: 1\n".encode("utf-16-le"), (1, 2), "character U+0000"),
    ("nul", b"a: 1\nb: \x00\n", (2, 4), "character U+0000"),
    ("escape", b"a: \x1b[0m\n", (1, 4), "character U+001B"),
    ("line separator", "a: x\u2028y\n".encode(), (1, 5), "character U+2028"),
    ("not utf-8", b"a: 1\r\nb: caf\xe9\n", (2, 7), "byte 0xe9 is not UTF-8"),
    ("two colons", b"a: b: c\n", (1, 5), "not YAML: mapping values are not allowed"),
    ("open quote", b"a: 'x\n", (2, 1), "not YAML: while scanning a quoted scalar"),
    ("empty", b"", (1, 1), "the document is empty"),
    ("comment alone", b"# nothing\n", (1, 1), "the document is empty"),
]


@pytest.mark.parametrize(
    ("data", "place", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(data: bytes, place: tuple[int, int], says: str) -> None:
    mistakes = parse_yaml(data)[1]
    assert any((one.line, one.column) == place and says in one.message for one in mistakes), mistakes


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    root, mistakes = parse_yaml(b'"<<": 1\n')
    assert root is not None
    assert (root.value, mistakes) == ({"<<": "1"}, ())


def test_several_mistakes_are_told_at_once() -> None:
    root, mistakes = parse_yaml(b"a: &x 1\na: {b: 2}\nc: *x\nd: !t 1\n")
    assert root is not None
    assert len(mistakes) == 4
    assert root.value == {"a": "1", "c": "", "d": "1"}


def test_nesting_is_bounded() -> None:
    allowed = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_yaml(allowed)[1] == ()
    root, mistakes = parse_yaml(b"[" * 100_000)
    assert root is None
    assert [one.message for one in mistakes] == [f"nested more than {MAX_DEPTH} levels deep"]


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr(yaml_source, "MAX_BYTES", 4)
    assert parse_yaml(b"a: 1")[1] == ()
    assert parse_yaml(b"a: 12")[1][0].message == "the file has more than 4 bytes"


@given(st.binary(max_size=200))
def test_whatever_bytes_arrive_there_is_a_tree_or_a_mistake(data: bytes) -> None:
    root, mistakes = parse_yaml(data)
    assert root is not None or mistakes


@given(st.text(alphabet="ab:-?[]{}&*!<|>'\"%#@`, \n\t\r~=", max_size=60))
def test_yaml_like_text_never_escapes_as_another_error(text: str) -> None:
    root, mistakes = parse_yaml(text.encode())
    assert root is not None or mistakes
    assert all(one.line >= 1 and one.column >= 1 for one in mistakes)

"""Queries are decoded once; what readers differ on refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.query import MAX_PARAMETERS, MAX_QUERY_CHARACTERS, decode_once, parse_query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ReadError

READ = {
    "nothing": ("", {}),
    "bare name": ("acl", {"acl": ""}),
    "name with =": ("acl=", {"acl": ""}),
    "empty parts": ("&acl&&versionId=x&", {"acl": "", "versionId": "x"}),
    "= in a value": ("a=b=c", {"a": "b=c"}),
    "? in a value": ("a=b?c", {"a": "b?c"}),
    "encoded name": ("%61cl", {"acl": ""}),
    "encoded once only": ("a=%2561", {"a": "%61"}),
    "unicode": ("prefix=%E6%97%A5%2F", {"prefix": "日/"}),
    "encoded plus": ("a=%2B", {"a": "+"}),
    "encoded separators": ("a=%26b%3D%3B", {"a": "&b=;"}),
    "raw printable": ('a="<>[]^`{|}', {"a": '"<>[]^`{|}'}),
    "raw ; between signed headers": (
        "X-Amz-SignedHeaders=host;x-amz-date",
        {"X-Amz-SignedHeaders": "host;x-amz-date"},
    ),
}


@pytest.mark.parametrize(("raw", "values"), READ.values(), ids=READ.keys())
def test_readable(raw: str, values: dict[str, str]) -> None:
    got = parse_query(raw)
    assert got.values == values
    assert dict(got.pairs) == values
    assert all(got.get(name) == value and name in got for name, value in values.items())
    assert got.get("absent") is None
    got.refuse_doubt()


DOUBTFUL = {
    "repeated": ("a=1&a=1", "repeated"),
    "repeated once encoded": ("a=1&%61=2", "repeated"),
    "repeated bare": ("acl&acl=", "repeated"),
    "raw plus": ("a=x+y", "`\\+`"),
    "raw plus in a name": ("a%20+=x", "`\\+`"),
    "raw semicolon": ("a=x;acl", "`;`"),
    "raw semicolon in a name": ("a;acl", "`;`"),
}


@pytest.mark.parametrize(("raw", "words"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_doubtful_parameters_refuse_when_read(raw: str, words: str) -> None:
    got = parse_query(f"{raw}&other=1")
    assert got.get("other") == "1"
    (name,) = got.doubtful
    with pytest.raises(AmbiguousTarget, match=words):
        got.get(name)
    with pytest.raises(AmbiguousTarget, match=words):
        got.refuse_doubt()


REFUSED = {
    "broken escape": ("a=%", AmbiguousTarget),
    "short escape": ("a=%4", AmbiguousTarget),
    "escape of no hex": ("a=%zz", AmbiguousTarget),
    "not UTF-8": ("a=%ff", AmbiguousTarget),
    "overlong UTF-8": ("a=%c0%af", AmbiguousTarget),
    "surrogate": ("a=%ed%a0%80", AmbiguousTarget),
    "no name": ("=x", AmbiguousTarget),
    "blank": ("a=x y", MalformedRequest),
    "newline": ("acl\n", MalformedRequest),
    "NUL": ("acl\0", MalformedRequest),
    "fragment": ("acl#x", MalformedRequest),
    "backslash": ("a=\\", MalformedRequest),
    "raw UTF-8": ("a=\xc3\xbc", MalformedRequest),
    "full-width name": ("ａcl", MalformedRequest),
    "too long": ("a" * (MAX_QUERY_CHARACTERS + 1), MalformedRequest),
    "too many": ("&".join("a" * (MAX_PARAMETERS + 1)), MalformedRequest),
}


@pytest.mark.parametrize(("raw", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_unreadable(raw: str, error: type[ReadError]) -> None:
    with pytest.raises(error):
        parse_query(raw)


def test_a_refusal_shows_a_printable_name() -> None:
    with pytest.raises(AmbiguousTarget, match=r"`'a\\nb'`") as caught:
        parse_query("a%0Ab&a%0Ab").refuse_doubt()
    assert "\n" not in caught.value.detail


def test_a_repr_shows_no_value() -> None:
    assert "secret" not in repr(parse_query("Signature=secret"))


def test_decoding_names_the_place() -> None:
    assert decode_once("a+b%20", "the note") == "a+b "
    with pytest.raises(AmbiguousTarget, match="the note"):
        decode_once("%", "the note")


@given(st.text() | st.text(st.sampled_from("ab&=%26;+?2F")))
def test_any_text_is_a_query_or_a_refusal(raw: str) -> None:
    try:
        got = parse_query(raw)
    except ReadError:
        return
    assert got == parse_query(raw)
    assert set(got.values) == {name for name, _ in got.pairs}

"""What the reader of patterns refuses: everything that AWS does not document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.alarms.pattern_reader import PatternError, parse_pattern, parse_value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "column 1: expected `{`, found the end", id="empty"),
        pytest.param("ERROR", "column 1: expected `{`", id="terms"),
        pytest.param("[ip, user]", "column 1: expected `{`", id="space-delimited"),
        pytest.param("{ }", r"column 3: expected `\$`", id="no condition"),
        pytest.param('{ $.a = "b" } x', "column 15: expected nothing after `}`", id="more after it"),
        pytest.param('{ $.a = "b" ', "expected `}`, found the end", id="not closed"),
        pytest.param('{ ($.a = "b" }', r"expected `\)`", id="parenthesis not closed"),
        pytest.param("{ $ = 1 }", "expected `.name` after", id="the root itself"),
        pytest.param("{ a = 1 }", r"expected `\$`", id="no selector"),
        pytest.param("{ $.a[-1] = 1 }", "expected an index", id="negative index"),
        pytest.param("{ $.a[0 = 1 }", "expected `]`", id="bracket not closed"),
        pytest.param("{ $.ä = 1 }", "expected a property name", id="multi-byte name"),
        pytest.param("{ $.a == 1 }", "expected a number, a word", id="double equals"),
        pytest.param("{ $.a ~ 1 }", "expected `=`", id="unknown operator"),
        pytest.param("{ $.a IS NOT NULL }", "`IS NULL`", id="IS NOT"),
        pytest.param("{ $.a EXISTS }", "`NOT EXISTS`", id="EXISTS"),
        pytest.param("{ $.a NOT EXIST }", "`NOT EXISTS`", id="NOT EXIST"),
        pytest.param("{ $.a is null }", "expected `=`", id="lower case"),
        pytest.param('{ $.a > "b" }', "expected a number", id="order of text"),
        pytest.param("{ $.a > 7* }", "expected a number", id="order with a wildcard"),
        pytest.param("{ $.a = }", "expected a number, a word", id="no value"),
        pytest.param("{ $.a = b-c }", "expected `}`", id="bare text with a hyphen"),
        pytest.param('{ $.a = "b\\"c" }', "expected a number, a word", id="backslash"),
        pytest.param('{ $.a = "b\nc" }', "expected a number, a word", id="line end in a text"),
        pytest.param("{ $.a = 'b' }", "expected a number, a word", id="single quotes"),
        pytest.param("{ $.a = %(b)% }", "expected a number, a word", id="parentheses in a regex"),
        pytest.param("{ $.a = %[% }", "a regular expression that", id="broken regex"),
        pytest.param("{ $.a=%b% && $.a=%c% && $.a=%d% }", "2 in a pattern at most", id="three regexes"),
        pytest.param("{ $.*.* = 1 }", "one wildcard in a selector", id="two wildcards in a selector"),
        pytest.param("{ " + " || ".join(["$.* = 1"] * 4) + " }", "3 in a pattern", id="four wildcards"),
        pytest.param("{ $.a = 1 & $.b = 1 }", "expected `}`", id="single ampersand"),
        pytest.param("{ $.a = 1 &&  }", r"expected `\$`", id="nothing to join"),
        pytest.param("{ ! $.a = 1 }", r"expected `\$`", id="negation"),
        pytest.param("{ " + "(" * 40 + "$.a = 1" + ")" * 40 + " }", "at most 32 parentheses", id="depth"),
        pytest.param('{ $.a = "' + "b" * 1024 + '" }', "has 1036 characters", id="length"),
        pytest.param("{ $.a\u00a0= 1 }", "expected `=`", id="no-break space"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        parse_pattern(text)


@pytest.mark.parametrize(
    "text", ["{$.a=1}", " {\n\t$.a = 1\r\n} \n", "{ (($.a = 1)) }", "{ $['a'].b-c[0][*] = +1.5e-3 }"]
)
def test_accepted(text: str) -> None:
    assert parse_pattern(text).text == text


@given(st.text(alphabet="{}()$.[]'\"%*=!<>&| abINOTEXSULF019\\\n") | st.text())
def test_any_text_is_a_pattern_or_a_pattern_error(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except PatternError as error:
        message = str(error)
    else:
        message = pattern.text and "a pattern"
    assert message
    assert message.isascii()
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("0.5", 0.5),
        ("$.a", 7.0),
        ("$.b.c", 2.5),
        ("$.none", None),
        ("$.text", None),
        ("$.flag", None),
    ],
)
def test_the_value_of_a_metric(text: str, number: float | None) -> None:
    message = '{"a": 7, "b": {"c": 2.5}, "text": "7", "flag": true}'
    assert parse_value(text).of(message) == number


@pytest.mark.parametrize("text", ["", "x", "$", "$.a[*]", "$.a $.b", "1 "])
def test_no_value_of_a_metric(text: str) -> None:
    with pytest.raises(PatternError):
        parse_value(text)

"""The text of a metric filter's pattern into a Pattern: CloudWatch's documented JSON syntax and no more.

What AWS does not document is refused with the column, never guessed: a pattern that is
accepted here means the same to CloudWatch.

Grammar, after "Using filter patterns to match terms in JSON log events" in the
CloudWatch Logs user guide (precedence there: () > && > ||):

    pattern   = "{" or "}"
    or        = and *( "||" and )
    and       = term *( "&&" term )
    term      = "(" or ")" / selector condition
    selector  = "$" 1*( "." name / ".*" / "[" index "]" / "[*]" / [ "." ] "['" text "']" )
    condition = "IS" ( "NULL" / "TRUE" / "FALSE" ) / "NOT" "EXISTS" / operator value
    operator  = "=" / "!=" / "<" / "<=" / ">" / ">="         ; the last four take numbers only
    value     = DQUOTE text DQUOTE / "%" regex "%" / bare    ; "*" in a text stands for any text
"""

import re
from typing import Final, NoReturn

from s3gate.alarms.pattern import Any, Both, Comparison, Either, Is, Node, NotExists, Pattern, Step, Value

PATTERN_LIMIT: Final = 1024
"""Characters of a filter pattern (PutMetricFilter, API reference: FilterPattern, maximum length)."""

DEPTH_LIMIT: Final = 32
"""Parentheses inside one another; ours, so that a pattern cannot exhaust the stack."""

REGEX_LIMIT: Final = 2
"""Regular expressions in one pattern (user guide, filter pattern syntax, quotas)."""

WILDCARD_LIMIT: Final = 3
"""Wildcard selectors in one pattern; one in a selector (user guide, JSON patterns, quotas)."""

_IS: Final = {"NULL": None, "TRUE": True, "FALSE": False}
_SPACE = re.compile(r"[ \t\r\n]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
_WORD = re.compile(r"[A-Z]+", re.ASCII)
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>", re.ASCII)
# Quoted text; what a backslash does in it is not documented, so there is none.
_QUOTED = re.compile(r'"[^"\\\r\n]*"', re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
# Bare text: a number; alphanumeric characters and the underscore, or digits and dots (123.123.*), with
# wildcards. The longest reading counts.
_BARE: Final = (_NUMBER, re.compile(r"[A-Za-z0-9_*]+", re.ASCII), re.compile(r"[0-9.*]+", re.ASCII))
# The characters that the guide lists; no parentheses, and no multi-byte characters.
_REGEX = re.compile(r"%([A-Za-z0-9_#=@/;,:\-^$?\[\]{}|\\*+. ]+)%", re.ASCII)
_BRACKETED = re.compile(r"\['([^'\\\r\n]+)'\]", re.ASCII)


class PatternError(ValueError):
    """A pattern is not in the documented grammar; the text names the column, from 1."""


def parse_pattern(text: str) -> Pattern:
    """Read the text of a filter pattern.

    Args:
        text: as it stands in the filter.

    Returns:
        The pattern.

    Raises:
        PatternError: it is not in the grammar above; terms, space-delimited and
            empty patterns, which are not JSON patterns, are refused as well.
    """
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"the pattern has {len(text)} characters: CloudWatch takes {PATTERN_LIMIT}")
    reader = _Reader(text)
    reader.expect("{")
    root = reader.read_or(0)
    reader.expect("}")
    reader.skip()
    if reader.at != len(text):
        reader.refuse("nothing after `}`")
    return Pattern(text, root)


def parse_value(text: str) -> Value:
    """Read the value of a metric transformation: a number, or a selector without wildcards.

    Args:
        text: as it stands in the filter (PutMetricFilter, API reference: metricValue).

    Raises:
        PatternError: it is neither.
    """
    if _NUMBER.fullmatch(text) is not None:
        return Value(float(text))
    reader = _Reader(text)
    path = reader.read_selector()
    if reader.at != len(text) or reader.wildcards:
        reader.refuse("one number, or one selector without a wildcard")
    return Value(None, path)


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.regexes = 0
        self.wildcards = 0

    def refuse(self, wanted: str) -> NoReturn:
        rest = self.text[self.at : self.at + 12].encode("unicode_escape").decode("ascii")
        found = f"`{rest}`" if rest else "the end"
        raise PatternError(f"column {self.at + 1}: expected {wanted}, found {found}")

    def skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space is not None else self.at

    def take(self, expression: re.Pattern[str]) -> str | None:
        found = expression.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def sees(self, token: str) -> bool:
        """Move past `token` and the space before it, when it comes next."""
        self.skip()
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        if not self.sees(token):
            self.refuse(f"`{token}`")

    def read_or(self, depth: int) -> Node:
        terms = [self.read_and(depth)]
        while self.sees("||"):
            terms.append(self.read_and(depth))
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def read_and(self, depth: int) -> Node:
        terms = [self.read_term(depth)]
        while self.sees("&&"):
            terms.append(self.read_term(depth))
        return terms[0] if len(terms) == 1 else Both(tuple(terms))

    def read_term(self, depth: int) -> Node:
        if self.sees("("):
            if depth == DEPTH_LIMIT:
                self.refuse(f"at most {DEPTH_LIMIT} parentheses inside one another")
            inner = self.read_or(depth + 1)
            self.expect(")")
            return inner
        path = self.read_selector()
        self.skip()
        word = self.take(_WORD)
        if word is None:
            return self.read_comparison(path)
        self.skip()
        argument = self.take(_WORD)
        if (word, argument) == ("NOT", "EXISTS"):
            return NotExists(path)
        if word != "IS" or argument not in _IS:
            self.refuse("`IS NULL`, `IS TRUE`, `IS FALSE` or `NOT EXISTS` before this")
        return Is(path, _IS[argument])

    def read_selector(self) -> tuple[Step, ...]:
        self.expect("$")
        steps: list[Step] = []
        while (step := self.read_step()) is not None:
            steps.append(step)
        if not steps:
            self.refuse("`.name` after `$`")
        wildcards = sum(isinstance(step, Any) for step in steps)
        self.wildcards += wildcards
        if wildcards > 1 or self.wildcards > WILDCARD_LIMIT:
            self.refuse(f"one wildcard in a selector and {WILDCARD_LIMIT} in a pattern at most, before this")
        return tuple(steps)

    def read_step(self) -> Step | None:
        dotted = self.text.startswith(".", self.at)
        self.at += dotted
        if (quoted := self.take(_BRACKETED)) is not None:
            return quoted[2:-2]
        if dotted:
            if self.text.startswith("*", self.at):
                self.at += 1
                return Any()
            return self.take(_NAME) or self.refuse(
                "a property name (letters, digits, `-`, `_`), `*` or `['…']`"
            )
        if not self.text.startswith("[", self.at):
            return None
        self.at += 1
        index: Step = Any()
        if self.text.startswith("*", self.at):
            self.at += 1
        else:
            index = int(self.take(_INDEX) or self.refuse("an index or `*`"))
        if not self.text.startswith("]", self.at):
            self.refuse("`]`")
        self.at += 1
        return index

    def read_comparison(self, path: tuple[Step, ...]) -> Comparison:
        operator = self.take(_OPERATOR) or self.refuse(
            "`=`, `!=`, `<`, `<=`, `>`, `>=`, `IS` or `NOT EXISTS`"
        )
        self.skip()
        start = self.at
        ordered = operator not in ("=", "!=")
        if not ordered and (quoted := self.take(_QUOTED)) is not None:
            return Comparison(path, operator, _wildcard(quoted[1:-1]), None)
        if not ordered and (regex := self.take(_REGEX)) is not None:
            return Comparison(path, operator, self.compile(regex[1:-1], start), None)
        readings = (expression.match(self.text, start) for expression in _BARE)
        bare = max((reading.group() for reading in readings if reading is not None), key=len, default="")
        if not bare or (ordered and _NUMBER.fullmatch(bare) is None):
            self.refuse("a number" if ordered else 'a number, a word, `"text"` or `%regex%`')
        self.at = start + len(bare)
        exact = float(bare) if _NUMBER.fullmatch(bare) is not None else None
        return Comparison(path, operator, _wildcard(bare), exact)

    def compile(self, regex: str, start: int) -> re.Pattern[str]:
        """A regular expression that may match anywhere in the value."""
        self.regexes += 1
        try:
            compiled = re.compile(f".*(?:{regex}).*", re.ASCII | re.DOTALL)
        except re.error:
            compiled = None
        if compiled is None or self.regexes > REGEX_LIMIT:
            self.at = start
            self.refuse(f"a regular expression that CloudWatch takes, {REGEX_LIMIT} in a pattern at most")
        return compiled


def _wildcard(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

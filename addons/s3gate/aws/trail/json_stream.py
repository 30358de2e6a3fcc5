"""JSON of any length, one element at a time: arrays of events are never held whole.

The normal case: `{"Records": [event, …]}` gives each event. Text is read in pieces; what is
held is one element and the piece that follows it, whatever the file claims to be.

    document = *( ws value )                       ; so also JSON lines, and several documents in a row
    value    = "[" elements "]"                    ; each element is given
             / "{" *( name ":" ( value ) ) "}"     ; of the named members, if arrays, each element is given
                                                   ; a mapping without such a member is given whole
"""

import json
from collections.abc import Collection, Iterator
from typing import Final, NoReturn

PIECE_CHARS: Final = 1 << 20  # read at a time

ELEMENT_CHARS: Final = 1 << 20
"""Characters of one element: an event has 256 KB at most (CloudTrail user guide, quotas), quoted in
LookupEvents' answer up to twice that."""

MEMBERS_MAX: Final = 1000  # members of one mapping that is given whole; an event has about thirty
_SPACE: Final = " \t\r\n"  # RFC 8259 section 2


class NotJson(ValueError):
    """The text is no JSON that can be read here; the message says where and why."""


def read_elements(pieces: Iterator[str], arrays: Collection[str]) -> Iterator[object]:
    """The elements of a document's arrays.

    Args:
        pieces: its text; empty pieces are passed over.
        arrays: names of the members whose elements are given.

    Raises:
        NotJson: the text is none, or an element is too long.
    """
    window = _Window(pieces)
    while window.peek():
        if window.take("["):
            yield from _elements(window)
        elif window.take("{"):
            yield from _members(window, arrays)
        else:
            window.fail("neither a mapping nor a list")


def _members(window: "_Window", arrays: Collection[str]) -> Iterator[object]:
    whole: dict[str, object] = {}
    streamed = False
    while not window.take("}"):
        name = window.value()
        if not isinstance(name, str) or not window.take(":"):
            window.fail("not a member of a mapping")
        elif name in arrays and window.take("["):
            streamed = True
            yield from _elements(window)
        elif len(whole) < MEMBERS_MAX:
            whole[name] = window.value()
        else:
            window.fail(f"a mapping with more than {MEMBERS_MAX} members")
        if not window.take(",") and window.peek() != "}":
            window.fail("a mapping that does not end")
    if not streamed:
        yield whole


def _elements(window: "_Window") -> Iterator[object]:
    while not window.take("]"):
        yield window.value()
        if not window.take(",") and window.peek() != "]":
            window.fail("a list that does not end")


class _Window:
    """The text from here on, as far as it was read."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._decoder = json.JSONDecoder()
        self._text, self._at, self._passed, self._ended = "", 0, 0, False

    def peek(self) -> str:
        """The next character that is no white space, or nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def take(self, wanted: str) -> bool:
        """Whether that is the next character; then it is passed."""
        found = self.peek() == wanted
        self._at += found
        return found

    def value(self) -> object:
        """The next value, whole."""
        self.peek()
        while len(self._text) - self._at < ELEMENT_CHARS and self._read():
            pass
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as exc:
            if not self._ended:
                self.fail(f"not JSON, or an element of more than {ELEMENT_CHARS:,} characters")
            self.fail(exc.msg)
        except (ValueError, RecursionError):
            self.fail("a number or a nesting that no event has")
        return value

    def fail(self, why: str) -> NoReturn:
        """Give up here.

        Raises:
            NotJson: always.
        """
        raise NotJson(f"character {self._passed + self._at:,}: {why}")

    def _read(self) -> bool:
        """Read on; False at the end. What was passed is forgotten."""
        piece = next(self._pieces, None)
        if piece is None:
            self._ended = True
            return False
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + piece, 0
        return True

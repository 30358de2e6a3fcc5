"""What is wrong in a file that a person wrote: where, what, and the right spelling.

Normally a document has none. Otherwise every mistake is collected, sorted in file
order and raised together, so that one run of `s3gate check` shows them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

QUOTED_CHARS: Final = 120
"""Characters of user input that a message repeats: enough to recognise it, on one line."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing to put right in a document.

    Args:
        line: line in the file, from 1; 0 when the mistake is in no file (environment).
        column: column in characters, from 1; 0 when the mistake is in no file.
        message: one lower-case sentence that says what is wrong, user input in backticks.
        suggestion: the next step, usually the right spelling, or None.
    """

    line: int
    column: int
    message: str
    suggestion: str | None = None


class DocumentErrors(ValueError):
    """A document cannot be used.

    Args:
        mistakes: everything that is wrong, in file order.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = in_file_order(mistakes)
        first = self.mistakes[0] if self.mistakes else Mistake(0, 0, "unusable document")
        more = len(self.mistakes) - 1
        super().__init__(
            f"line {first.line}, column {first.column}: {first.message}"
            + (f" (and {more} more)" if more > 0 else "")
        )

    def __reduce__(self) -> tuple[type["DocumentErrors"], tuple[tuple[Mistake, ...]]]:
        """For the way to another process."""
        return type(self), (self.mistakes,)


class PolicyErrors(DocumentErrors):
    """A policy document cannot be used; no policy, no proxy."""


class Misspelling(ValueError):
    """A scalar that does not have its canonical spelling; the caller knows where it stands.

    Args:
        message: as in Mistake.
        suggestion: as in Mistake.
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def in_file_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """The mistakes by line and column, each once."""
    return tuple(dict.fromkeys(sorted(mistakes, key=lambda one: (one.line, one.column))))


def quote(text: object) -> str:
    """User input in backticks, on one line, shortened, nothing unprintable.

    Args:
        text: what the person wrote.
    """
    plain = str(text)
    clipped = plain if len(plain) <= QUOTED_CHARS else plain[:QUOTED_CHARS] + "…"
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in clipped)
    return f"`{shown}`"

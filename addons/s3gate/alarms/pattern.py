"""Does a log event match a metric filter's pattern? CloudWatch's JSON patterns, evaluated strictly.

`pattern_reader.py` makes a Pattern from the text of a filter as it is deployed; `matches`
answers for the message of one event. A message that is not one JSON object matches nothing.

Readings where the guide leaves a gap: a selector that leads nowhere, or to an object or an
array, satisfies no comparison, `!=` included; a bare number equals a JSON number by value
and a JSON string by text; a wildcard selector asks whether any of its values matches.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Any:
    """`*` or `[*]` in a selector."""


Step = str | int | Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """`selector operator value`: text with wildcards, a number, or a regular expression."""

    path: tuple[Step, ...]
    operator: str
    text: re.Pattern[str]
    number: float | None

    def holds(self, event: object) -> bool:
        """Whether any selected value compares so."""
        return any(self._one(value) for value in select(event, self.path))

    def _one(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        if isinstance(value, str):
            equal = self.text.fullmatch(value) is not None
            return equal if self.operator == "=" else not equal and self.operator == "!="
        if self.number is None:
            return self.operator == "!="
        return {
            "=": value == self.number,
            "!=": value != self.number,
            "<": value < self.number,
            "<=": value <= self.number,
            ">": value > self.number,
            ">=": value >= self.number,
        }[self.operator]


@dataclass(frozen=True, slots=True)
class Is:
    """`selector IS NULL|TRUE|FALSE`."""

    path: tuple[Step, ...]
    value: bool | None

    def holds(self, event: object) -> bool:
        """Whether a selected value is exactly that."""
        return any(value is self.value for value in select(event, self.path))


@dataclass(frozen=True, slots=True)
class NotExists:
    """`selector NOT EXISTS`."""

    path: tuple[Step, ...]

    def holds(self, event: object) -> bool:
        """Whether the selector leads nowhere."""
        return next(select(event, self.path), self) is self


@dataclass(frozen=True, slots=True)
class Both:
    """Terms joined by `&&`."""

    terms: "tuple[Node, ...]"

    def holds(self, event: object) -> bool:
        """Whether every term holds."""
        return all(term.holds(event) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Either:
    """Terms joined by `||`."""

    terms: "tuple[Node, ...]"

    def holds(self, event: object) -> bool:
        """Whether a term holds."""
        return any(term.holds(event) for term in self.terms)


Node = Comparison | Is | NotExists | Both | Either


@dataclass(frozen=True, slots=True)
class Pattern:
    """A filter's pattern, read."""

    text: str
    root: Node

    def matches(self, message: str) -> bool:
        """Whether an event with this message is counted.

        Args:
            message: the event's message as CloudWatch holds it.

        Returns:
            False also for a message that is not one JSON object.
        """
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(event, dict) and self.root.holds(event)


@dataclass(frozen=True, slots=True)
class Value:
    """What a filter adds to its metric for an event: a number, or one that a selector leads to."""

    constant: float | None
    path: tuple[Step, ...] = ()

    def of(self, message: str) -> float | None:
        """The number for an event that matched.

        Args:
            message: the event's message as CloudWatch holds it.

        Returns:
            None when the selector leads to no number: then there is no datapoint.
        """
        if self.constant is not None:
            return self.constant
        for found in select(json.loads(message), self.path):
            if isinstance(found, int | float) and not isinstance(found, bool):
                return float(found)
        return None


def select(event: object, path: tuple[Step, ...]) -> Iterator[object]:
    """Every value that a selector leads to.

    Args:
        event: a JSON value.
        path: names, indexes and wildcards from the root.

    Yields:
        The values, also null, objects and arrays.
    """
    if not path:
        yield event
        return
    step, rest = path[0], path[1:]
    match event, step:
        case dict(), str() if step in event:
            yield from select(event[step], rest)
        case list(), int() if step < len(event):
            yield from select(event[step], rest)
        case dict(), Any():
            for value in event.values():
                yield from select(value, rest)
        case list(), Any():
            for value in event:
                yield from select(value, rest)
        case _:
            return

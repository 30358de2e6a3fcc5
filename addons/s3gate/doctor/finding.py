"""What one check found: a tick, a cross, or that it could not be tried; with the next step."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

DETAIL_CHARS: Final = 400  # of a detail; what a foreign server or file says goes into it


@unique
class Outcome(StrEnum):
    """How a check ended."""

    FINE = "fine"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # it could not be tried, or was not answered in time
    LEFT_OUT = "left_out"  # nobody asked for it


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer.

    Args:
        name: of what was checked.
        outcome: how it ended.
        detail: one sentence without secrets.
        then: what to do next where it is not fine.
    """

    name: str
    outcome: Outcome
    detail: str
    then: str | None = None


def fine(name: str, detail: str) -> Finding:
    """A tick."""
    return Finding(name, Outcome.FINE, plain(detail))


def wrong(name: str, detail: str, then: str) -> Finding:
    """A cross."""
    return Finding(name, Outcome.WRONG, plain(detail), plain(then))


def unknown(name: str, detail: str, then: str) -> Finding:
    """It could not be tried."""
    return Finding(name, Outcome.UNKNOWN, plain(detail), plain(then))


def left_out(name: str, detail: str) -> Finding:
    """Nobody asked for it."""
    return Finding(name, Outcome.LEFT_OUT, plain(detail))


def plain(text: str) -> str:
    """A text that a terminal obeys nothing of: one line, printable, bounded.

    Args:
        text: possibly of a foreign server.
    """
    line = "".join(one if one.isprintable() else "?" for one in text[: DETAIL_CHARS + 1])
    return line if len(line) <= DETAIL_CHARS else line[:DETAIL_CHARS] + "…"


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is fine, 1 when something is wrong, else 3 when something could not be checked."""
    outcomes = {one.outcome for one in findings}
    if Outcome.WRONG in outcomes:
        return 1
    return 3 if Outcome.UNKNOWN in outcomes else 0

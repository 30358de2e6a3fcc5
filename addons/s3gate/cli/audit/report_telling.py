"""A report as a person reads it: who was refused what, then what was let through, in 80 columns.

The normal case: three lines for each client and reason, with the id of the last decision, and
two for each bucket. Names in it come from clients, so nothing of them is obeyed by a terminal.
"""

import textwrap
from collections.abc import Iterator
from typing import Final

from s3gate.audit.page import name_most, name_targets
from s3gate.audit.summary import Passed, Refused, Summary

ROWS: Final = 25  # clients and reasons, and buckets; the page and --json have more
COUNT: Final = 9  # columns of a count: a million with its commas
MIN_COLUMNS: Final = 40  # narrower than this a name is cut at every line
DAY, MINUTE, SECOND = 10, 16, 19  # characters of a record's time: `2026-11-22T08:30:00`
MORE: Final = "more: --html or --json tells all"


def tell_report(summary: Summary, title: str, columns: int) -> Iterator[str]:
    """The lines of a report.

    Args:
        summary: of the trail.
        title: which trail.
        columns: of the terminal; names are broken to fit.
    """
    first, last = _time(summary.first) or "no record", _time(summary.last) or "no record"
    yield f"{_plain(title)}: {first} to {last} UTC"
    yield (
        f"{summary.records:,} records, {summary.denied:,} refused, {summary.allowed:,} allowed, "
        f"{summary.monitored:,} by monitor mode"
    )
    refusals, passages = summary.refusals(), summary.passages()
    if refusals:
        yield from ("", "Refused")
    for refused in refusals[:ROWS]:
        yield from _lines(refused.count, _refusal(refused), columns)
    if len(refusals) > ROWS:
        yield f"and {len(refusals) - ROWS:,} {MORE}"
    if passages:
        yield from ("", "Let through")
    for passed in passages[:ROWS]:
        yield from _lines(passed.requests, _passage(passed), columns)
    if len(passages) > ROWS:
        yield f"and {len(passages) - ROWS:,} {MORE}"


def _refusal(one: Refused) -> tuple[str, ...]:
    users = f" as {name_most(dict.fromkeys(one.users, 1))}" if one.users else ""
    operations = name_most(one.operations)
    return (
        f"{one.reason}, by {one.client}{users}",
        name_targets(one) + (f": {operations}" if operations not in ("", "-") else ""),
        f"{_span(one.first, one.last)}, e.g. {one.decision_id}",
    )


def _passage(one: Passed) -> tuple[str, ...]:
    clients = f"{len(one.clients):,} client{'s' * (len(one.clients) != 1)}"
    return (
        f"{one.target}, by {clients}; {one.failed:,} failed",
        f"{one.bytes_up:,} bytes up, {one.bytes_down:,} down; {_span(one.first, one.last)}",
    )


def _lines(count: int, texts: tuple[str, ...], columns: int) -> Iterator[str]:
    """The count before the first line, the others under it."""
    head, rest = f"{count:>{COUNT},} x ", " " * (COUNT + 3)
    width = max(columns, MIN_COLUMNS)
    for number, text in enumerate(texts):
        begin = rest if number else head
        yield from textwrap.wrap(
            _plain(text), width, initial_indent=begin, subsequent_indent=rest, break_on_hyphens=False
        )


def _span(first: str, last: str) -> str:
    """Both ends; the day once where it is the same, no seconds where it is not."""
    if first[:DAY] == last[:DAY]:
        return f"{_time(first)} to {last[DAY + 1 : SECOND]}"
    return f"{_time(first)[:MINUTE]} to {_time(last)[:MINUTE]}"


def _time(text: str) -> str:
    return text[:SECOND].replace("T", " ")


def _plain(text: str) -> str:
    """Text without control characters: names come from clients."""
    return "".join(one if one.isprintable() else "?" for one in text)

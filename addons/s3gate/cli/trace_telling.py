"""What a trace found, as a person reads it: sources with their way, then what to know beside it.

The normal case: a table with a tick a line, and a note on CloudTrail's delay. Names in it
come from clients, so nothing of them is obeyed by a terminal.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from s3gate.aws.trail.event import TrailEvent
from s3gate.aws.trail.ledger import Ledger, Unmatched
from s3gate.aws.trail.tally import Row, RowKey
from s3gate.aws.trail.trace import Trace
from s3gate.aws.trail.way import Verdict

ROWS: Final = 25  # of the table; --json has all
EXAMPLES: Final = 5  # requests that are told one by one; --json has more
NAMES: Final = 3  # clients and operations in a cell
PIPE_COLUMNS: Final = 160  # where there is no terminal
MARKS: Final = {Verdict.THROUGH: "✓", Verdict.SERVICE: "-", Verdict.NOT_COVERED: "?"}
WIDE: Final = 120  # columns from which the table has all its cells
NARROW_CELLS: Final = 5
DELAY: Final = "CloudTrail delivers after about 5 minutes, often later, and promises no time"


def tell(
    trace: Trace, ledger: Ledger, unmatched: Unmatched | None, buckets: Sequence[str], *, as_json: bool
) -> None:
    """Print all of it.

    Args:
        trace: with the counted events.
        ledger: with the gate's records; only its numbers are read.
        unmatched: what the journal has and the trail has not; None without a journal.
        buckets: that were asked about.
        as_json: JSON lines instead of a table.
    """
    notes = list(_notes(trace, ledger, unmatched))
    if as_json:
        _tell_json(trace, unmatched, buckets, notes)
        return
    name = ", ".join(map(_plain, buckets))
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(trace.tally.verdicts.items()))
    events, entries = f"{trace.tally.events:,}", f"{trace.entries:,}"
    click.echo(f"{name}: {events} events of {entries} read: {counts or 'none'}")
    if trace.tally.rows:
        console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False, markup=False)
        console.print(_table(trace.tally.sorted_rows(), console.width))
    for example in trace.tally.examples[:EXAMPLES]:
        click.echo(f"✗ {example.verdict}: {_sentence(example.event)}")
    for note in notes:
        click.echo(f"note: {_plain(note)}")


def _table(rows: Sequence[tuple[RowKey, Row]], width: int) -> Table:
    names = ("", "source", "way", "events", "gate's clients", "refused", "operations", "who", "last")
    shown = len(names) if width >= WIDE else NARROW_CELLS
    table = Table(*names[:shown])
    for key, row in rows[:ROWS]:
        done = _most([name for name, _ in row.operations.most_common()])
        cells = (
            MARKS.get(key.verdict, "✗"), key.address, key.way, f"{row.requests:,}", _most(list(row.clients)),
            f"{row.refused:,}", done, key.who, _moment(row.last),
        )  # fmt: skip
        table.add_row(*map(_plain, cells[:shown]))
    if len(rows) > ROWS:
        table.caption = f"and {len(rows) - ROWS:,} more: --json tells all"
    return table


def _sentence(event: TrailEvent) -> str:
    way = event.endpoint or "no VPC endpoint"
    told = f"{_moment(event.time)} {event.name} from {event.address} by {event.who or 'nobody told'}, {way}"
    return _plain(f"{told}, request {event.request_id or '-'}, event {event.event_id or '-'}")


def _notes(trace: Trace, ledger: Ledger, unmatched: Unmatched | None) -> Iterator[str]:
    tally = trace.tally
    if not tally.events:
        yield "no event of the bucket: object requests are data events, which a trail must be told to log"
    elif set(tally.categories) == {"Management"}:
        yield "only management events: who read or wrote objects is told by a trail's data events alone"
    if trace.unread:
        yield f"{trace.unread:,} entries could not be read as events: give CloudTrail's own files"
    if trace.nameless:
        yield f"{trace.nameless:,} events of S3 name no bucket (ListBuckets, callers of other accounts)"
    if count := tally.verdicts[Verdict.SERVICE]:
        yield f"{count:,} requests were made by AWS services for somebody: no gate sees them"
    if unmatched is not None:
        yield from _journal_notes(trace, ledger, unmatched)
    yield DELAY + (f"; the newest event is of {_moment(tally.newest)}" if tally.newest else "")


def _journal_notes(trace: Trace, ledger: Ledger, unmatched: Unmatched) -> Iterator[str]:
    tally = trace.tally
    if count := tally.verdicts[Verdict.NOT_COVERED]:
        reach = f"{_moment(ledger.first)} to {_moment(ledger.last)}"
        yield f"{count:,} events lie outside of the journal ({reach}): give the gate's records of that time"
    elsewhere = ledger.regions - set(tally.regions)
    if elsewhere:
        where = ", ".join(sorted(elsewhere))
        yield f"the gate let requests to {where} through, where no event is of: CloudTrail tells by region"
    if unmatched.missing:
        yield f"{unmatched.missing:,} requests that the gate let through have no event: it is not complete"
    if unmatched.pending:
        yield f"{unmatched.pending:,} requests that the gate let through are later than the newest event"
    if unmatched.unanswered and tally.verdicts[Verdict.AROUND]:
        yield (
            f"{unmatched.unanswered:,} requests that the gate let through had no answer, so no request id:"
            " some of those around may be these"
        )
    yield "the journal was not verified: `s3gate audit verify` does"


def _tell_json(
    trace: Trace, unmatched: Unmatched | None, buckets: Sequence[str], notes: Sequence[str]
) -> None:
    for key, row in trace.tally.sorted_rows():
        click.echo(json.dumps({"kind": "source", **asdict(key)} | _row_data(row)))
    for example in trace.tally.examples:
        event = example.event
        data = {
            "kind": "request",
            "verdict": example.verdict,
            "time": _stamp(event.time),
            "operation": event.name,
            "address": event.address,
            "who": event.who,
            "endpoint": event.endpoint,
            "error": event.error,
            "region": event.region,
            "category": event.category,
            "buckets": sorted(event.buckets),
            "request_id": event.request_id,
            "event_id": event.event_id,
        }
        click.echo(json.dumps(data))
    summary = {
        "kind": "summary", "buckets": list(buckets), "events": trace.tally.events, "entries": trace.entries,
        "repeated": trace.repeated, "unread": trace.unread,
        "verdicts": {one.value: trace.tally.verdicts[one] for one in Verdict},
        "newest": _stamp(trace.tally.newest), "unmatched": asdict(unmatched) if unmatched else None,
        "notes": list(notes),
    }  # fmt: skip
    click.echo(json.dumps(summary))


def _row_data(row: Row) -> dict[str, object]:
    return {
        "requests": row.requests, "refused": row.refused, "operations": dict(row.operations),
        "clients": dict(row.clients), "first": _stamp(row.first), "last": _stamp(row.last),
    }  # fmt: skip


def _most(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES])
    return f"{shown} and {len(names) - NAMES} others" if len(names) > NAMES else shown


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else "no time"


def _stamp(moment: datetime | None) -> str | None:
    return _moment(moment) if moment is not None else None


def _plain(text: str) -> str:
    """Text without what a terminal obeys: control characters, and those that turn its direction."""
    return "".join(one if one.isprintable() else "?" for one in text)

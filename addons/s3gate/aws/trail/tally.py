"""The ways of many requests, counted: one row for each source, way and verdict. Bounded in memory.

The normal case: a handful of rows. Beyond `ROWS_MAX` sources the rest is counted together,
so that nobody can hide in a flood: the verdicts are counted for all of them.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from s3gate.aws.trail.event import TrailEvent
from s3gate.aws.trail.ledger import Passage
from s3gate.aws.trail.way import Verdict, describe_way

ROWS_MAX: Final = 5_000  # sources times ways that are kept apart
NAMES_MAX: Final = 50  # clients and operations of one row
EXAMPLES_MAX: Final = 100  # requests that are told one by one
OTHERS: Final = "(others)"


@dataclass(frozen=True, slots=True)
class RowKey:
    """What one row is about.

    Args:
        verdict: on its requests.
        way: as `describe_way` says.
        address: the source.
        who: the identity.
    """

    verdict: Verdict
    way: str
    address: str
    who: str


@dataclass(slots=True)
class Row:
    """What came from one source one way.

    Args:
        requests: how many events.
        refused: how many of them S3 or the endpoint's policy refused.
        operations: what was asked.
        clients: the gate's clients behind them.
        first: time of the first.
        last: time of the last.
    """

    requests: int = 0
    refused: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One request that did not go through the gate.

    Args:
        event: as CloudTrail saw it.
        verdict: on it.
    """

    event: TrailEvent
    verdict: Verdict


class Tally:
    """Counts judged events."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Row] = {}
        self.verdicts: Counter[Verdict] = Counter()
        self.categories: Counter[str] = Counter()
        self.regions: Counter[str] = Counter()
        self.examples: list[Example] = []
        self.newest: datetime | None = None

    def add(self, event: TrailEvent, verdict: Verdict, passage: Passage | None) -> None:
        """Count one event.

        Args:
            event: as CloudTrail saw it.
            verdict: on it.
            passage: the gate's record of it, or None.
        """
        self.verdicts[verdict] += 1
        _count(self.categories, event.category)
        _count(self.regions, event.region)
        if verdict.is_no and len(self.examples) < EXAMPLES_MAX:
            self.examples.append(Example(event, verdict))
        key = RowKey(verdict, describe_way(event), event.address, event.who)
        if key not in self.rows and len(self.rows) >= ROWS_MAX:
            key = RowKey(verdict, OTHERS, OTHERS, OTHERS)
        row = self.rows.setdefault(key, Row())
        row.requests += 1
        row.refused += event.error is not None
        _count(row.operations, event.name)
        if passage is not None and passage.client:
            _count(row.clients, passage.client)
        if event.time is not None:
            row.first = min(row.first or event.time, event.time)
            row.last = max(row.last or event.time, event.time)
            self.newest = max(self.newest or event.time, event.time)

    @property
    def events(self) -> int:
        """How many were counted."""
        return self.verdicts.total()

    def sorted_rows(self) -> list[tuple[RowKey, Row]]:
        """What did not go through the gate first, then by number."""
        return sorted(
            self.rows.items(), key=lambda one: (not one[0].verdict.is_no, -one[1].requests, one[0].address)
        )


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < NAMES_MAX else OTHERS] += 1

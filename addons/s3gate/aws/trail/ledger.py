"""What the gate let through, by S3's request id, and which events were seen: on disk, not in memory.

The normal case: all records of the journal go in first, then each event asks for its
request id. A private database of SQLite, which it deletes itself, keeps memory the same for
a thousand records and for a hundred million.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from s3gate.aws.trail.event import TrailEvent, clean, parse_time

PRIVATE: Final = ""  # a temporary database on disk (sqlite.org/inmemorydb.html, "Temporary Databases")
CACHE_KIB: Final = 65_536
IN_FLIGHT: Final = timedelta(
    minutes=2
)  # a heartbeat a minute: a journal that is written ends later than this
REGIONS_MAX: Final = 64  # more than AWS has

_TABLES: Final = """
create table decision (id text primary key, client text, wanted integer, time text) without rowid;
create table completion (request_id text primary key, decision_id text) without rowid;
create index ended on completion (decision_id);
create table matched (request_id text primary key) without rowid;
create table seen (event_id text primary key) without rowid;
"""
_UNANSWERED: Final = """
select count(*) from decision left join completion on completion.decision_id = decision.id
where wanted and request_id is null
"""
_MISSING: Final = """
select count(*) from decision join completion on completion.decision_id = decision.id
where wanted and request_id not in (select request_id from matched) and time <= :border
"""
_PENDING: Final = """
select count(*) from decision join completion on completion.decision_id = decision.id
where wanted and request_id not in (select request_id from matched) and time > :border
"""


@dataclass(frozen=True, slots=True)
class Passage:
    """A request that the gate let through.

    Args:
        decision_id: of the gate's decision.
        client: address of the client, or empty.
    """

    decision_id: str
    client: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What the journal has and the trail has not.

    Args:
        unanswered: allowed requests to the buckets that have no request id: no answer came, or not yet.
        missing: those with a request id that no event has, up to the newest event.
        pending: those with a request id that no event has, later than the newest event.
    """

    unanswered: int
    missing: int
    pending: int


class Ledger:
    """Takes in records of the gate and events of CloudTrail; close it at the end.

    Args:
        buckets: that are asked about.
    """

    def __init__(self, buckets: frozenset[str]) -> None:
        self._buckets = buckets
        self._base = sqlite3.connect(PRIVATE, isolation_level=None, check_same_thread=True)
        self._base.execute(f"pragma cache_size = -{CACHE_KIB}")
        for setting in ("journal_mode = off", "synchronous = off", "temp_store = file"):
            self._base.execute(f"pragma {setting}")
        self._base.executescript(_TABLES)
        self._base.execute("begin")
        self.records = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.regions: set[str] = set()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget all."""
        self._base.close()

    def add_record(self, record: Mapping[str, object]) -> None:
        """Take in a record of the gate.

        Args:
            record: parsed; one of another kind says only how far the journal reaches.
        """
        self.records += 1
        moment = parse_time(str(record.get("time") or ""))
        if moment is not None:
            self.first = min(self.first or moment, moment)
            self.last = max(self.last or moment, moment)
        event, decision_id = record.get("event"), clean(str(record.get("decision_id")))
        if event == "egress" and record.get("decision") == "allow":
            self._add_decision(record, decision_id)
        elif event == "completion":
            request_id = _inside(record, "upstream", "request_id")
            if request_id:
                pair = (request_id, decision_id)
                self._base.execute("insert or ignore into completion values (?, ?)", pair)

    def find(self, event: TrailEvent) -> Passage | None:
        """The gate's record of the request of an event, if it has one.

        Args:
            event: as CloudTrail saw it.
        """
        if not event.request_id:
            return None
        query = (
            "select completion.decision_id, decision.client from completion"
            " left join decision on decision.id = completion.decision_id where request_id = ?"
        )
        found = self._base.execute(query, (event.request_id,)).fetchone()
        if found is None:
            return None
        self._base.execute("insert or ignore into matched values (?)", (event.request_id,))
        return Passage(str(found[0]), str(found[1] or ""))

    def is_new(self, event: TrailEvent) -> bool:
        """Whether this event was not seen before; one without an id always is.

        Args:
            event: as CloudTrail saw it.
        """
        if not event.event_id:
            return True
        added = self._base.execute("insert or ignore into seen values (?)", (event.event_id,))
        return added.rowcount == 1

    def covers(self, moment: datetime | None) -> bool:
        """Whether the journal reaches to that time, so that a request it has not did not pass the gate.

        Args:
            moment: of an event; one without a time counts as covered.
        """
        if self.first is None or self.last is None:
            return False
        return moment is None or self.first <= moment <= self.last + IN_FLIGHT

    def unmatched(self, newest: datetime | None) -> Unmatched:
        """What the journal has of the buckets and the trail has not.

        Args:
            newest: time of the newest event.
        """
        border = newest.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z" if newest else ""
        counts = (self._count(query, border) for query in (_UNANSWERED, _MISSING, _PENDING))
        return Unmatched(*counts)

    def _count(self, query: str, border: str) -> int:
        with closing(self._base.execute(query, {"border": border})) as cursor:
            return int(cursor.fetchone()[0])

    def _add_decision(self, record: Mapping[str, object], decision_id: str) -> None:
        wanted = self._buckets & {_inside(record, "request", "bucket"), _copied(record)}
        if wanted and len(self.regions) < REGIONS_MAX and (region := _inside(record, "request", "region")):
            self.regions.add(region)
        row = (
            decision_id,
            _inside(record, "client", "address"),
            bool(wanted),
            clean(str(record.get("time"))),
        )
        self._base.execute("insert or ignore into decision values (?, ?, ?, ?)", row)


def _inside(record: Mapping[str, object], outer: str, inner: str) -> str:
    found = record.get(outer)
    value = found.get(inner) if isinstance(found, dict) else None
    return clean(value) if isinstance(value, str) else ""


def _copied(record: Mapping[str, object]) -> str:
    request = record.get("request")
    return _inside(request, "copy_source", "bucket") if isinstance(request, dict) else ""

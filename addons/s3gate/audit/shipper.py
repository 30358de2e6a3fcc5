"""The shipper: journal → windows → sink → cursor, for ever, and never ahead of an acknowledgement.

Each round reads what waits behind the cursor, hands at most one call's worth to
the sink, and moves the cursor only when the sink says that all of it was
accepted. Refusals that arrive too late for their alarm are followed by a backfill
record, stamped now, before the cursor moves. Whatever goes wrong is tried again;
what was accepted but not yet noted is shipped twice. It knows nothing of event loops
or processes: `run` is a plain function that returns when the stop event is set,
within `DRAIN_S` and a bit.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from s3gate.audit.appender import Position, prune_segments
from s3gate.audit.backoff import Backoff
from s3gate.audit.cursor import CursorFile
from s3gate.audit.identifier import new_id
from s3gate.audit.notice import Late, render_backfill
from s3gate.audit.reader import JournalReader
from s3gate.audit.segment import JournalDamaged
from s3gate.audit.window import MAX_BYTES, MAX_EVENTS, Event, take_window

INTERVAL_S: Final = 1.0  # a denial is on its way within a second; one call a second is far below any quota
LATE_MS: Final = 120_000  # two periods of the alarm on denials; a datapoint that old may never be looked at
DRAIN_S: Final = 2.0  # after the stop: what can still be delivered; with closing it stays under 3 s


class Sink(Protocol):
    """Where windows go."""

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        """Deliver all events, retrying as it sees fit; False because `give_up` said so."""

    def close(self) -> None:
        """Let go, without waiting for an answer."""

    def health(self) -> "SinkHealth":
        """What happened so far."""


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """What a sink has seen.

    Args:
        retries: calls that were tried again.
        dead_letters: events that are never taken.
        last_error: the code of the error it is stuck on, or None.
        behind_ms: how far our clock is behind that of the sink, milliseconds.
    """

    retries: int = 0
    dead_letters: int = 0
    last_error: str | None = None
    behind_ms: int = 0


@dataclass(frozen=True, slots=True)
class ShipperHealth:
    """How delivery stands.

    Args:
        acknowledged_seq: the last record that was accepted.
        oldest_unacknowledged_s: age of the oldest record that waits, seconds; 0 when none does.
        delivered: events accepted since the start.
        sink: retries, dead letters, and what delivery waits for now.
        error: what keeps the journal or the cursor from being used, or that the shipper has ended; or None.
    """

    acknowledged_seq: int
    oldest_unacknowledged_s: float
    delivered: int
    sink: SinkHealth
    error: str | None


class Shipper:
    """Ships one writer's journal.

    Args:
        reader: of the journal.
        sink: where events go.
        cursor: where progress is kept.
        stop: set it to end `run`.
        keep_bytes: shipped segments stay while all segments hold no more than this.
        interval_s: pause between rounds that found less than a full window, seconds.
        drain_s: how long to go on delivering after the stop, seconds.
        now_ms: the wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        reader: JournalReader,
        sink: Sink,
        cursor: CursorFile,
        stop: threading.Event,
        *,
        keep_bytes: int = 0,
        interval_s: float = INTERVAL_S,
        drain_s: float = DRAIN_S,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._reader, self._sink, self._cursor, self._stop = reader, sink, cursor, stop
        self._keep_bytes, self._interval_s, self._drain_s, self._now_ms = (
            keep_bytes,
            interval_s,
            drain_s,
            now_ms,
        )
        self._position: Position | None = None
        self._waiting_since_ms: int | None = None
        self._delivered = 0
        self.has_looked = False
        """Whether it knows by now what waits; before that nothing seems to."""
        self._error: str | None = None
        self._ended = False
        self._give_up_at: float | None = None
        self._backoff = Backoff()

    def run(self) -> None:
        """Ship until the stop event, then drain for a bounded time and close the sink."""
        try:
            while not self._give_up():
                stopping = self._stop.is_set()
                events = self._next_window()
                self.has_looked = True
                if events and not self._deliver(events):
                    return
                if not events and stopping:
                    return
                if not _is_full(events):
                    self._stop.wait(max(self._interval_s, self._backoff.delay_s(random.random())))  # noqa: S311 - jitter
        finally:
            self._ended = True
            self._sink.close()

    def health(self) -> ShipperHealth:
        """How delivery stands now; may be asked from any thread."""
        since = self._waiting_since_ms
        return ShipperHealth(
            acknowledged_seq=self._position.seq if self._position is not None else 0,
            oldest_unacknowledged_s=0.0 if since is None else max(0, self._now_ms() - since) / 1000,
            delivered=self._delivered,
            sink=self._sink.health(),
            error=self._error or ("the shipper has ended" if self._ended else None),
        )

    def _next_window(self) -> Sequence[Event]:
        """What waits behind the cursor; nothing when the journal cannot be read now."""
        try:
            if self._position is None:
                self._position = self._cursor.load()
            events = take_window(self._reader.read(self._position))
        except (OSError, JournalDamaged) as exc:
            self._waiting_since_ms = self._waiting_since_ms or self._now_ms()  # what it holds, waits
            self._fail(exc)
            return ()
        self._waiting_since_ms = events[0].time_ms or self._now_ms() if events else None
        return events

    def _deliver(self, events: Sequence[Event]) -> bool:
        if not self._sink.send(events, self._give_up) or not self._tell_late(events):
            return False
        self._position = events[-1].position
        self._delivered += len(events)
        self._waiting_since_ms = None
        try:
            self._cursor.store(self._position)
            prune_segments(self._reader.directory, self._position.seq, self._keep_bytes)
        except OSError as exc:  # delivered all the same; after a restart it would be shipped again
            self._fail(exc)
        else:
            self._error, self._backoff = None, Backoff()
        return True

    def _tell_late(self, events: Sequence[Event]) -> bool:
        """Deliver the backfill record of a window with late refusals; False when time to drain was over."""
        # By the clock of those who count it: a gate that is minutes behind stamps what is new as old.
        now_ms = self._now_ms() + self._sink.health().behind_ms
        late = [event for event in events if event.time_ms and now_ms - event.time_ms > LATE_MS]
        denials = sum(event.denied for event in late)
        if not denials:
            return True
        told = Late(
            writer=self._reader.directory.name,
            first_seq=late[0].position.seq,
            last_seq=late[-1].position.seq,
            records=len(late),
            denials=denials,
            oldest=datetime.fromtimestamp(min(event.time_ms for event in late) / 1000, UTC),
        )
        record = render_backfill(told, audit_id=new_id(), time=datetime.fromtimestamp(now_ms / 1000, UTC))
        text = json.dumps(record, separators=(",", ":"))
        return self._sink.send([Event(late[-1].position, now_ms, text)], self._give_up)

    def _fail(self, cause: OSError | JournalDamaged) -> None:
        self._error = str(cause)
        self._backoff = self._backoff.after_failure()

    def _give_up(self) -> bool:
        """Whether the stop was set and the time to drain is over."""
        if not self._stop.is_set():
            return False
        if self._give_up_at is None:
            self._give_up_at = time.monotonic() + self._drain_s
        return time.monotonic() >= self._give_up_at


def _is_full(events: Sequence[Event]) -> bool:
    """Whether a window is so large that more is likely to wait behind it."""
    return len(events) >= MAX_EVENTS or sum(event.bytes for event in events) > MAX_BYTES // 2

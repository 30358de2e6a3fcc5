"""The heartbeat: each minute a record that the gate lives, with the heads of all chains.

The first is written at the start, the last at the end, which says so: a chain that
stops without one was cut, or its writer was killed. A heartbeat that cannot be written
is not made up for; its absence is what the alarm watches.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal, JournalUnavailable, Kind
from s3gate.audit.mark import list_heads
from s3gate.audit.notice import Delivery, Pulse, render_heartbeat
from s3gate.audit.standing import Standing

INTERVAL_S: Final = 60.0  # the period of the alarm that misses it


class Tally:
    """What happened since the last heartbeat; used in the event loop only."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._unavailable = 0

    def decided(self, reason: str) -> None:
        """Count one decision."""
        self._counts[reason] += 1

    def failed(self) -> None:
        """Count one record that could not be made durable."""
        self._unavailable += 1

    def take(self) -> tuple[Counter[str], int]:
        """The counts so far, which begin anew."""
        taken = self._counts, self._unavailable
        self._counts, self._unavailable = Counter(), 0
        return taken

    def give_back(self, counts: Counter[str], unavailable: int) -> None:
        """Undo `take`: the heartbeat that should tell them was not written."""
        self._counts.update(counts)
        self._unavailable += unavailable


class Heartbeat:
    """Writes the heartbeats of one gate.

    Args:
        journal: open.
        tally: fed by the recorder.
        policy: gives the digest of the policy in force, or None.
        standing: of delivery; None where nothing is shipped.
        interval_s: seconds between two.
    """

    def __init__(
        self,
        journal: Journal,
        tally: Tally,
        policy: Callable[[], str | None],
        standing: Standing | None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._journal, self._tally, self._policy, self._standing = journal, tally, policy, standing
        self._interval_s = interval_s

    async def run(self) -> None:
        """Beat until cancelled, then write the last one."""
        try:
            while True:
                await self.beat()
                await asyncio.sleep(self._interval_s)
        finally:
            await self.beat(last=True)

    async def beat(self, *, last: bool = False) -> bool:
        """Write one heartbeat; whether it is on disk."""
        counts, unavailable = self._tally.take()
        heads = []
        with suppress(OSError):  # a disk that cannot be read is told by what it refuses
            heads = list_heads(self._journal.directory.parent)
        pulse = Pulse(
            policy=self._policy(),
            heads=heads,
            counts=counts,
            unavailable=unavailable,
            used_percent=self._journal.used_percent,
            delivery=self._delivery(),
            last=last,
        )
        record = render_heartbeat(pulse, audit_id=new_id(), time=datetime.now(UTC))
        try:
            await self._journal.append(record, Kind.NOTICE)
        except JournalUnavailable:
            self._tally.give_back(counts, unavailable)
            return False
        return True

    def _delivery(self) -> Delivery | None:
        if self._standing is None:
            return None
        health = self._standing.health(self._journal.directory.name, self._journal.acknowledged_seq)
        return Delivery(
            acknowledged_seq=health.acknowledged_seq,
            oldest_unacknowledged_s=health.oldest_unacknowledged_s,
            retries=health.sink.retries,
            dead_letters=health.sink.dead_letters,
            restarts=self._standing.restarts,
            error=health.error or health.sink.last_error,
        )

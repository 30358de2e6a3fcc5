"""Tells the journal what is in monitor mode: at the start, after a change of policy, and once a day.

The normal case is a policy without monitor mode, of which nothing is told. Monitor mode
ends at 00:00 UTC after its last day, so a day is one of UTC; that the last of it has ended
is told as well.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal, JournalUnavailable, Kind
from s3gate.audit.notice import Watched, render_monitor
from s3gate.policy.model import Policy

LOOK_S: Final = 60.0  # between looks at the calendar and the policy; what is judged does not wait for it


def find_watched(policy: Policy, now: datetime) -> Watched:
    """What a policy only watches.

    Args:
        policy: in force.
        now: the clock, time zone aware.
    """
    whole = policy.monitor
    return Watched(
        policy.digest,
        whole.until if whole is not None and whole.active(now) else None,
        [
            (rule.id, rule.monitor.until)
            for rule in policy.rules
            if rule.monitor is not None and rule.monitor.active(now)
        ],
    )


class MonitorWatch:
    """Writes the `monitor` records of one gate.

    Args:
        journal: open.
        policy: gives the policy in force, or None.
        clock: gives the time, time zone aware.
    """

    def __init__(
        self,
        journal: Journal,
        policy: Callable[[], Policy | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._policy, self._clock = journal, policy, clock
        self._told: tuple[str, date] | None = None
        self._watching = False

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> bool:
        """Tell what is in monitor mode if that is due; whether a record was written.

        A record that cannot be written is tried again at the next look.
        """
        policy, now = self._policy(), self._clock()
        if policy is None:
            return False
        due = (policy.digest, now.astimezone(UTC).date())
        if due == self._told:
            return False
        watched = find_watched(policy, now)
        if watched.count or self._watching:
            record = render_monitor(watched, audit_id=new_id(), time=now)
            try:
                await self._journal.append(record, Kind.NOTICE)
            except JournalUnavailable:
                return False
        wrote = bool(watched.count) or self._watching
        self._told, self._watching = due, bool(watched.count)
        return wrote

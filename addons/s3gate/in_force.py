"""The policy in force in one process, and how a new one takes its place: recorded, then swapped whole.

The normal case: news come each second and say nothing new. A new policy is brought in by
one assignment in the event loop, after its record is in the journal: a request is judged
by the policy that stood there when its verdict began, which its record names, and never
by two. A record that cannot be written leaves everything as it is until the next news.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal, JournalUnavailable, Kind
from s3gate.audit.notice import render_policy
from s3gate.loading import Loaded
from s3gate.policy.model import Policy
from s3gate.policy_keeper import Kept, Refused

_log = logging.getLogger("s3gate")

PREFIX: Final = b"policy "  # of the word that carries news to a worker
SOURCE_CHARS: Final = 4096  # of a record: the place, its version, and five mistakes that each quote 120


@dataclass(frozen=True, slots=True)
class News:
    """How the policy stands, as whoever serves is told.

    Args:
        number: of the policy that should be in force; 0: there is none yet.
        source: where it is looked for.
        refused: what was refused last, or None.
        path: file that holds the policy for another process, or None.
        digest: SHA-256 of that file, hex.
    """

    number: int
    source: str
    refused: Refused | None = None
    path: str | None = None
    digest: str = ""

    @classmethod
    def of(cls, kept: Kept, source: str) -> "News":
        """The news of a keeper in this process."""
        return cls(kept.number, source, kept.last_refused)

    def to_word(self) -> bytes:
        """For another process."""
        return PREFIX + json.dumps(asdict(self)).encode()

    @classmethod
    def from_word(cls, word: bytes) -> "News":
        """Read back.

        Raises:
            ValueError: it is none.
        """
        try:
            fields = json.loads(word.removeprefix(PREFIX))
            refused = fields.pop("refused")
            return cls(**fields, refused=None if refused is None else Refused(**refused))
        except (TypeError, KeyError) as exc:
            raise ValueError("the word is no news of the policy") from exc


class PolicyInForce:
    """What the gate asks for at each verdict.

    Args:
        loaded: found at the start, or None: nothing passes.
        number: its number with the keeper.
        refused: how many the keeper had refused by then: they are recorded elsewhere.
    """

    def __init__(self, loaded: Loaded | None, number: int = 1, refused: int = 0) -> None:
        self._policy = loaded.policy if loaded is not None else None
        self.number = number if loaded is not None else 0
        self.refused = refused

    def current(self) -> Policy | None:
        """The policy, whole; None: there is none yet."""
        return self._policy

    @property
    def digest(self) -> str | None:
        """Of the policy."""
        return self._policy.digest if self._policy is not None else None

    def swap(self, policy: Policy, number: int) -> None:
        """From now on each verdict that begins is made by this policy."""
        self._policy, self.number = policy, number


class Follower:
    """Brings in what the keeper keeps; in the event loop.

    Args:
        in_force: what the gate asks.
        journal: takes the records.
        renewed: called after each swap.
    """

    def __init__(
        self, in_force: PolicyInForce, journal: Journal, renewed: Callable[[], None] = lambda: None
    ) -> None:
        self._in_force, self._journal, self._renewed = in_force, journal, renewed
        self._turn = asyncio.Lock()

    async def follow(self, news: News, fetch: Callable[[], Loaded]) -> None:
        """Do what news ask for; those that came while others were followed are late, and harmless.

        Args:
            news: of the keeper.
            fetch: gives the policy that they name; called in a thread.
        """
        async with self._turn:
            try:
                if news.refused is not None and news.refused.number > self._in_force.refused:
                    await self._record_refused(news.refused, news.source)
                if news.number > self._in_force.number:
                    await self._bring_in(await asyncio.to_thread(fetch), news.number)
            except (JournalUnavailable, OSError, ValueError) as exc:
                _log.error("the policy stays as it is for now: %s", exc)

    async def _bring_in(self, loaded: Loaded, number: int) -> None:
        before = self._in_force.digest
        if loaded.policy.digest != before:
            await record_policy(self._journal, loaded, before)
        self._in_force.swap(loaded.policy, number)
        self._renewed()

    async def _record_refused(self, refused: Refused, source: str) -> None:
        """A record in which the policy replaces itself: it stays, and why the new one does not come."""
        kept = self._in_force.digest
        if kept is not None:  # else every request is refused with a record of its own
            where = f"{source} ({refused.version}), {refused.digest} refused: {refused.why}"
            await _record(self._journal, kept, kept, where)
        self._in_force.refused = refused.number


async def record_policy(journal: Journal, loaded: Loaded, before: str | None) -> None:
    """Which policy comes into force stands in the journal before it judges anything.

    Args:
        journal: open.
        loaded: the policy.
        before: digest of the one that it replaces, or None.

    Raises:
        JournalUnavailable: it cannot be written.
    """
    await _record(journal, loaded.policy.digest, before, f"{loaded.source} ({loaded.version})")


async def _record(journal: Journal, after: str, before: str | None, source: str) -> None:
    notice = render_policy(
        audit_id=new_id(), time=datetime.now(UTC), before=before, after=after, source=source[:SOURCE_CHARS]
    )
    await journal.append(notice, Kind.NOTICE)


def check_file(data: bytes, digest: str) -> bytes:
    """The bytes of a file that news name, whole.

    Raises:
        ValueError: they are others.
    """
    if sha256(data).hexdigest() != digest:
        raise ValueError("the new policy did not arrive whole")
    return data

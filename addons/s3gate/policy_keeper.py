"""Keeps the policy: looks at its source, proves what is new there, keeps the last good one.

The normal case: a thread looks each second at a file, each half minute into AWS, and
finds nothing new. What is new is proven in another process and then kept under the next
number; whoever serves follows. What has mistakes, opens the gate's own ground or fails
its cases is refused, and what cannot be read changes nothing: both are told loudly, once.
Nothing is kept on disk: a copy there would need a key that nobody who can write it has.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Condition, Thread
from typing import Final, Protocol

from s3gate.loading import CannotStart, Loaded, load_apart
from s3gate.policy.ground import NO_GROUND, OwnGround
from s3gate.policy.mistake import DocumentErrors, Mistake
from s3gate.policy.source import Remote, SourceText, SourceUnreachable
from s3gate.settings import Settings
from s3gate.settings.users_file import check_users
from s3gate.source.file import FileSource
from s3gate.source.remote import RemoteSource

log = logging.getLogger("s3gate")

LOOK_S: Final = 1.0  # between looks at a file: two calls of stat
REMOTE_LOOK_S: Final = 30.0  # between looks into AWS; AppConfig wants 15 at least
MISSING_LOOK_S: Final = 5.0  # between looks into AWS as long as there is no policy at all
RELOAD_S: Final = 60.0  # for a reload that was asked for: one look, and the proof of 10,000 rules
CLOSE_S: Final = 5.0
TOLD_MISTAKES: Final = 5  # of a refused policy in the log and in its record; `s3gate check` shows all


class Source(Protocol):
    """What can be looked at for a policy: `source/file.py` or `source/remote.py`."""

    def look(self, *, now: bool = False) -> SourceText | None:
        """What lies there, or None when it is what was read last.

        Raises:
            SourceUnreachable: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy that lies at the source and does not come into force.

    Args:
        number: grows by one with each.
        why: one lower-case line.
        digest: of its bytes.
        version: the source's own word for it.
    """

    number: int
    why: str
    digest: str
    version: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The last good policy, and how it stands to its source.

    Args:
        number: grows by one with each policy that comes into force; 0: there is none yet.
        loaded: the policy, or None.
        confirmed_at: when the source last held just this, on `time.monotonic`.
        refused: what the source holds instead and is refused, or None.
        last_refused: what was refused last, whatever the source holds now.
        unreachable: why the source cannot be read, or None.
    """

    number: int
    loaded: Loaded | None
    confirmed_at: float
    refused: Refused | None = None
    last_refused: Refused | None = None
    unreachable: str | None = None

    @property
    def digest(self) -> str | None:
        """Of the policy."""
        return self.loaded.policy.digest if self.loaded is not None else None

    @property
    def refusals(self) -> int:
        """How many were refused so far."""
        return self.last_refused.number if self.last_refused is not None else 0

    def fetch(self) -> Loaded:
        """The policy.

        Raises:
            ValueError: there is none.
        """
        if self.loaded is None:
            raise ValueError("there is no policy yet")
        return self.loaded

    @property
    def problem(self) -> str | None:
        """Why the source does not hold just this policy, or None."""
        return self.refused.why if self.refused is not None else self.unreachable


def open_source(settings: Settings) -> FileSource | RemoteSource:
    """The source that the settings name."""
    place = settings.policy
    return RemoteSource(place, settings.cloudwatch.region) if isinstance(place, Remote) else FileSource(place)


def look_first(source: Source, place: Path | Remote) -> SourceText | None:
    """What lies at a source when the gate starts; None where AWS cannot be asked now.

    Raises:
        CannotStart: a file cannot be read.
    """
    try:
        return source.look(now=True)
    except SourceUnreachable as exc:
        if not isinstance(place, Remote):
            raise CannotStart(f"policy {exc}") from exc
        log.error("%s; everything is refused with POLICY_UNAVAILABLE until it can", exc)  # noqa: TRY400 - a sentence
        return None


@contextmanager
def open_keeper(settings: Settings) -> Iterator[Callable[[], "PolicyKeeper"]]:
    """Read the policy that the settings name, and look after it from then on.

    Args:
        settings: valid.

    Yields:
        Waits for the policy to be proven, and gives its keeper, not started yet; raises
        DocumentErrors where it is refused, CannotStart where that cannot be said.

    Raises:
        CannotStart: a file cannot be read.
    """
    place, source = settings.policy, open_source(settings)
    try:
        text = look_first(source, place)
        if text is None:
            yield lambda: PolicyKeeper(source, place, None, settings.ground, settings.users)
            return
        with load_apart(text, settings.ground) as policy:

            def found() -> PolicyKeeper:
                loaded = Loaded(policy(), str(place), text.version)
                check_users(loaded.policy, settings.users)
                return PolicyKeeper(source, place, loaded, settings.ground, settings.users)

            yield found
    finally:
        source.close()


class PolicyKeeper:
    """Looks at one source as long as the gate lives.

    Args:
        source: to look at; closed by whoever made it.
        place: how the settings name it.
        first: the policy that was found at the start, or None.
        ground: what no policy may open.
        users: file of the proxy's users; None: no policy may ask for any.
    """

    def __init__(
        self,
        source: Source,
        place: Path | Remote,
        first: Loaded | None,
        ground: OwnGround = NO_GROUND,
        users: Path | None = None,
    ) -> None:
        self._source, self._place, self._ground, self._users = source, str(place), ground, users
        self._is_remote = isinstance(place, Remote)
        self._kept = Kept(0 if first is None else 1, first, time.monotonic())
        if first is None:
            self._kept = replace(self._kept, unreachable="it has not been read yet")
        self._told: Callable[[], None] = lambda: None
        self._turn = Condition()
        self._asked = self._answered = 0
        self._closing = False
        self._pending: SourceText | None = None
        self._thread = Thread(target=self._run, name="policy-keeper", daemon=True)

    @property
    def kept(self) -> Kept:
        """How it stands; may be asked from any thread."""
        return self._kept

    def start(self, told: Callable[[], None]) -> None:
        """Look from now on.

        Args:
            told: called each second and after each look, in the keeper's thread.
        """
        self._told = told
        self._thread.start()

    def ask(self) -> None:
        """Have it looked now; returns at once."""
        with self._turn:
            self._asked += 1
            self._turn.notify_all()

    def reload(self, seconds: float = RELOAD_S) -> Kept | None:
        """Look now; how it stands afterwards, or None when that took too long."""
        with self._turn:
            self._asked += 1
            wanted = self._asked
            self._turn.notify_all()
            done = self._turn.wait_for(lambda: self._answered >= wanted or self._closing, seconds)
        return self._kept if done and not self._closing else None

    def stop(self) -> None:
        """Look no more."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        due = time.monotonic() + self._pause()
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._closing or self._asked > self._answered, LOOK_S)
                if self._closing:
                    return
                asked = self._asked
            now = asked > self._answered
            try:
                if now or time.monotonic() >= due:
                    self._look(now=now)
                    due = time.monotonic() + self._pause()
                self._told()
            except Exception:
                log.exception("looking at the policy failed; the last good one stays")
            with self._turn:
                self._answered = asked
                self._turn.notify_all()

    def _pause(self) -> float:
        if not self._is_remote:
            return 0.0
        return REMOTE_LOOK_S if self._kept.number else MISSING_LOOK_S

    def _look(self, *, now: bool) -> None:
        try:
            self._pending = self._source.look(now=now) or self._pending
        except SourceUnreachable as exc:
            if self._kept.unreachable != str(exc):
                log.error("the policy stays as it is: %s", exc)  # noqa: TRY400 - the sentence is enough
            self._kept = replace(self._kept, unreachable=str(exc))
            return
        if self._kept.unreachable is not None:
            self._kept = replace(self._kept, unreachable=None)
        if self._pending is not None:
            self._judge(self._pending)
        elif self._kept.refused is None:
            self._kept = replace(self._kept, confirmed_at=time.monotonic())

    def _judge(self, text: SourceText) -> None:
        """Keep a new policy, or say why not; the process that proves it may fail, and is tried again."""
        kept, digest = self._kept, "sha256:" + sha256(text.data).hexdigest()
        if digest == kept.digest:
            self._pending = None
            self._kept = replace(kept, confirmed_at=time.monotonic(), refused=None)
            return
        try:
            with load_apart(text, self._ground) as policy:
                loaded = Loaded(policy(), self._place, text.version)
            check_users(loaded.policy, self._users)
        except CannotStart as exc:
            log.error("the policy stays as it is: %s", exc)  # noqa: TRY400 - the sentence is enough
            self._kept = replace(kept, unreachable=str(exc))
            return
        except DocumentErrors as exc:
            why = _tell(exc.mistakes)
            log.error("the policy stays as it is; %s (%s) is refused: %s", self._place, text.version, why)  # noqa: TRY400 - as above
            refused = Refused(kept.refusals + 1, why, digest, text.version)
            self._kept = replace(kept, refused=refused, last_refused=refused)
        else:
            log.warning(
                "the policy is now %s, was %s; %s (%s)", digest, kept.digest, self._place, text.version
            )
            self._kept = Kept(kept.number + 1, loaded, time.monotonic(), None, kept.last_refused)
        self._pending = None


def _tell(mistakes: tuple[Mistake, ...]) -> str:
    """The first mistakes on one line."""
    said = [
        f"line {one.line}, column {one.column}: {one.message}" if one.line else one.message
        for one in mistakes
    ]
    more = len(said) - TOLD_MISTAKES
    return "; ".join(said[:TOLD_MISTAKES]) + (f"; and {more} more" if more > 0 else "")

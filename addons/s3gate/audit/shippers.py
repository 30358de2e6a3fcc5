"""The shippers of all journals under one directory: each gets one as soon as something waits in it.

The normal case: every worker has a journal, and what it marks is on its way a second
later. Journals that a dead writer left are shipped like the others, as far as they are
marked. A journal that another process ships already is left to it, until it lets go.
"""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from s3gate.audit.claim import take_claim
from s3gate.audit.cloudwatch import CloudWatchSink
from s3gate.audit.cursor import CursorFile
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.delivery import LogsClient
from s3gate.audit.mark import MarkFollower, read_mark
from s3gate.audit.order import Order
from s3gate.audit.reader import JournalReader
from s3gate.audit.segment import list_directories
from s3gate.audit.shipper import DRAIN_S, Shipper, ShipperHealth, SinkHealth

CLOSE_S: Final = 1.0  # beyond the drain: how long a thread may take to let go
# There are none, or AWS does not take these any more (CloudWatch Logs API reference, common errors). A client
# of boto3 reads those of a file or the environment only once, so that another look needs another process.
WITHOUT_CREDENTIALS: Final = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
    }
)


@dataclass(frozen=True, slots=True)
class _Running:
    shipper: Shipper
    thread: threading.Thread
    claim: int


@dataclass(slots=True)
class _Waiting:
    """A journal without a shipper of ours, and since when its cursor has not moved though more is marked."""

    seq: int
    since: float | None
    error: str | None = None

    def health(self) -> ShipperHealth:
        lag = 0.0 if self.since is None else time.monotonic() - self.since
        return ShipperHealth(self.seq, lag, 0, SinkHealth(), self.error)


@dataclass(slots=True)
class Shippers:
    """One shipper for each journal in which something waits.

    Args:
        order: which journals, where to.
        client: for all of them; boto3's clients may be used from several threads.
    """

    order: Order
    client: LogsClient
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, _Running] = field(default_factory=dict)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def look(self) -> None:
        """Start a shipper for every journal that needs one by now."""
        directories: list[Path] = []
        with suppress(FileNotFoundError):  # no worker has made it yet
            directories = list_directories(Path(self.order.directory))
        for directory in directories:
            if directory.name not in self._running:
                try:
                    self._look_at(directory)
                except OSError as exc:
                    before = self._waiting.get(directory.name)
                    since = before.since if before is not None else None
                    self._waiting[directory.name] = _Waiting(0, since or time.monotonic(), str(exc))

    def health(self) -> Sequence[tuple[str, ShipperHealth]]:
        """How delivery of each journal stands, as far as its shipper has looked by now."""
        running = [
            (name, one.shipper.health()) for name, one in self._running.items() if one.shipper.has_looked
        ]
        return running + [(name, one.health()) for name, one in self._waiting.items()]

    def know(self) -> bool:
        """Whether there is anything to tell: one of them has looked, or none runs."""
        return not self._running or any(one.shipper.has_looked for one in self._running.values())

    def trouble(self) -> str | None:
        """What another process may do better: a shipper has ended, or AWS takes no credentials; or None."""
        for name, one in self._running.items():
            if not one.thread.is_alive():
                return f"the shipper of `{name}` has ended"
            code = one.shipper.health().sink.last_error
            if code in WITHOUT_CREDENTIALS:
                return f"AWS takes no credentials of this process ({code})"
        return None

    def close(self) -> None:
        """Look once more, then let each deliver for a moment and end."""
        self.look()
        self._stop.set()
        end = time.monotonic() + DRAIN_S + CLOSE_S
        for one in self._running.values():
            one.thread.join(max(0.0, end - time.monotonic()))
            if not one.thread.is_alive():
                os.close(one.claim)

    def _look_at(self, directory: Path) -> None:
        marked = read_mark(directory)
        if marked is None:
            return
        reached = CursorFile(directory).load().seq
        if reached == marked.seq:
            self._waiting[directory.name] = _Waiting(reached, None)
        elif (claim := take_claim(directory)) is not None:
            self._waiting.pop(directory.name, None)
            self._running[directory.name] = self._start(directory, claim)
        else:
            before = self._waiting.get(directory.name)
            since = before.since if before is not None and before.seq == reached else None
            self._waiting[directory.name] = _Waiting(reached, since or time.monotonic())

    def _start(self, directory: Path, claim: int) -> _Running:
        sink = CloudWatchSink(self.client, self.order.group, directory.name, DeadLetters(directory))
        reader = JournalReader(directory, MarkFollower(directory))
        shipper = Shipper(reader, sink, CursorFile(directory), self._stop, keep_bytes=self.order.keep_bytes)
        thread = threading.Thread(target=shipper.run, name=directory.name, daemon=True)
        thread.start()
        return _Running(shipper, thread, claim)

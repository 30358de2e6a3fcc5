"""How delivery stands: what the shipping process said last, and how long ago.

The normal case: one shipping process for all journals of the gate; whoever keeps it
hears a line a second, and passes on to each worker what concerns its journal. Silence is
told as lag: what waits, waits longer. So is what waits in any other journal: a dead writer's
has no heartbeat that would tell it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from s3gate.audit.order import parse_status, render_status
from s3gate.audit.shipper import ShipperHealth, SinkHealth

WHY_CHARS: Final = 200  # of the trouble of another journal that is passed on
NOT_STARTED: Final = ShipperHealth(0, 0.0, 0, SinkHealth(), "the shipper has not spoken yet")


class Standing:
    """Delivery of all journals, or of one; may be asked from any thread."""

    def __init__(self) -> None:
        self._status: Mapping[str, ShipperHealth] = {}
        self._failure: str | None = None
        self._heard_at = time.monotonic()
        self.restarts = 0
        """How often the shipping process was started again."""

    def begin(self) -> None:
        """A shipping process was started: silence counts from now."""
        self._heard_at = time.monotonic()

    def hear(self, line: bytes) -> None:
        """Take in a status line of the shipping process.

        Raises:
            ValueError: it is none.
        """
        self._status, self._failure = parse_status(line), None
        self._heard_at = time.monotonic()

    def fail(self, why: str) -> None:
        """Nothing is shipped, until the next status line."""
        self._failure = why

    def health(self, writer: str, written_seq: int) -> ShipperHealth:
        """How delivery of one journal stands.

        Args:
            writer: its id.
            written_seq: the last record on disk; while it waits, silence counts as lag.
        """
        told, silent_s = self._status.get(writer, NOT_STARTED), time.monotonic() - self._heard_at
        lag = told.oldest_unacknowledged_s + (silent_s if told.acknowledged_seq < written_seq else 0)
        beside = self._worst_beside(writer)
        lag = max(lag, beside.oldest_unacknowledged_s)
        return replace(told, error=self._failure or told.error or beside.error, oldest_unacknowledged_s=lag)

    def _worst_beside(self, writer: str) -> ShipperHealth:
        """Lag and trouble of the other journal that waits longest."""
        others = [(one.oldest_unacknowledged_s, name) for name, one in self._status.items() if name != writer]
        lag, name = max(others, default=(0.0, ""))
        error = self._status[name].error if others else None
        if error is not None and name:  # passed on, it names itself
            error = f"`{name}`: {error}"[:WHY_CHARS]
        return ShipperHealth(0, lag, 0, SinkHealth(), error)

    def pass_on(self, writer: str) -> bytes:
        """What a worker should know of its own journal, under 1 KiB."""
        told = [(writer, self._status[writer])] if writer in self._status else []
        told.append(("", self._worst_beside(writer)))
        silent_s = time.monotonic() - self._heard_at
        news = {"restarts": self.restarts, "failure": self._failure, "silent_s": silent_s}
        return json.dumps(news).encode() + b"\n" + render_status(told)

    def take_over(self, news: bytes) -> None:
        """Take in what `pass_on` gave in another process.

        Raises:
            ValueError: it did not.
        """
        head, _, line = news.partition(b"\n")
        try:
            fields = json.loads(head)
            restarts, failure = int(fields["restarts"]), fields["failure"]
            heard_at = time.monotonic() - float(fields["silent_s"])
        except (TypeError, KeyError) as exc:
            raise ValueError("the word is no news of delivery") from exc
        self._status = parse_status(line)
        self.restarts, self._failure, self._heard_at = restarts, failure, heard_at

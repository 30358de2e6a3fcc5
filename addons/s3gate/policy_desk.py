"""Where the policy's standing is told: on the pages, in the metrics, and to whoever asks for a reload.

The normal case: the pages ask each time they are made; `s3gate reload` asks over the
gate's own socket, and hears what came of it once every worker judges by it.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from s3gate.control import serve_control
from s3gate.health.policy_metrics import PolicyMetrics
from s3gate.health.server import Page
from s3gate.health.status import PolicyStanding
from s3gate.loading import CannotStart
from s3gate.policy_keeper import Kept, PolicyKeeper

TAKEN_S: Final = (
    10.0  # for every worker to judge by a new policy: a busy one takes a second with 10,000 rules
)
LOOK_S: Final = 0.01


class PolicyDesk:
    """Tells how the policy stands.

    Args:
        keeper: of the policy.
        source: as the settings name it.
        taken: whether everybody judges by the policy with that digest.
    """

    def __init__(self, keeper: PolicyKeeper, source: str, taken: Callable[[str], bool]) -> None:
        self._keeper, self._source, self._taken = keeper, source, taken
        self._metrics, self._first = PolicyMetrics(), keeper.kept.number

    def standing(self) -> PolicyStanding:
        """For the page of `/readyz`."""
        kept = self._keeper.kept
        version = kept.loaded.version if kept.loaded is not None else None
        age_s = round(time.monotonic() - kept.confirmed_at, 3)
        return PolicyStanding(self._source, version, age_s, kept.problem)

    def measure(self, page: Page) -> Page:
        """A page of metrics, with the policy's own."""
        kept = self._keeper.kept
        age_s = time.monotonic() - kept.confirmed_at
        changes = kept.number - self._first
        self._metrics.show(age_s, changes, kept.refusals, problem=kept.problem is not None)
        return page._replace(body=page.body + self._metrics.text())

    def reload(self) -> bytes:
        """Have the source looked at now; what came of it, one line of JSON."""
        before = self._keeper.kept
        after = self._keeper.reload()
        if after is None:
            return _render("timeout", before, before, "the source was not read in time")
        if after.unreachable is not None:
            return _render("unreachable", before, after, after.unreachable)
        if after.refused is not None:
            return _render("refused", before, after, after.refused.why)
        if after.number == before.number:
            return _render("unchanged", before, after, None)
        deadline, pause = time.monotonic() + TAKEN_S, Event()
        while after.digest is not None and not self._taken(after.digest):
            if time.monotonic() > deadline:
                return _render("timeout", before, after, f"not every worker took it within {TAKEN_S:g} s")
            pause.wait(LOOK_S)
        return _render("changed", before, after, None)


@contextmanager
def serve_keeper(
    keeper: PolicyKeeper, directory: Path, desk: PolicyDesk, told: Callable[[], None]
) -> Iterator[None]:
    """Keep the policy, and answer whoever asks for a reload, meanwhile.

    Args:
        keeper: not started yet.
        directory: of the audit; takes the socket.
        desk: answers.
        told: see `PolicyKeeper.start`.

    Raises:
        CannotStart: the socket cannot be made.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(serve_control(directory, desk.reload))
        except OSError as exc:
            what = f"the socket for `s3gate reload` cannot be made in `{directory}`: {exc.strerror}"
            raise CannotStart(f"{what}; let s3gate write there") from exc
        keeper.start(told)
        stack.callback(keeper.stop)
        yield


def _render(outcome: str, before: Kept, after: Kept, why: str | None) -> bytes:
    version = after.loaded.version if after.loaded is not None else None
    fields = {
        "outcome": outcome,
        "before": before.digest,
        "policy": after.digest,
        "version": version,
        "rules": len(after.loaded.policy.rules) if after.loaded is not None else None,
        "why": why,
    }
    return json.dumps(fields).encode() + b"\n"

"""How a worker is, in its own words, and what that makes of the whole: the page of `/readyz`.

The normal case: every worker that serves says so twice a second, the gate is ready. It
is not when none serves, when one that serves cannot write its journal or has fallen
silent, while there is no policy, and once it leaves. A worker that is only starting takes nothing away.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from s3gate.health.server import Page

TELL_S: Final = 0.5  # between two words of a worker
SILENT_S: Final = 5.0  # a worker that says nothing for so long does not serve either


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker's word.

    Args:
        writer: id of its journal.
        policy: digest of the policy in force, or None.
        port: that it listens on; 0 before it does.
        selftest: the reason with which its self-test was refused; None before.
        leaving: whether it is about to end.
        journal_failure: why its journal cannot be written, or None.
        journal_seq: its last durable record.
        journal_used_percent: how much of the journal's room is taken.
        shipping: `off`, `well`, or what shipping waits for.
        shipped_seq: the last record that CloudWatch took.
        shipper_lag_s: age of the oldest record that waits, seconds; None where nothing is shipped.
        connections: open connections of clients.
        tunnels: those with an accepted CONNECT.
    """

    writer: str
    policy: str | None
    port: int = 0
    selftest: str | None = None
    leaving: bool = False
    journal_failure: str | None = None
    journal_seq: int = 0
    journal_used_percent: int = 0
    shipping: str = "off"
    shipped_seq: int = 0
    shipper_lag_s: float | None = None
    connections: int = 0
    tunnels: int = 0

    @property
    def serves(self) -> bool:
        """Whether clients can come to it."""
        return self.port != 0 and self.selftest is not None and not self.leaving

    def to_line(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_line(cls, line: bytes) -> "WorkerStatus":
        """Read back.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(**json.loads(line))
        except TypeError as exc:
            raise ValueError("the line is no worker's status") from exc


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker's last word, and how many seconds ago it came."""

    status: WorkerStatus
    age_s: float


@dataclass(frozen=True, slots=True)
class PolicyStanding:
    """How the policy stands to its source.

    Args:
        source: as the settings name it.
        version: the source's own word for the policy in force, or None.
        age_s: since the source last held just this policy, seconds.
        problem: why it does not now, or None.
    """

    source: str
    version: str | None
    age_s: float
    problem: str | None


def render_ready(
    heard: Sequence[Heard], wanted: int, policy: PolicyStanding | None = None, *, leaving: bool = False
) -> Page:
    """The page of `/readyz`: 200 or 503, and why.

    Args:
        heard: of every worker that has said something.
        wanted: how many there should be.
        policy: how the policy stands to its source, where that is watched.
        leaving: whether the whole gate is about to end.
    """
    serving = [one for one in heard if one.status.serves]
    silent = [one.status.writer for one in serving if one.age_s > SILENT_S]
    failures = [one.status.journal_failure for one in serving if one.status.journal_failure]
    policies = sorted({one.status.policy for one in serving if one.status.policy})
    lags = [one.status.shipper_lag_s for one in heard if one.status.shipper_lag_s is not None]
    without = [one for one in serving if one.status.policy is None]
    ready = bool(serving) and not silent and not failures and not without and not leaving
    state = {
        "ready": ready,
        "policy": policies[0] if len(policies) == 1 else policies or None,
        "policy_source": None if policy is None else asdict(policy),
        "selftest": "refused" if serving else "not passed",
        "journal": failures[0] if failures else "writable" if serving else "not open",
        "journal_seq": sum(one.status.journal_seq for one in heard),
        "journal_used_percent": max((one.status.journal_used_percent for one in heard), default=0),
        "shipping": _worst_shipping([one.status.shipping for one in heard]),
        "shipper_lag_s": max(lags, default=None),
        "draining": leaving or any(one.status.leaving for one in heard),
        "workers": {"wanted": wanted, "serving": len(serving), "silent": silent},
    }
    return Page(200 if ready else 503, "application/json", json.dumps(state).encode() + b"\n")


def _worst_shipping(told: Sequence[str]) -> str:
    bad = [one for one in told if one not in ("off", "well")]
    return bad[0] if bad else told[0] if told else "off"

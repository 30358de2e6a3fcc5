"""Replayed decisions counted: a storm is one group with a number, who asked and when. Pure.

Normally few groups: what changes, changes for a reason that many requests share. Tallies
of several processes are added up.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from s3gate.replay.replayer import Answer, Outcome

GROUPS_MAX: Final = 10_000  # kinds of change that are told apart; what comes beyond is counted together
CLIENTS_MAX: Final = 50  # of one group that are named
OTHERS: Final = "(others)"


class Kind(NamedTuple):
    """What the decisions of one group have in common."""

    outcome: str
    was: str
    now: tuple[str, ...]
    rule: str | None
    hangs_on: tuple[str, ...]
    target: str
    operation: str


@dataclass(slots=True)
class Group:
    """How often, when, by whom; and one of them to look at."""

    count: int = 0
    first: str = ""
    last: str = ""
    decision_id: str = ""
    clients: set[str] = field(default_factory=set)

    def add(self, count: int, first: str, last: str, decision_id: str, clients: set[str]) -> None:
        """Count more of the same."""
        self.count += count
        self.first = min(self.first or first, first)
        if last >= self.last:
            self.last, self.decision_id = last, decision_id
        for client in sorted(clients):
            if len(self.clients) < CLIENTS_MAX:
                self.clients.add(client)


class Tally:
    """What a replay found."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter({one.value: 0 for one in Outcome})
        self.groups: dict[Kind, Group] = {}
        self.missing: Counter[str] = Counter()
        self.unreadable = 0
        self.assumed = 0
        self.first = ""
        self.last = ""

    @property
    def decisions(self) -> int:
        """How many were replayed."""
        return self.outcomes.total()

    @property
    def unchanged(self) -> bool:
        """Whether every decision was told, and is the same."""
        return self.outcomes[Outcome.SAME] == self.decisions and not self.unreadable

    def count(self, record: Mapping[str, object], answer: Answer, missing: str | None) -> None:
        """Count one replayed record.

        Args:
            record: of event `egress`.
            answer: what became of it.
            missing: digest of the policy that decided it when that is not at hand, else None.
        """
        self.outcomes[answer.outcome.value] += 1
        self.assumed += answer.assumes
        time = str(record.get("time"))
        self.first, self.last = min(self.first or time, time), max(self.last, time)
        if answer.outcome is Outcome.SAME:
            return
        if missing is not None and answer.outcome is Outcome.UNKNOWN:
            self.missing[missing] += 1
        request, client = record.get("request"), record.get("client")
        asked = request if isinstance(request, dict) else {}
        kind = Kind(
            answer.outcome.value,
            str(answer.was) if answer.was is not None else "-",
            tuple(map(str, answer.now)),
            answer.rule,
            answer.hangs_on,
            str(asked.get("bucket") or asked.get("host") or asked.get("connect") or "-"),
            str(asked.get("operation") or "-"),
        )
        address = str(client.get("address")) if isinstance(client, dict) else "-"
        self._group(kind).add(1, time, time, str(record.get("decision_id")), {address})

    def add(self, other: "Tally") -> None:
        """Count what another process has counted."""
        self.outcomes.update(other.outcomes)
        self.missing.update(other.missing)
        self.unreadable += other.unreadable
        self.assumed += other.assumed
        if other.first:
            self.first, self.last = min(self.first or other.first, other.first), max(self.last, other.last)
        for kind, one in other.groups.items():
            self._group(kind).add(one.count, one.first, one.last, one.decision_id, one.clients)

    def _group(self, kind: Kind) -> Group:
        if kind not in self.groups and len(self.groups) >= GROUPS_MAX:
            kind = kind._replace(rule=None, target=OTHERS, operation=OTHERS)
        return self.groups.setdefault(kind, Group())

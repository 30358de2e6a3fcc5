"""What another policy says about a recorded decision: the same, another one, or not to be told. Pure.

The normal case: the record's facts are judged by the new policy in every world that the
recorded verdict leaves possible, and it says the same each time. Requests of one shape are
judged once: a key counts only by the patterns that it fits.

1. What no list changes stays: a refusal of the reading, the connection or the moment.
2. A key that is not recorded is judged twice, as fitting every pattern and as fitting none.
3. The policy that decided then, when it is at hand, must say what the record says: only the
   worlds in which it does are kept. None left means that the record does not fit it.
   A header that means nothing to its operation is taken as not sent; `assumes` tells where one matters.
4. The new policy is asked in each; the recorded verdict in all of them is `same`, in none
   `changed`, else `unknown`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from s3gate.policy.decide import decide_case, decide_connect
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import KeyGlob, Policy
from s3gate.policy.reading import Request
from s3gate.replay.facts import FIXED, Facts, Past, read_connect, read_facts, read_past
from s3gate.replay.recorded_case import RecordedCase
from s3gate.replay.shape import Shapes
from s3gate.replay.signer import NotReplayable
from s3gate.replay.world import PLAIN, World, candidate_rules, possible_worlds

SHAPES_MAX: Final = 200_000
"""Shapes remembered in one process: some 2 KB each."""

_NO_KEY: Final = (KeyGlob.compile("\0"),)
_DIMENSIONS: Final = (
    ("also", "headers that ask for more (ACL, tags, lock)"),
    ("encryption", "a key of its own (SSE-C)"),
    ("owner", "x-amz-expected-bucket-owner"),
    ("source_owner", "x-amz-source-expected-bucket-owner"),
    ("binding", "what its signature covered"),
    ("region", "the region of its signature"),
    ("renamed", "the key that it moved away"),
)
"""Field of World → what the record does not hold."""


class Outcome(StrEnum):
    """How a replayed decision compares with the recorded one."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision as far as two are compared: its code, and what monitor mode lifted."""

    reason: Reason
    would_deny: Reason | None = None

    def __str__(self) -> str:
        """As in `MONITOR_ONLY(BUCKET_NOT_LISTED)`."""
        return f"{self.reason}({self.would_deny})" if self.would_deny is not None else self.reason.value


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one recorded decision.

    Args:
        outcome: how it compares.
        was: the recorded verdict; None where the record has none.
        now: every verdict that the new policy may give, the likeliest first; empty where none can be told.
        rule: the rule that decides in the likeliest case, or None.
        hangs_on: what the record would have to hold for one verdict, as phrases.
        assumes: whether it takes for granted that no header was sent that its operation does not know.
    """

    outcome: Outcome
    was: Verdict | None
    now: tuple[Verdict, ...] = ()
    rule: str | None = None
    hangs_on: tuple[str, ...] = ()
    assumes: bool = False


class Replayer:
    """Judges recorded decisions anew.

    Args:
        policy: the new one.
        befores: policies of the past, known by their digests.
        at: the clock for the new policy's monitor modes, time zone aware.
    """

    def __init__(self, policy: Policy, befores: Iterable[Policy], at: datetime) -> None:
        self._policy, self._at = policy, at
        self._befores = {one.digest: one for one in (*befores, policy)}
        self._shapes = Shapes(policy, self._befores)
        self._open, self._shut = _with_keys(policy, ()), _with_keys(policy, _NO_KEY)
        self._known: dict[object, Answer] = {}

    def answer(self, record: Mapping[str, object]) -> Answer:
        """What the new policy says about one record of event `egress`."""
        was = None
        try:
            past = read_past(record)
            was = Verdict(past.reason, past.would_deny)
            if past.reason in FIXED:
                return Answer(Outcome.SAME, was, (was,), past.rule)
            connect = read_connect(record, past)
            if connect is not None:
                return self._early(connect, was)
            facts = read_facts(record, past)
            shape = self._shapes.of(facts)
            known = self._known.get(shape)
            if known is None:
                known = self._judge(facts, was)
                if len(self._known) >= SHAPES_MAX:
                    self._known.clear()
                self._known[shape] = known
        except NotReplayable as exc:
            return Answer(Outcome.UNKNOWN, was, hangs_on=(str(exc),))
        return known

    def missing(self, digest: str) -> bool:
        """Whether the policy of this digest is not at hand."""
        return digest not in self._befores

    def _early(self, request: Request, was: Verdict) -> Answer:
        """A refusal of the CONNECT: the same question again; what would have come after it nobody knows."""
        denial = decide_connect(self._policy, replace(request, now=self._at))
        if denial is None:
            return Answer(Outcome.UNKNOWN, was, hangs_on=("the request behind a CONNECT that was refused",))
        now = Verdict(denial.reason)
        return Answer(Outcome.SAME if now == was else Outcome.CHANGED, was, (now,), denial.rule)

    def _judge(self, facts: Facts, was: Verdict) -> Answer:
        worlds = self._kept(facts, strange=False)
        strange = self._kept(facts, strange=True)
        if not strange:
            raise NotReplayable("it does not fit the policy of its own digest")
        hidden = facts.hidden is not None and _limits_keys(self._policy, facts)
        asked = (self._open, self._shut) if hidden else (self._policy,)
        said = {
            world: [decide_case(RecordedCase(policy, facts, world, self._at)) for policy in asked]
            for world in strange
        }
        told = [(one, _verdict(decision)) for one in worlds or strange for decision in said[one]]
        now = tuple(dict.fromkeys(verdict for _, verdict in sorted(told, key=lambda pair: pair[0] != PLAIN)))
        outcome = Outcome.UNKNOWN if was in now else Outcome.CHANGED
        if now == (was,):
            outcome = Outcome.SAME
        ways = {_verdict(decision) for decisions in said.values() for decision in decisions}
        open_ = _hangs_on([(one, _verdict(said[one][0])) for one in worlds or strange])
        if hidden and len(now) > 1:
            open_ = (facts.hidden or "", *open_)
        first = said[(worlds or strange)[0]][0]
        return Answer(outcome, was, now, first.rule, open_, not ways <= set(now))

    def _kept(self, facts: Facts, *, strange: bool) -> list[World]:
        """The possible worlds in which the policy of then says what was recorded, where it is at hand."""
        before = self._befores.get(facts.past.policy)
        policies = [self._policy] if before is None else [self._policy, before]
        worlds = list(possible_worlds(facts, policies, strange=strange))
        if before is None or (facts.hidden and _limits_keys(before, facts)):
            return worlds
        return [one for one in worlds if _says(before, facts, one, facts.past)]


def _verdict(decision: Decision) -> Verdict:
    return Verdict(decision.reason, decision.would_deny)


def _says(policy: Policy, facts: Facts, world: World, past: Past) -> bool:
    """Whether the policy of then says in this world what was recorded."""
    said = decide_case(RecordedCase(policy, facts, world, past.time))
    return (said.reason, said.would_deny, said.rule) == (past.reason, past.would_deny, past.rule)


def _hangs_on(verdicts: Sequence[tuple[World, Verdict]]) -> tuple[str, ...]:
    """What in the worlds makes the difference: a field that changes the verdict while the others stay."""
    telling = []
    for name, phrase in _DIMENSIONS:
        said: dict[World, Verdict] = {}
        for world, verdict in verdicts:
            rest = replace(world, **{name: None})  # type: ignore[arg-type] # any value of its own stands for none
            if said.setdefault(rest, verdict) != verdict:
                telling.append(phrase)
                break
    return tuple(telling)


def _limits_keys(policy: Policy, facts: Facts) -> bool:
    return any(rule.keys for rule in candidate_rules(policy, facts))


def _with_keys(policy: Policy, keys: tuple[KeyGlob, ...]) -> Policy:
    """The policy with these patterns in every rule that limits keys."""
    rules = tuple(replace(rule, keys=keys) if rule.keys else rule for rule in policy.rules)
    return replace(policy, rules=rules)

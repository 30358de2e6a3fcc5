"""What monitor mode let pass, gathered from records: each shape once, with how often, when and by whom. Pure.

The normal case: a record with `reason: MONITOR_ONLY`. Records that came twice count once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from s3gate.policy.decide import decide_case
from s3gate.policy.decision import Reason
from s3gate.policy.model import Policy
from s3gate.replay.facts import Facts, read_facts, read_past
from s3gate.replay.recorded_case import RecordedCase
from s3gate.replay.signer import NotReplayable
from s3gate.replay.world import candidate_rules
from s3gate.suggest.key_pattern import NotSuggested
from s3gate.suggest.plan import Witness
from s3gate.suggest.want import Want, Word, enforced, find_wants, world_of


class Seen:
    """Everything that was seen.

    Args:
        policy: that is to allow it; of a client and a key, only what its rules can ask for is kept apart.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.shapes: dict[object, tuple[Facts, Witness]] = {}
        self.monitored = 0
        self.left: Counter[str] = Counter()
        self._keyed: dict[object, bool] = {}

    def add(self, record: Mapping[str, object]) -> None:
        """Look at one record."""
        if record.get("event") != "egress" or record.get("reason") != Reason.MONITOR_ONLY:
            return
        self.monitored += 1
        try:
            facts = read_facts(record, read_past(record))
        except NotReplayable as exc:
            self.left[str(exc)] += 1
            return
        _, witness = self.shapes.setdefault(self._shape(facts), (facts, Witness()))
        time = str(record.get("time"))
        witness.add(Witness(1, time, time, {facts.client.address}, Counter({facts.operation or "-": 1})))

    def _shape(self, facts: Facts) -> object:
        place = (facts.host_header.lower(), facts.bucket, facts.copied.bucket if facts.copied else None)
        keyed = self._keyed.get(place)
        if keyed is None:
            keyed = self._keyed[place] = any(rule.keys for rule in candidate_rules(self.policy, facts))
        group = self.policy.membership.find(facts.client)
        signer = facts.signer
        return (
            place, facts.style, facts.operation, facts.past.rule, facts.key is None,
            (facts.key, facts.prefix, facts.hidden, facts.copied) if keyed else None,
            facts.client.address if group is None and self.policy.clients else group,
            (signer.version, signer.account, signer.region) if signer is not None else None,
        )  # fmt: skip


def wants_of(seen: Seen, now: datetime) -> Iterator[tuple[Want, Witness]]:
    """What the policy lacks for all that was seen; what cannot be suggested is counted in `seen.left`.

    Args:
        seen: what was gathered.
        now: the clock, time zone aware.
    """
    for facts, witness in seen.shapes.values():
        try:
            wants = find_wants(seen.policy, facts, now)
            _check_partition(seen.policy, wants)
        except (NotSuggested, NotReplayable) as exc:
            named = facts.bucket or facts.host_header
            seen.left[f"{named} {facts.operation or '-'}: {exc}"] += witness.count
            continue
        for want in wants:
            yield want, witness


def _check_partition(policy: Policy, wants: tuple[Want, ...]) -> None:
    """Refuse another partition where rules do not name theirs: one such request would spoil the file."""
    another = next((one for one in wants if isinstance(one, Word) and one.section == "partitions"), None)
    if another and len(policy.partitions) == 1 and any(rule.bucket is not None for rule in policy.rules):
        what = f"partition `{another.word}` is not listed"
        raise NotSuggested(f"{what}; to list it, add `partition:` to every rule first")


def still_refused(seen: Seen, changed: Policy, now: datetime) -> Counter[str]:
    """What a changed policy would refuse of it without monitor mode; what is hidden is taken as harmless."""
    refused: Counter[str] = Counter()
    for facts, witness in seen.shapes.values():
        world = world_of(seen.policy, facts)
        decision = decide_case(RecordedCase(enforced(changed, facts), facts, world, now))
        if not decision.allowed:
            named = facts.bucket or facts.host_header
            refused[f"{named} {facts.operation or '-'}: {decision.reason.value}"] += witness.count
    return refused

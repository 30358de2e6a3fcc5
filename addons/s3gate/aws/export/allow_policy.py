"""The policy of an S3 endpoint and the policy of its users: what the rules allow, as grants.

The normal case: `endpoint_grants` for the one region of the policy. A policy of an endpoint
holds for everybody who comes through it, also past the gate; so each `owner` becomes
`aws:ResourceAccount` there, which AWS enforces for clients that cannot send the header.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.aws.export.document import merge_grants
from s3gate.aws.export.grant import Condition, Grant, coarse_grants_of, grants_of
from s3gate.aws.export.preset_grant import preset_grants
from s3gate.aws.export.remark import find_remarks, join_remarks, policy_remarks
from s3gate.aws.export.target import Kind, NotRendered, Target, partition_of_region, target_of
from s3gate.policy.model import Policy, Rule

S3: Final = "s3"
S3_EXPRESS: Final = "s3express"
_KINDS: Final = {S3: (Kind.BUCKET, Kind.ACCESS_POINT), S3_EXPRESS: (Kind.DIRECTORY_BUCKET,)}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rules are meant.

    Args:
        region: only what lies there; None for everywhere.
        client: only rules for this client group, and for everybody; None for all.
        owner: account that owns what no `owner` is said of; None to leave that open.
        account: only rules that this account's keys may use; None for all.
    """

    region: str | None = None
    client: str | None = None
    owner: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """Grants, and what a person should know of them.

    Args:
        notes: sentences.
    """

    grants: tuple[Grant, ...]
    notes: tuple[str, ...]


def chosen_rules(policy: Policy, choice: Choice) -> Iterator[tuple[Rule, Target | NotRendered]]:
    """The rules that are meant, each with what it names."""
    for rule in policy.rules:
        if choice.client is not None and rule.clients and choice.client not in rule.clients:
            continue
        if choice.account is not None and rule.accounts and choice.account not in rule.accounts:
            continue
        if choice.region is not None and rule.partition != partition_of_region(choice.region):
            continue
        try:
            target = target_of(policy, rule)
        except NotRendered as exc:
            yield rule, exc
            continue
        if choice.region is None or not target.regions or choice.region in target.regions:
            yield rule, target


def render_grants(
    policy: Policy,
    choice: Choice,
    services: Sequence[str] = (S3, S3_EXPRESS),
    extra: Iterable[Condition] = (),
    *,
    coarse: bool = False,
) -> Rendered:
    """Everything that the chosen rules and the presets allow.

    Args:
        policy: the whole policy.
        choice: which of its rules.
        services: `S3`, `S3_EXPRESS`: which services' resources; each has endpoints of its own.
        extra: conditions that every grant of a rule gets.
        coarse: buckets and accounts alone, every action and every key: shorter.
    """
    rights = coarse_grants_of if coarse else grants_of
    kinds = {kind for service in services for kind in _KINDS[service]}
    extra = tuple(extra)
    grants: list[Grant] = []
    remarks: list[tuple[str, str]] = []
    for rule, target in chosen_rules(policy, choice):
        if isinstance(target, NotRendered):
            remarks.append((rule.id, f"left out: {target}"))
        elif target.kind not in kinds:
            service = next(name for name, some in _KINDS.items() if target.kind in some)
            remarks.append((rule.id, f"left out: {target.kind.value}s are of service `{service}`"))
        else:
            grants += rights(rule, target, rule.owner or choice.owner, extra)
            remarks += () if coarse else ((rule.id, text) for text in find_remarks(rule, target))
    if S3 in services:
        grants += preset_grants(policy, choice.region, extra)
    return Rendered(tuple(merge_grants(grants)), (*policy_remarks(policy), *join_remarks(remarks)))

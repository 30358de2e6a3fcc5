"""The policy as frozen values: what `document.py` makes and `decide.py` reads.

Nothing here is text any more: names are canonical, dates are dates, networks are
networks. A Policy is swapped whole and never changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from s3gate.policy.ground import NO_GROUND, OwnGround
from s3gate.policy.membership import ClientGroup, Membership
from s3gate.policy.preset import PresetRow, preset_rows
from s3gate.s3.access_point import parse_access_point
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OperationClass


class PlainHttp(StrEnum):
    """What may go in clear text."""

    DENY = "deny"
    HEAD = "head"
    ALLOW = "allow"


class DenyAt(StrEnum):
    """Where a name under an AWS suffix that no rule could allow is refused."""

    REQUEST = "request"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class Monitor:
    """Monitor mode with its mandatory end.

    Args:
        until: the last day; it ends at 00:00 UTC after that day.
    """

    until: date

    def active(self, now: datetime) -> bool:
        """Whether monitor mode still holds at `now` (time zone aware)."""
        end = datetime.combine(self.until + timedelta(days=1), time(), tzinfo=UTC)
        return now < end


@dataclass(frozen=True, slots=True)
class KeyGlob:
    """A pattern on the decoded key: `*` is any text (also `/`), `?` one character, as in IAM resources.

    Args:
        text: the pattern as written.
    """

    text: str
    pieces: tuple[str, ...]

    @classmethod
    def compile(cls, text: str) -> Self:
        """The glob that `text` writes.

        No regular expression: ten thousand of them take a second to compile, and `*a*a*a*` would let
        the sender of a key choose how long a decision takes.
        """
        return cls(text, tuple(text.split("*")))

    def matches(self, key: str) -> bool:
        """Whether the whole key fits the pattern."""
        first, *middle = self.pieces
        if not middle:
            return len(key) == len(first) and _fits(key, 0, first)
        last = middle.pop()
        position, end = len(first), len(key) - len(last)
        if position > end or not _fits(key, 0, first) or not _fits(key, end, last):
            return False
        for piece in middle:
            position = _find(key, piece, position, end)
            if position < 0:
                return False
            position += len(piece)
        return True

    def covers_prefix(self, prefix: str) -> bool:
        """Whether every key that starts with `prefix` fits the pattern.

        True only where that is certain: the pattern ends in `*` and already matches the bare prefix.
        """
        return self.text.endswith("*") and self.matches(prefix)


def _fits(key: str, at: int, piece: str) -> bool:
    """Whether `piece`, with `?` for any character, stands in `key` at an offset that leaves room for it."""
    if "?" not in piece:
        return key.startswith(piece, at)
    return all(want in ("?", have) for want, have in zip(piece, key[at : at + len(piece)], strict=True))


def _find(key: str, piece: str, start: int, end: int) -> int:
    """The first place of `piece` wholly within key[start:end], or -1; the first is as good as any for `*`."""
    if "?" not in piece:
        return key.find(piece, start, end)
    return next((at for at in range(start, end - len(piece) + 1) if _fits(key, at, piece)), -1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the list: a bucket or access point, what may be done with it, and by whom.

    Exactly one of `bucket`, `fqdn`, `access_point` and `mrap` is set.

    Args:
        id: the rule's name, unique in the file.
        line: its line in the file, from 1.
        bucket: bucket name, of a directory bucket too; any listed endpoint and style that names it.
        fqdn: full virtual-hosted-style host name; that host only.
        classes: operation classes allowed.
        operations: single S3 operation names allowed.
        keys: globs, or empty for every key.
        clients: names of client groups, or empty for every client.
        accounts: account ids that may have signed, or empty for every account.
        partition: the partition in which the bucket or access point lies.
        regions: narrower than the policy's regions, or empty.
        encryption_any: whether a write may bring a key that its owner has not.
        monitor: set when this rule's own constraints are only watched.
        access_point: canonical ARN of an access point, also of Object Lambda or on an Outpost.
        mrap: canonical ARN of a multi-region access point.
        owner: account that must be proven to own what the rule names, or None.
        preset: the row of a preset that this rule stands for, or None for a rule of the file.
    """

    id: str
    line: int
    bucket: str | None
    fqdn: str | None
    classes: frozenset[OperationClass]
    operations: frozenset[str]
    keys: tuple[KeyGlob, ...]
    clients: tuple[str, ...]
    accounts: frozenset[str]
    partition: str
    regions: frozenset[str]
    encryption_any: bool = False
    monitor: Monitor | None = None
    access_point: str | None = None
    mrap: str | None = None
    owner: str | None = None
    preset: PresetRow | None = None


@dataclass(frozen=True, slots=True)
class ListedHost:
    """An AWS service name beside S3, with the accounts whose keys may use it."""

    name: str
    accounts: frozenset[str]
    line: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy file, version 1.

    Args:
        digest: `sha256:` and the hex digest of the file's bytes.
        rules: in file order.
        hosts: by name.
        monitor: set when the whole policy is in monitor mode.
        vpce: ids of interface endpoints, without the random part of their names.
        ground: what monitor mode does not open either: what the gate itself stands on.
        presets: names of presets, in file order.
    """

    digest: str
    partitions: frozenset[str]
    regions: frozenset[str]
    classes: frozenset[EndpointClass]
    path_style: bool
    clients: MappingProxyType[str, ClientGroup]
    rules: tuple[Rule, ...]
    hosts: MappingProxyType[str, ListedHost]
    plain_http: PlainHttp = PlainHttp.DENY
    sigv2: bool = False
    unsigned: bool = False
    deny_at: DenyAt = DenyAt.REQUEST
    monitor: Monitor | None = None
    vpce: frozenset[str] = frozenset()
    ground: OwnGround = NO_GROUND
    presets: tuple[str, ...] = ()
    by_bucket: MappingProxyType[tuple[str, str], tuple[Rule, ...]] = field(init=False, repr=False)
    by_fqdn: MappingProxyType[str, tuple[Rule, ...]] = field(init=False, repr=False)
    by_source: MappingProxyType[tuple[str, str], tuple[Rule, ...]] = field(init=False, repr=False)
    by_arn: MappingProxyType[str, tuple[Rule, ...]] = field(init=False, repr=False)
    membership: Membership = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the indexes that a decision looks up.

        `by_bucket` and `by_source` go by (partition, bucket), `by_fqdn` by host name. A copy source
        carries no host, so there a rule for a fqdn counts for the bucket that its name holds. `by_arn`
        has access points, and a multi-region one also without its account, which its host does not tell.
        Rows of presets stand in `by_bucket` alone, behind the rules of the file: no copy reads from them.
        """
        buckets: dict[tuple[str, str], list[Rule]] = {}
        sources: dict[tuple[str, str], list[Rule]] = {}
        names: dict[str, list[Rule]] = {}
        arns: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if rule.bucket is not None:
                place = (rule.partition, rule.bucket)
                buckets.setdefault(place, []).append(rule)
                sources.setdefault(place, []).append(rule)
            elif rule.fqdn is not None:
                names.setdefault(rule.fqdn, []).append(rule)
                named = classify_host(HostName(rule.fqdn))
                if isinstance(named, Endpoint) and named.label is not None:
                    sources.setdefault((rule.partition, named.label), []).append(rule)
            for arn in _arns(rule):
                arns.setdefault(arn, []).append(rule)
        for row in preset_rows(self):
            buckets.setdefault((row.partition, row.bucket), []).append(_preset_rule(row))
        by_bucket = _frozen(buckets)
        object.__setattr__(self, "by_bucket", by_bucket)
        object.__setattr__(self, "by_source", _frozen(sources, by_bucket))
        object.__setattr__(self, "by_fqdn", _frozen(names))
        object.__setattr__(self, "by_arn", _frozen(arns))
        object.__setattr__(self, "membership", Membership(self.clients.values()))

    def __reduce__(self) -> tuple[Callable[..., "Policy"], tuple[object, ...]]:
        """For the way to another process: what it was made of; the indexes are built anew there."""
        others = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        del others["clients"], others["hosts"]
        return _remake, (dict(self.clients), dict(self.hosts), others)


def _remake(
    clients: dict[str, ClientGroup], hosts: dict[str, ListedHost], others: dict[str, object]
) -> Policy:
    return Policy(clients=MappingProxyType(clients), hosts=MappingProxyType(hosts), **others)  # type: ignore[arg-type] # as taken


def _preset_rule(row: PresetRow) -> Rule:
    """A row as a rule for every client and account, on no line of the file."""
    return Rule(
        id=row.rule,
        line=0,
        bucket=row.bucket,
        fqdn=None,
        classes=frozenset(),
        operations=row.operations,
        keys=(),
        clients=(),
        accounts=frozenset(),
        partition=row.partition,
        regions=frozenset({row.region}),
        preset=row,
    )


def _arns(rule: Rule) -> tuple[str, ...]:
    """The ARNs under which a rule's access point is found."""
    if rule.access_point is not None:
        return (rule.access_point,)
    point = None if rule.mrap is None else parse_access_point(rule.mrap)
    return () if point is None else (point.arn, replace(point, account="").arn)


def _frozen[Key](
    lists: dict[Key, list[Rule]], like: Mapping[Key, tuple[Rule, ...]] = MappingProxyType({})
) -> MappingProxyType[Key, tuple[Rule, ...]]:
    """The lists for good; what is the same as in `like` is shared with it."""
    made = {key: tuple(rules) for key, rules in lists.items()}
    return MappingProxyType(
        {key: like[key] if like.get(key) == rules else rules for key, rules in made.items()}
    )

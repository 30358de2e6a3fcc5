"""One request that monitor mode let pass → what the policy lacks for it, found by deciding again. Pure.

The normal case: a bucket without a rule lacks one rule. The policy without its monitor modes
is asked; what it refuses is mended in a copy, and it is asked again, until it allows. Nothing
that is there is ever widened but the lists under `endpoints` and the accounts of a host: what
a rule refuses gets a rule of its own, so that clients and keys of the other stay as they are.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, Literal

from s3gate.policy.decide import decide_case
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import KeyGlob, ListedHost, Policy, Rule
from s3gate.replay.facts import Facts
from s3gate.replay.recorded_case import RecordedCase
from s3gate.replay.world import World, candidate_rules, endpoint_of
from s3gate.s3.access_point import access_point_of, parse_access_point
from s3gate.s3.bucket import explain_bucket_name, is_directory_bucket_name
from s3gate.s3.credential import SignatureVersion
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.suggest.key_pattern import NotSuggested, patterns_for

type Section = Literal["partitions", "regions", "classes", "vpce"]

TURNS: Final = 12
"""Things one request may lack: words of four lists, a host or a rule, a source's rule; and some to spare."""

_BY_RULE: Final = frozenset(
    {
        Reason.BUCKET_NOT_LISTED,
        Reason.OPERATION_NOT_ALLOWED,
        Reason.KEY_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED,
        Reason.ACCOUNT_NOT_ALLOWED,
        Reason.REGION_NOT_ALLOWED,
    }
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a list under `endpoints` lacks."""

    section: Section
    word: str


@dataclass(frozen=True, slots=True)
class HostWant:
    """An AWS service with an account that used it."""

    name: str
    account: str


@dataclass(frozen=True, slots=True)
class RuleWant:
    """What a new rule has to allow, as narrow as it was asked.

    Args:
        key: `bucket`, or `access_point`.
        value: bucket name or ARN.
        partition: partition of a bucket.
        operation: S3 operation name.
        patterns: key patterns; empty for every key.
        exact: whether the operation has to stand by its name, since its class would open more.
        beyond: whether it reaches keys beyond those to which the rule that refused it is limited.
        group: client group, or None for everybody.
        address: of a client that is in no group although the policy has groups, else None.
        account: account that signed; None when nobody or nobody known did.
        owner: of the rule that got furthest, kept.
        encryption_any: likewise.
    """

    key: Literal["bucket", "access_point"]
    value: str
    partition: str
    operation: str
    patterns: tuple[str, ...]
    exact: bool
    beyond: bool
    group: str | None
    address: str | None
    account: str | None
    owner: str | None
    encryption_any: bool


type Want = Word | HostWant | RuleWant


def find_wants(policy: Policy, facts: Facts, now: datetime) -> tuple[Want, ...]:
    """What the policy lacks to allow a recorded request without monitor mode.

    Args:
        policy: as it stands.
        facts: of the request.
        now: the clock, time zone aware.

    Returns:
        Nothing when the policy allows it as it stands.

    Raises:
        NotSuggested: no addition allows it.
    """
    tried = enforced(policy, facts)
    world = world_of(policy, facts)
    wants: list[Want] = []
    for _ in range(TURNS):
        decision = decide_case(RecordedCase(tried, facts, world, now))
        if decision.allowed:
            return tuple(wants)
        want = _mend(tried, facts, decision)
        if want in wants:
            break
        wants.append(want)
        tried = _with(tried, want)
    raise NotSuggested(f"no addition allows it: {decision.reason.value}")


def world_of(policy: Policy, facts: Facts) -> World:
    """As it must have been: what monitor mode never lifts held, so an owner that a rule wants was proven."""
    named, rule = endpoint_of(facts), _furthest(policy, facts)
    owner = rule.owner if rule is not None else None
    asymmetric = facts.signer is not None and facts.signer.version is SignatureVersion.V4A
    region = named.region if named is not None and asymmetric else None
    return World(owner=owner, source_owner=owner, region=region)


def enforced(policy: Policy, facts: Facts | None = None) -> Policy:
    """The policy without its monitor modes; with facts, only the rules that they may meet."""
    rules = policy.rules
    if facts is not None:
        met = (rule for rule in candidate_rules(policy, facts) if rule.preset is None)
        rules = tuple(sorted(met, key=lambda rule: rule.line))
    return replace(policy, monitor=None, rules=tuple(replace(rule, monitor=None) for rule in rules))


def _furthest(policy: Policy, facts: Facts) -> Rule | None:
    """The rule that the record names, when it lists what was asked for."""
    return next((one for one in candidate_rules(policy, facts) if one.id == facts.past.rule), None)


def _mend(tried: Policy, facts: Facts, decision: Decision) -> Want:
    named = endpoint_of(facts)
    if named is None:
        return _host(facts, decision)
    if decision.reason in {Reason.ENDPOINT_NOT_ALLOWED, Reason.REGION_NOT_ALLOWED}:
        missing = _missing_word(tried, named)
        if missing is not None:
            return missing
    if decision.reason is Reason.COPY_SOURCE_NOT_LISTED and facts.copied is not None:
        return _source_rule(tried, facts, named, facts.copied.bucket)
    if decision.reason not in _BY_RULE or facts.operation is None:
        raise NotSuggested(f"no addition allows it: {decision.reason.value}")
    return _target_rule(tried, facts, named, facts.operation)


def _missing_word(policy: Policy, named: Endpoint) -> Word | None:
    """The first of the lists that lacks what the name needs; asked in turn, since each is added to a copy."""
    if named.partition not in policy.partitions:
        return Word("partitions", named.partition)
    for one in sorted(named.needs - policy.classes):
        return Word("classes", one.value)
    if named.vpce is not None and named.vpce not in policy.vpce:
        return Word("vpce", named.vpce)
    if named.region is not None and named.region not in policy.regions:
        return Word("regions", named.region)
    return None


def _host(facts: Facts, decision: Decision) -> HostWant:
    account = facts.signer.account if facts.signer is not None else None
    if decision.reason not in {Reason.HOST_NOT_LISTED, Reason.ACCOUNT_NOT_ALLOWED}:
        raise NotSuggested(f"no addition allows it: {decision.reason.value}")
    if account is None:
        raise NotSuggested("its key does not tell an account, which `hosts` must name")
    return HostWant(parse_authority(facts.host_header).name, account)


def _source_rule(tried: Policy, facts: Facts, named: Endpoint, bucket: str) -> RuleWant:
    """What a copy reads: GetObject alone, of every key of the source."""
    return _want(
        tried, facts, named, bucket if bucket.startswith("arn:") else None, bucket, "GetObject", (), True
    )


def _target_rule(tried: Policy, facts: Facts, named: Endpoint, operation: str) -> RuleWant:
    point = access_point_of(named)
    if point is not None and point.multi_region:
        raise NotSuggested("the host of a multi-region access point does not tell the account of its ARN")
    if point is None and facts.bucket is None:
        raise NotSuggested("it names no bucket")
    arn = point.arn if point is not None else None
    patterns, beyond = patterns_for(_furthest(tried, facts), facts, operation)
    exact = beyond or OPERATION_CLASS.get(operation) is OperationClass.ADMIN
    made = _want(tried, facts, named, arn, facts.bucket or "", operation, patterns, exact)
    return replace(made, beyond=beyond)


def _want(
    tried: Policy,
    facts: Facts,
    named: Endpoint,
    arn: str | None,
    bucket: str,
    operation: str,
    patterns: tuple[str, ...],
    exact: bool,
) -> RuleWant:
    _check_listable(tried, arn, bucket)
    rule, group = _furthest(tried, facts), tried.membership.find(facts.client)
    try:
        ip_address(facts.client.address)
    except ValueError as exc:
        raise NotSuggested("its client's address is none") from exc
    return RuleWant(
        "bucket" if arn is None else "access_point",
        arn or bucket,
        named.partition,
        operation,
        patterns,
        exact,
        False,
        group,
        facts.client.address if group is None and tried.clients else None,
        facts.signer.account if facts.signer is not None else None,
        rule.owner if rule is not None else None,
        rule.encryption_any if rule is not None else False,
    )


def _check_listable(tried: Policy, arn: str | None, bucket: str) -> None:
    """Refuse what no rule can list: one such request, which anybody may send, would spoil the whole file."""
    if arn is None:
        directory = is_directory_bucket_name(bucket)
        why = None if directory else explain_bucket_name(bucket)
        if why is not None:
            raise NotSuggested(f"no rule can list it: {why}")
        needs = frozenset({EndpointClass.EXPRESS} if directory else ())
    else:
        point = parse_access_point(arn)
        place = classify_host(point.host) if point is not None else None
        if point is None or point.multi_region or not isinstance(place, Endpoint):
            raise NotSuggested("no rule can list it: it is no access point of one region")
        if place.region not in tried.regions:
            raise NotSuggested(f"region `{place.region}` is not listed")
        needs = place.needs
    missing = needs - tried.classes
    if missing:
        raise NotSuggested(f"class `{min(missing)}` is not listed")


def _with(policy: Policy, want: Want) -> Policy:
    """A copy of the policy that has what is wanted."""
    if isinstance(want, Word):
        if want.section == "classes":
            return replace(policy, classes=policy.classes | {EndpointClass(want.word)})
        return replace(policy, **{want.section: getattr(policy, want.section) | {want.word}})
    if isinstance(want, HostWant):
        known = policy.hosts.get(want.name)
        accounts = (known.accounts if known is not None else frozenset()) | {want.account}
        listed = ListedHost(want.name, accounts, 0)
        return replace(policy, hosts=MappingProxyType({**policy.hosts, want.name: listed}))
    rule = Rule(
        id="+",
        line=max((one.line for one in policy.rules), default=0) + 1,
        bucket=want.value if want.key == "bucket" else None,
        fqdn=None,
        access_point=want.value if want.key == "access_point" else None,
        classes=frozenset(),
        operations=frozenset({want.operation}),
        keys=tuple(map(KeyGlob.compile, want.patterns)),
        clients=(),
        accounts=frozenset({want.account} if want.account is not None else ()),
        partition=want.partition,
        regions=frozenset(),
        encryption_any=want.encryption_any,
        owner=want.owner,
    )
    return replace(policy, rules=(*policy.rules, rule))

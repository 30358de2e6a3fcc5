"""What a record leaves open, as a few possible worlds. Pure.

The normal case leaves open whether a request carried headers that ask for more (an ACL,
tags, a lock), brought a key of its own, and how its signature was scoped. Each way it may
have been is a World. A policy is asked in all of them: only where it always gives the same
verdict is that verdict known. Worlds that the recorded verdict rules out are left out, and
more of them when the policy that gave it is at hand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Final, Literal

from s3gate.policy.decision import ALLOWING
from s3gate.policy.model import Policy, Rule
from s3gate.replay.facts import Facts
from s3gate.s3.access_point import access_point_of
from s3gate.s3.credential import SignatureVersion
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.operation_index import INDEX
from s3gate.s3.operation_needs import CUSTOMER_KEY
from s3gate.s3.refusal import ReadError

type Binding = Literal["binds", "uncovered", "elsewhere"]

ANYWHERE: Final = "*"  # the region set of SigV4A that names every region
ELSEWHERE: Final = "-"  # a region that no policy lists

# What headers can amount to (`operation_needs.py`): the operation, and a header that amounts to it.
_MORE: Final = {
    "PutObjectAcl": "x-amz-acl",
    "PutBucketAcl": "x-amz-acl",
    "PutObjectTagging": "x-amz-tagging",
    "PutObjectLegalHold": "x-amz-object-lock-legal-hold",
    "PutObjectRetention": "x-amz-object-lock-mode",
    "PutBucketWebsite": "x-amz-website-redirect-location",
}
_BYPASS: Final = "x-amz-bypass-governance-retention"  # of deletes; amounts to PutObjectRetention as well
_WITHOUT_SOURCE: Final = {"CopyObject": "PutObject", "UploadPartCopy": "UploadPart"}
_HEADERS: Final = {shape.name: shape.headers for shapes in INDEX.values() for shape in shapes}
_OF_BUCKETS: Final = frozenset(
    shape.name for (_, depth, _), shapes in INDEX.items() if depth == "bucket" for shape in shapes
)
_BRINGS_KEY: Final = frozenset({OperationClass.WRITE, OperationClass.ADMIN})


@dataclass(frozen=True, slots=True)
class World:
    """One way in which a request may have been.

    Args:
        also: further operations that its headers amounted to.
        encryption: a key that it brought, as in `Operation.encryption`.
        owner: account in a signed `x-amz-expected-bucket-owner`, or None.
        source_owner: the same for the source of a copy.
        binding: whether the signature covered what it must and was scoped to the endpoint.
        region: of the scope where the endpoint has none of its own; None: the endpoint's.
        renamed: whether what a rename moves away lies outside of every key that is listed.
    """

    also: frozenset[str] = frozenset()
    encryption: str | None = None
    owner: str | None = None
    source_owner: str | None = None
    binding: Binding = "binds"
    region: str | None = None
    renamed: bool = False


PLAIN: Final = World()
"""Nothing but what the record shows."""


def candidate_rules(policy: Policy, facts: Facts) -> tuple[Rule, ...]:
    """Every rule of a policy that the facts may meet, for the target and for the source of a copy."""
    found: dict[str, Rule] = {}
    named = endpoint_of(facts)
    if named is not None:
        for rule in policy.by_bucket.get((named.partition, facts.bucket or ""), ()):
            found[rule.id] = rule
        for rule in policy.by_fqdn.get(named.host, ()):
            found[rule.id] = rule
        point = access_point_of(named)
        for rule in policy.by_arn.get(point.arn, ()) if point is not None else ():
            found[rule.id] = rule
        if facts.copied is not None:
            source = facts.copied.bucket
            places = (policy.by_source.get((named.partition, source), ()), policy.by_arn.get(source, ()))
            for rule in chain.from_iterable(places):
                found[rule.id] = rule
    return tuple(found.values())


def endpoint_of(facts: Facts) -> Endpoint | None:
    """The S3 endpoint that the Host header names, or None."""
    try:
        named = classify_host(parse_authority(facts.host_header).name)
    except ReadError:
        return None
    return named if isinstance(named, Endpoint) else None


def is_service(facts: Facts) -> bool:
    """Whether the Host header names an AWS service beside S3."""
    try:
        return isinstance(classify_host(parse_authority(facts.host_header).name), AwsName)
    except ReadError:
        return False


def possible_worlds(facts: Facts, policies: Sequence[Policy], *, strange: bool = False) -> Iterator[World]:
    """Every world that may matter to one of the policies, `PLAIN` first where it is possible.

    Args:
        facts: what was asked.
        policies: those that will be asked.
        strange: whether also those in which it carried a header that means nothing to its operation
            (botocore's model), such as an ACL on a GET: no SDK sends one, the gate judges it all the same.
    """
    rules = tuple(chain.from_iterable(candidate_rules(policy, facts) for policy in policies))
    owners: list[str | None] = [None, *sorted({rule.owner for rule in rules if rule.owner is not None})]
    writes = OPERATION_CLASS.get(facts.operation or "") in _BRINGS_KEY or facts.operation == "CreateSession"
    keys = [None, CUSTOMER_KEY] if writes and rules else [None]
    renames = (
        [False, True] if facts.operation == "RenameObject" and any(one.keys for one in rules) else [False]
    )
    sources = owners if facts.copied is not None else [None]
    for also, key, owner, source, (binding, region), renamed in product(
        _alsos(facts, rules, strange=strange), keys, owners, sources, _bindings(facts, policies), renames
    ):
        yield World(also, key, owner, source, binding, region, renamed)


def _alsos(facts: Facts, rules: Sequence[Rule], *, strange: bool) -> Iterable[frozenset[str]]:
    """Sets of further operations; of those that every rule treats alike one stands for all."""
    operation = facts.operation
    if operation is None or not rules:
        return (frozenset(),)
    other_acl = "PutObjectAcl" if operation in _OF_BUCKETS else "PutBucketAcl"
    known = _HEADERS.get(operation, frozenset())
    names = [name for name, header in _MORE.items() if name != other_acl and header in known]
    if _BYPASS in known:
        names.append("PutObjectRetention")
    if operation in _WITHOUT_SOURCE:
        names.append(_WITHOUT_SOURCE[operation])
    if strange:  # behind the others: of two that rules treat alike the known one stays
        names += [name for name in _MORE if name != other_acl]
    more: dict[tuple[bool, ...], str] = {}
    for name in names:
        treated = tuple(_allows(rule, name) for rule in rules)
        if name != operation and not all(treated):
            more.setdefault(treated, name)
    kinds = list(more.values())
    return [frozenset(one) for size in range(len(kinds) + 1) for one in combinations(kinds, size)]


def _allows(rule: Rule, name: str) -> bool:
    return name in rule.operations or OPERATION_CLASS.get(name, OperationClass.ADMIN) in rule.classes


def _bindings(facts: Facts, policies: Sequence[Policy]) -> list[tuple[Binding, str | None]]:
    """How the signature may have bound: an allow says that it did, in whatever way its policy wanted."""
    signer, named = facts.signer, endpoint_of(facts)
    if signer is None or named is None or signer.version is SignatureVersion.V2:
        return [("binds", None)]
    allowed = facts.past.reason in ALLOWING
    asymmetric = signer.version is SignatureVersion.V4A
    regions: list[str | None] = [None]
    if (named.any_region_scope or asymmetric) and signer.region is None:
        listed = sorted({region for policy in policies for region in policy.regions})
        regions = [*listed, ELSEWHERE, *([ANYWHERE] if asymmetric else [])]
        if named.region in regions:
            regions.insert(0, named.region)
    bound: list[tuple[Binding, str | None]] = [("binds", region) for region in dict.fromkeys(regions)]
    if allowed:
        return bound
    unbound: list[tuple[Binding, str | None]] = [("uncovered", regions[0])]
    if signer.region is None:
        unbound.append(("elsewhere", regions[0]))
    if named.endpoint_class is EndpointClass.WEBSITE:
        return bound
    return [*bound, *unbound]

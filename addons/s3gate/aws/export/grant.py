"""What one rule allows, as IAM grants: actions, resources, conditions.

The normal case: a rule for a bucket gives two grants, the object actions on the ARNs of its
keys and the bucket actions on the bucket's ARN. Each says whose the bucket is
(`aws:ResourceAccount`, from `owner`) and who may sign (`aws:PrincipalAccount`, from `accounts`).

A grant is never narrower than the rule, so that nothing breaks where the gate says yes, with one
exception: HeadBucket is `s3:ListBucket` without a prefix, which would list every key; under `keys` it is
granted only where the rule names it. It is wider where IAM cannot see what the gate sees: the
client's address, the region of the endpoint, what else the request brings along.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from s3gate.aws.export.action_table import (
    ACTIONS,
    BESIDE_ACCESS_POINT,
    CREATE_SESSION,
    DIRECTORY_BUCKET,
    NOT_THROUGH_ACCESS_POINT,
    THROUGH_ACCESS_POINT,
    WITH_PREFIX,
    Level,
)
from s3gate.aws.export.target import Kind, Target, as_pattern
from s3gate.policy.model import Rule
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.operation_needs import HARMLESS_ACLS

Condition = tuple[str, str, tuple[str, ...]]
"""Operator, key, values."""

LIST_BUCKET: Final = "s3:ListBucket"
# Operations that take a canned ACL along; IAM then asks for the ACL's action too (S3 API, PutObject).
_WITH_ACL: Final = {
    Level.OBJECT: (frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"}), "s3:PutObjectAcl"),
    Level.BUCKET: (frozenset({"CreateBucket"}), "s3:PutBucketAcl"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions on resources under conditions."""

    actions: frozenset[str]
    resources: tuple[str, ...]
    conditions: frozenset[Condition] = frozenset()


def operations_of(rule: Rule) -> frozenset[str]:
    """The operations that a rule allows, as the gate would, by their names of today."""
    allowed = {name for name, kind in OPERATION_CLASS.items() if kind in rule.classes} | rule.operations
    if not rule.keys:
        return frozenset(allowed)
    return frozenset(name for name in allowed if _within_keys(name))


def limits_lists(rule: Rule) -> bool:
    """Whether a list must name a prefix."""
    return bool(rule.keys) and not any(glob.covers_prefix("") for glob in rule.keys)


def _within_keys(name: str) -> bool:
    """Whether the gate allows the operation under a rule with `keys` for any key at all."""
    if ACTIONS[name].level is Level.OBJECT:
        return name != "DeleteObjects"
    return OPERATION_CLASS[name] in {OperationClass.READ, OperationClass.LIST}


def grants_of(rule: Rule, target: Target, owner: str | None, extra: Iterable[Condition] = ()) -> list[Grant]:
    """Everything that a rule allows.

    Args:
        rule: one of the policy.
        target: what it names.
        owner: account that owns it, or None when nobody said.
        extra: conditions that every grant gets besides.
    """
    conditions = {*extra, *_who(rule, target, owner)}
    names = operations_of(rule)
    if target.kind is Kind.DIRECTORY_BUCKET:
        found = _of_directory_bucket(names, target.own(owner))
    elif target.kind is Kind.ACCESS_POINT:
        found = _of_access_point(rule, names, target)
    else:
        found = _of_objects(names, target.objects(_globs(rule)))
        found += _of_bucket(rule, names, target.own(owner))
    return [Grant(one.actions, one.resources, one.conditions | conditions) for one in found]


def coarse_grants_of(
    rule: Rule, target: Target, owner: str | None, extra: Iterable[Condition] = ()
) -> list[Grant]:
    """The same resources and accounts, with every action and every key: what is left when size matters."""
    conditions = frozenset({*extra, *_who(rule, target, owner)})
    if target.kind is Kind.DIRECTORY_BUCKET:
        return [Grant(frozenset({"s3express:*"}), target.own(owner), conditions)]
    every = frozenset({"s3:*"})
    found = [Grant(every, (*target.own(None), *target.objects(())), conditions)]
    if target.kind is Kind.ACCESS_POINT:
        behind, through = _behind(target)
        found.append(Grant(every, (*behind.own(None), *behind.objects(())), conditions | {through}))
    return found


def _who(rule: Rule, target: Target, owner: str | None) -> Iterator[Condition]:
    # the ARN of an access point has its account; the bucket behind it may be another's
    if owner is not None and target.kind is not Kind.ACCESS_POINT:
        yield ("StringEquals", "aws:ResourceAccount", (owner,))
    if rule.accounts:
        yield ("StringEquals", "aws:PrincipalAccount", tuple(sorted(rule.accounts)))


def _globs(rule: Rule) -> tuple[str, ...]:
    return tuple(glob.text for glob in rule.keys)


def _of_objects(names: frozenset[str], resources: tuple[str, ...]) -> list[Grant]:
    actions = _actions(names, Level.OBJECT)
    return [
        *([Grant(actions, resources)] if actions else []),
        *_harmless_acl(names, Level.OBJECT, actions, resources),
    ]


def _of_bucket(rule: Rule, names: frozenset[str], resources: tuple[str, ...]) -> list[Grant]:
    """The bucket's own actions; those that list stay within `keys` by `s3:prefix`."""
    found = _harmless_acl(names, Level.BUCKET, _actions(names, Level.BUCKET), resources)
    free, bound = names, frozenset[str]()
    limited = limits_lists(rule)
    if limited:
        bound = frozenset(name for name in names if OPERATION_CLASS[name] is OperationClass.LIST)
        free = names - bound - ({"HeadBucket"} - rule.operations)
    listing = _actions(bound, Level.BUCKET)
    prefixes = tuple(as_pattern(glob.text) for glob in rule.keys if glob.text.endswith("*"))
    if listing & WITH_PREFIX and prefixes:
        condition = ("StringLike", "s3:prefix", prefixes)
        found.append(Grant(listing & WITH_PREFIX, resources, frozenset({condition})))
    actions = _actions(free, Level.BUCKET) | ((listing - WITH_PREFIX) if prefixes else frozenset())
    if limited and LIST_BUCKET in actions:  # HeadBucket by name: it has no prefix
        actions -= {LIST_BUCKET}
        without = ("Null", "s3:prefix", ("true",))
        found.append(Grant(frozenset({LIST_BUCKET}), resources, frozenset({without})))
    return [*([Grant(actions, resources)] if actions else []), *found]


def _of_access_point(rule: Rule, names: frozenset[str], target: Target) -> list[Grant]:
    """On the access point, and on whatever bucket lies behind it for requests that come through it.

    The policy file does not know that bucket. AWS's example of an endpoint policy names both (S3 user
    guide, access points restricted to a VPC); `s3:DataAccessPointArn` is there only on such requests.
    """
    known = frozenset(
        name
        for name in names - NOT_THROUGH_ACCESS_POINT
        if ACTIONS[name].level is Level.OBJECT or THROUGH_ACCESS_POINT & set(ACTIONS[name].actions)
    )
    behind, through = _behind(target)
    found = [
        *_of_objects(known, target.objects(_globs(rule))),
        *(
            Grant(one.actions - BESIDE_ACCESS_POINT, one.resources, one.conditions)
            for one in _of_bucket(rule, known, target.own(None))
        ),
    ]
    found += [
        Grant(one.actions, one.resources, one.conditions | {through})
        for one in (
            *_of_objects(known, behind.objects(_globs(rule))),
            *_of_bucket(rule, known, behind.own(None)),
        )
    ]
    return [one for one in found if one.actions]


def _behind(target: Target) -> tuple[Target, Condition]:
    """Any bucket, and the condition that leaves only the one behind the access point."""
    return (
        Target(Kind.BUCKET, target.partition, target.regions, "*"),
        ("StringEquals", "s3:DataAccessPointArn", (target.name,)),
    )


def _of_directory_bucket(names: frozenset[str], resources: tuple[str, ...]) -> list[Grant]:
    """S3 Express asks for a session, whatever is done in it: a policy has neither key nor operation."""
    own = {DIRECTORY_BUCKET[name] for name in names if name in DIRECTORY_BUCKET}
    session = {CREATE_SESSION} if names - DIRECTORY_BUCKET.keys() else set()
    return [Grant(frozenset(own | session), resources)]


def _actions(names: Iterable[str], level: Level) -> frozenset[str]:
    return frozenset(
        action
        for name in names
        if ACTIONS[name].level is level
        for action in ACTIONS[name].actions
        if action != CREATE_SESSION
    )


def _harmless_acl(
    names: frozenset[str], level: Level, granted: frozenset[str], resources: tuple[str, ...]
) -> list[Grant]:
    """The canned ACLs that give nothing away need the ACL's action, also on an upload."""
    uploads, action = _WITH_ACL[level]
    if not names & uploads or action in granted:
        return []
    harmless = ("StringEquals", "s3:x-amz-acl", tuple(sorted(HARMLESS_ACLS)))
    return [Grant(frozenset({action}), resources, frozenset({harmless}))]

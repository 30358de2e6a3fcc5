"""What in a valid policy deserves a second look: warnings, never errors.

Normally there is none. A warning names a row that does less, or opens more, than its
author may think: ends that have passed, rules that never match or are covered by an
earlier one, owners that clients cannot prove, services whose own keys can write elsewhere.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from s3gate.policy.coverage import bucket_of, find_covered
from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, in_file_order, quote
from s3gate.policy.model import Monitor, PlainHttp, Policy, Rule
from s3gate.policy.preset_warning import find_preset_warnings
from s3gate.policy.suggestion import nearest
from s3gate.s3.bucket import is_directory_bucket_name, namespace_of
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.operation_index import INDEX
from s3gate.s3.partitions import PARTITIONS

# Services whose resource policies take writes from other accounts' keys: with one's own key, data can go to a
# foreign queue, topic, table or function, or a role of another account can be assumed.
_WRITES_ELSEWHERE: Final = {
    "dynamodb": "tables of other accounts",
    "lambda": "functions of other accounts",
    "sns": "topics of other accounts",
    "sqs": "queues of other accounts",
    "sts": "roles of other accounts",
}

_WITH_KEY: Final = frozenset(
    shape.name for (_, depth, _), shapes in INDEX.items() if depth == "object" for shape in shapes
)


def find_warnings(policy: Policy, root: Node, now: datetime) -> tuple[Mistake, ...]:
    """Every warning, in file order.

    Args:
        policy: as read from the document.
        root: the document, for the places.
        now: the clock, time zone aware.
    """
    found = [
        *_top(policy, root, now),
        *_regions(policy, root),
        *_partitions(policy, root),
        *find_preset_warnings(policy, root),
    ]
    rule_nodes = root.at(("rules",)).items
    for rule, node in zip(policy.rules, rule_nodes, strict=True):
        found.extend(_rule(policy, rule, node, now))
    found.extend(find_covered(policy.rules, rule_nodes))
    for node in root.at(("hosts",)).items:
        found.extend(_host(node))
    return in_file_order(found)


def _top(policy: Policy, root: Node, now: datetime) -> Iterator[Mistake]:
    yield from _until(policy.monitor, root, now)
    if not policy.path_style:
        line, column = root.at(("endpoints",)).key_at(("path_style",))
        yield Mistake(
            line,
            column,
            "path-style is refused: GetBucketLocation, dotted buckets, custom endpoints of botocore break",
            "write `path_style: allow` unless that is wanted; buckets are judged alike in both styles",
        )
    if EndpointClass.WEBSITE in policy.classes and not (
        policy.unsigned and policy.plain_http is PlainHttp.ALLOW
    ):
        places = root.at(("endpoints", "classes")).items
        where = next(one for one in places if one.value == EndpointClass.WEBSITE.value)
        yield Mistake(
            where.line,
            where.column,
            "websites are served in clear text to anonymous requests, which are both refused here",
            "delete `website`, or write `plain_http: allow` and `unsigned: allow`",
        )
    if not policy.rules and not policy.hosts and not policy.presets:
        yield Mistake(root.line, root.column, "the list is empty: every request is refused", "add `rules:`")


def _until(monitor: Monitor | None, node: Node, now: datetime) -> Iterator[Mistake]:
    if monitor is not None and not monitor.active(now):
        line, column = node.at(("until",)).line, node.at(("until",)).column
        yield Mistake(
            line,
            column,
            f"`until: {monitor.until.isoformat()}` has passed: this is enforced",
            "delete `mode` and `until`, or choose a later day",
        )


def _regions(policy: Policy, root: Node) -> Iterator[Mistake]:
    known = frozenset(region for one in policy.partitions for region in PARTITIONS[one].regions)
    for node in root.at(("endpoints", "regions")).items:
        if isinstance(node.value, str) and node.value not in known:
            right = nearest(node.value, known)
            hint = f"did you mean `{right}`?" if right else "check its spelling"
            yield Mistake(
                node.line, node.column, f"region {quote(node.value)} is not known to this version", hint
            )


def _partitions(policy: Policy, root: Node) -> Iterator[Mistake]:
    """A partition without a region of its own is open to no regional name."""
    for node in root.at(("endpoints", "partitions")).items:
        pattern = PARTITIONS[str(node.value)].region_pattern
        if not any(pattern.fullmatch(one) for one in policy.regions):
            yield Mistake(
                node.line,
                node.column,
                f"partition {quote(node.value)} never matches: none of its regions is listed",
                "delete it, or add one of its regions to `regions`",
            )


def _rule(policy: Policy, rule: Rule, node: Node, now: datetime) -> Iterator[Mistake]:
    yield from _until(rule.monitor, node, now)
    yield from _owner(rule, node)
    yield from _keyless(rule, node)
    if rule.fqdn is not None:
        place = classify_host(HostName(rule.fqdn))
        region = place.region if isinstance(place, Endpoint) else None
        if rule.regions and region is not None and region not in rule.regions:
            where = node.at(("regions",))
            yield Mistake(
                where.line,
                where.column,
                f"the rule never matches: its host lies in `{region}`, which its `regions` leave out",
                "delete `regions` here",
            )
    if rule.regions and not any(
        PARTITIONS[rule.partition].region_pattern.fullmatch(one) for one in rule.regions
    ):
        where = node.at(("regions",))
        yield Mistake(
            where.line,
            where.column,
            f"the rule never matches: none of its regions lies in partition `{rule.partition}`",
            "delete `regions` here, or change `partition`",
        )
    if "." in (rule.bucket or "") and not policy.path_style:
        where = node.at(("bucket",))
        yield Mistake(
            where.line,
            where.column,
            f"SDKs address the dotted bucket {quote(rule.bucket)} in path style only, which is refused",
            "write `path_style: allow`",
        )


def _keyless(rule: Rule, node: Node) -> Iterator[Mistake]:
    """Operations that name no key never pass a rule that limits keys; lists and plain reads do."""
    for where in node.at(("allow",)).items if rule.keys else ():
        name = str(where.value)
        kind = OPERATION_CLASS.get(name)
        if (
            kind in {OperationClass.WRITE, OperationClass.DELETE, OperationClass.ADMIN}
            and name not in _WITH_KEY
        ):
            yield Mistake(
                where.line,
                where.column,
                f"{quote(name)} never passes here: its address names no key, and the rule limits `keys`",
                "delete it, or give it a rule without `keys`",
            )


def _owner(rule: Rule, node: Node) -> Iterator[Mistake]:
    """Awscli's `aws s3` commands cannot send the header that proves an owner."""
    bucket = bucket_of(rule)
    space = namespace_of(bucket) if bucket is not None else None
    if rule.owner is None or (bucket is None and rule.mrap is None):
        return
    line, column = node.key_at(("owner",))
    if space is not None and space[0] == rule.owner:
        return
    if bucket is not None and is_directory_bucket_name(bucket):
        yield Mistake(
            line,
            column,
            "the owner of a directory bucket cannot be proven to CreateSession: clients with sessions fail",
            "delete `owner`: the zone in the name and `accounts` bind it",
        )
        return
    yield Mistake(
        line,
        column,
        "`aws s3 cp` cannot send x-amz-expected-bucket-owner, which proves the owner here: it is refused",
        "use `aws s3api … --expected-bucket-owner`, or a bucket named `…-<account>-<region>-an`",
    )


def _host(node: Node) -> Iterator[Mistake]:
    where = node.at(("name",))
    name = str(where.value)
    for service, what in _WRITES_ELSEWHERE.items():
        if any(
            label == service or label.startswith((service + "-", service + "_")) for label in name.split(".")
        ):
            yield Mistake(
                where.line,
                where.column,
                f"{quote(name)}: one's own keys can reach {what} there",
                "limit it with the identity's own policy (aws:ResourceOrgID), or delete it",
            )

"""What in a valid policy deserves a second look: warnings, never errors.

Normally there is none. A warning names a row that does less, or opens more, than its
author may think: ends that have passed, rules that never match or are covered by an
earlier one, owners that clients cannot prove, services whose own keys can write elsewhere.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, in_file_order, quote
from s3gate.policy.model import KeyGlob, Monitor, PlainHttp, Policy, Rule
from s3gate.policy.preset_warning import find_preset_warnings
from s3gate.policy.suggestion import nearest
from s3gate.s3.address import parse_address
from s3gate.s3.bucket import is_directory_bucket_name, namespace_of
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OPERATION_CLASS
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


def find_warnings(policy: Policy, root: Node, now: datetime) -> tuple[Mistake, ...]:
    """Every warning, in file order.

    Args:
        policy: as read from the document.
        root: the document, for the places.
        now: the clock, time zone aware.
    """
    found = [*_top(policy, root, now), *_regions(policy, root), *find_preset_warnings(policy, root)]
    rule_nodes = root.at(("rules",)).items
    for rule, node in zip(policy.rules, rule_nodes, strict=True):
        found.extend(_rule(policy, rule, node, now))
    found.extend(_covered(policy, rule_nodes))
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


def _rule(policy: Policy, rule: Rule, node: Node, now: datetime) -> Iterator[Mistake]:
    yield from _until(rule.monitor, node, now)
    yield from _owner(rule, node)
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


def _owner(rule: Rule, node: Node) -> Iterator[Mistake]:
    """Awscli's `aws s3` commands cannot send the header that proves an owner."""
    bucket = _bucket_of(rule)
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


def _bucket_of(rule: Rule) -> str | None:
    if rule.fqdn is None:
        return rule.bucket
    place = classify_host(HostName(rule.fqdn))
    return parse_address(place, "/").bucket if isinstance(place, Endpoint) else None


def _covered(policy: Policy, nodes: Sequence[Node]) -> Iterator[Mistake]:
    earlier: dict[tuple[str, str], list[Rule]] = {}
    for rule, node in zip(policy.rules, nodes, strict=True):
        target = rule.fqdn or rule.bucket or rule.access_point or rule.mrap or ""
        same = earlier.setdefault((rule.partition, target), [])
        by = next((one for one in same if _covers(one, rule)), None)
        if by is not None:
            yield Mistake(
                node.line,
                node.column,
                f"rule {quote(rule.id)} is covered by {quote(by.id)} on line {by.line}",
                "delete it",
            )
        same.append(rule)


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether whatever `narrow` allows, `wide` allows too."""
    operations = {
        name for name, kind in OPERATION_CLASS.items() if kind in narrow.classes
    } | narrow.operations
    return (
        wide.monitor == narrow.monitor
        and wide.owner in (None, narrow.owner)
        and wide.encryption_any >= narrow.encryption_any
        and all(name in wide.operations or OPERATION_CLASS[name] in wide.classes for name in operations)
        and (not wide.clients or (bool(narrow.clients) and set(narrow.clients) <= set(wide.clients)))
        and (not wide.accounts or (bool(narrow.accounts) and narrow.accounts <= wide.accounts))
        and (not wide.regions or (bool(narrow.regions) and narrow.regions <= wide.regions))
        and (not wide.keys or (bool(narrow.keys) and all(_key_covered(wide, one) for one in narrow.keys)))
    )


def _key_covered(wide: Rule, key: KeyGlob) -> bool:
    if any(one.text == key.text for one in wide.keys):
        return True
    head, star, tail = key.text.partition("*")
    if "?" in key.text or (star and tail):
        return False
    return any(one.covers_prefix(head) if star else one.matches(head) for one in wide.keys)


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

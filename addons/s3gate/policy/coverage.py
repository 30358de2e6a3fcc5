"""Which rules say nothing that another rule does not say: warnings, never errors.

The normal case: no rule is covered. One is when another, earlier or later, allows whatever
it allows: the same resource, at least its operations, keys, clients, accounts and regions.
A rule for a bucket covers one for a host name of that bucket.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, quote
from s3gate.policy.model import KeyGlob, Rule
from s3gate.s3.address import parse_address
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OPERATION_CLASS, OperationClass

COMPARED: Final = 64
"""Rules for one bucket of which each is compared with each; beyond, only with as many before it."""


def find_covered(rules: Sequence[Rule], nodes: Sequence[Node]) -> Iterator[Mistake]:
    """A warning for each rule that another covers, and each key pattern that another of its rule does.

    Args:
        rules: of the policy, in file order.
        nodes: theirs in the document.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, rule in enumerate(rules):
        groups.setdefault((rule.partition, _resource(rule)), []).append(number)
    for group in groups.values():
        for place, number in enumerate(group if len(group) > 1 else ()):
            near = [*group[max(0, place - COMPARED) : place], *group[place + 1 : COMPARED]]
            by = next((rules[other] for other in near if _redundant(rules[number], rules[other])), None)
            if by is not None:
                rule, node = rules[number], nodes[number]
                said = f"rule {quote(rule.id)} is covered by {quote(by.id)} on line {by.line}"
                yield Mistake(node.line, node.column, said, "delete it")
    for rule, node in zip(rules, nodes, strict=True):
        if len(rule.keys) > 1:
            yield from _covered_keys(rule, node)


def _redundant(rule: Rule, other: Rule) -> bool:
    """Whether the other covers this one; of two that cover each other the later is redundant."""
    return covers(other, rule) and (other.line < rule.line or not covers(rule, other))


def _covered_keys(rule: Rule, node: Node) -> Iterator[Mistake]:
    places = node.at(("keys",)).items
    for number, glob in enumerate(rule.keys):
        others = (one for one in rule.keys[:COMPARED] if one is not glob)
        by = next((one for one in others if _glob_covers(one, glob)), None)
        if by is not None:
            where = places[number]
            said = f"key pattern {quote(glob.text)} is covered by {quote(by.text)}"
            yield Mistake(where.line, where.column, said, "delete it")


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether whatever `narrow` allows, `wide` allows too.

    Args:
        wide: for the same resource.
        narrow: likewise.
    """
    return (
        (wide.fqdn is None or wide.fqdn == narrow.fqdn)
        and wide.monitor == narrow.monitor
        and wide.owner in (None, narrow.owner)
        and wide.encryption_any >= narrow.encryption_any
        and (not wide.clients or (bool(narrow.clients) and set(narrow.clients) <= set(wide.clients)))
        and (not wide.accounts or (bool(narrow.accounts) and narrow.accounts <= wide.accounts))
        and (not wide.regions or frozenset() < _regions(narrow) <= wide.regions)
        and (not wide.keys or (bool(narrow.keys) and all(_key_covered(wide, one) for one in narrow.keys)))
        and _operations(narrow.classes, narrow.operations) <= _operations(wide.classes, wide.operations)
    )


def bucket_of(rule: Rule) -> str | None:
    """The bucket that a rule names, also by a host name; None for an access point."""
    if rule.fqdn is None:
        return rule.bucket
    place = classify_host(HostName(rule.fqdn))
    return parse_address(place, "/").bucket if isinstance(place, Endpoint) else None


def _resource(rule: Rule) -> str:
    return bucket_of(rule) or rule.fqdn or rule.access_point or rule.mrap or ""


def _regions(rule: Rule) -> frozenset[str]:
    """The regions that a rule is limited to, by its own words or by its host name."""
    if rule.regions or rule.fqdn is None:
        return rule.regions
    place = classify_host(HostName(rule.fqdn))
    region = place.region if isinstance(place, Endpoint) else None
    return frozenset() if region is None else frozenset({region})


@lru_cache(maxsize=256)  # files repeat a few combinations
def _operations(classes: frozenset[OperationClass], single: frozenset[str]) -> frozenset[str]:
    return single | {name for name, kind in OPERATION_CLASS.items() if kind in classes}


def _key_covered(wide: Rule, key: KeyGlob) -> bool:
    return any(_glob_covers(one, key) for one in wide.keys)


def _glob_covers(wide: KeyGlob, narrow: KeyGlob) -> bool:
    """Whether every key that fits `narrow` fits `wide`, where that is plain to see."""
    if wide.text == narrow.text:
        return True
    head, star, tail = narrow.text.partition("*")
    if "?" in narrow.text or (star and tail):
        return False
    return wide.covers_prefix(head) if star else wide.matches(head)

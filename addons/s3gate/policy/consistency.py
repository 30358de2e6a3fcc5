"""What several keys of the policy file must agree on.

Normally there is nothing to say. These checks read the tree, not the models, so that
they speak also where a neighbouring scalar is wrong: every mistake at once.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from s3gate.policy.group_ties import find_group_mistakes
from s3gate.policy.located import Node, Plain
from s3gate.policy.mistake import Mistake, quote
from s3gate.s3.endpoint import Foreign, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.refusal import ReadError

_TARGETS: Final = ("bucket", "fqdn", "access_point", "mrap")


def find_inconsistencies(root: Node) -> Iterator[Mistake]:
    """Every disagreement between keys, in no order.

    Args:
        root: the whole document.
    """
    yield from _mode(root)
    yield from _interfaces(root)
    yield from _repeated_words(root)
    for name in ("endpoints", "clients", "hosts"):
        section = root.children.get(name)
        if section is not None:
            for node in (section, *section.children.values(), *section.items):
                yield from _repeated_words(node)
    if "clients" in root.children:
        yield from find_group_mistakes(root.children["clients"])
    rules = root.at(("rules",)) if "rules" in root.children else None
    if rules is not None:
        partitions = root.at(("endpoints", "partitions")).value
        several = isinstance(partitions, list) and len({str(one) for one in partitions}) > 1
        for rule in rules.items:
            yield from _rule(rule, several=several)
        yield from _repeated(rules.items, "id", "rule id")
        yield from _same_rules(rules.items)
    if "hosts" in root.children:
        yield from _repeated(root.children["hosts"].items, "name", "host")


def _rule(rule: Node, *, several: bool) -> Iterator[Mistake]:
    value = rule.value
    if not isinstance(value, dict):
        return
    targets = [one for one in _TARGETS if one in value]
    if not targets:
        hint = "add `bucket:`, `fqdn:`, `access_point:` or `mrap:`"
        yield Mistake(rule.line, rule.column, "the rule names no bucket", hint)
    for extra in targets[1:]:
        line, column = rule.key_at((extra,))
        yield Mistake(line, column, f"`{extra}` beside `{targets[0]}` in one rule", "write two rules")
    if several and "bucket" in value and "partition" not in value:
        yield Mistake(
            rule.line,
            rule.column,
            "the rule needs a partition: several are listed, and a bucket name is unique in one only",
            "add `partition:`",
        )
    if "partition" in value:
        yield from _other_partition(rule)
    if "mode" in value or "until" in value:
        yield from _mode(rule)
    yield from _repeated_words(rule)


def _other_partition(rule: Node) -> Iterator[Mistake]:
    """An ARN or host tells its partition: another beside it would never match."""
    said = rule.children["partition"]
    for key in ("access_point", "mrap", "fqdn"):
        target = rule.children.get(key)
        told = _partition_of(target.value) if target is not None and isinstance(target.value, str) else None
        if told is not None and told != said.value:
            yield Mistake(
                said.line, said.column, f"`{key}` lies in partition `{told}`, not here", "delete `partition`"
            )


def _partition_of(target: str) -> str | None:
    if target.startswith("arn:"):
        return target.split(":")[1]
    try:
        place = classify_host(parse_authority(target).name)
    except ReadError:
        return None
    return None if isinstance(place, Foreign) else place.partition


def _interfaces(root: Node) -> Iterator[Mistake]:
    """Class `vpce` and the ids it opens need each other."""
    endpoints = root.children.get("endpoints")
    if endpoints is None or not isinstance(endpoints.value, dict):
        return
    ids, classes = endpoints.value.get("vpce"), endpoints.value.get("classes")
    if not isinstance(classes, list):
        return
    if "vpce" in classes and not ids:
        where = endpoints.children["classes"].items[classes.index("vpce")]
        yield Mistake(
            where.line,
            where.column,
            "class `vpce` without ids: anybody can own an interface endpoint",
            "add `vpce: [vpce-…]` with the ids of your own",
        )
    if ids and "vpce" not in classes:
        line, column = endpoints.key_at(("vpce",))
        yield Mistake(line, column, "`vpce` without class `vpce` opens nothing", "add `vpce` to `classes`")


def _mode(node: Node) -> Iterator[Mistake]:
    value = node.value
    if not isinstance(value, dict):
        return
    if value.get("mode") == "monitor" and "until" not in value:
        where = node.children["mode"]
        yield Mistake(where.line, where.column, "`mode: monitor` without an end", "add `until: YYYY-MM-DD`")
    if "until" in value and value.get("mode", "enforce") == "enforce":
        line, column = node.key_at(("until",))
        yield Mistake(line, column, "`until` without `mode: monitor`", "delete it, or add `mode: monitor`")


def _repeated(nodes: Sequence[Node], key: str, what: str) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for node in nodes:
        child = node.children.get(key)
        if child is None or not isinstance(child.value, str):
            continue
        if child.value in first:
            yield Mistake(
                child.line,
                child.column,
                f"{what} {quote(child.value)} again, first on line {first[child.value]}",
                "choose another, or merge the two",
            )
        else:
            first[child.value] = child.line


def _same_rules(rules: Sequence[Node]) -> Iterator[Mistake]:
    targets: dict[object, list[Node]] = {}
    for rule in rules:
        if isinstance(rule.value, dict):
            target = next((rule.value[one] for one in _TARGETS if one in rule.value), None)
            targets.setdefault(target if isinstance(target, str) else None, []).append(rule)
    for group in targets.values():
        first: dict[object, Node] = {}
        for rule in group if len(group) > 1 else ():
            content = _frozen({key: one.value for key, one in rule.children.items() if key != "id"})
            earlier = first.setdefault(content, rule)
            if earlier is not rule:
                name = quote(earlier.at(("id",)).value)
                yield Mistake(
                    rule.line, rule.column, f"the same rule as {name} on line {earlier.line}", "delete one"
                )


def _frozen(value: Plain) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return frozenset(_frozen(one) for one in value)
    return frozenset((key, _frozen(one)) for key, one in value.items())


def _repeated_words(node: Node) -> Iterator[Mistake]:
    """Words that stand twice in one of the lists of a mapping."""
    for child in node.children.values():
        if len(child.items) < 2:
            continue
        seen: set[str] = set()
        for one in child.items:
            if isinstance(one.value, str):
                if one.value in seen:
                    yield Mistake(one.line, one.column, f"{quote(one.value)} twice in one list", "keep one")
                seen.add(one.value)

"""A plan → the policy file with it, and the difference as a patch. Pure.

The normal case: a few rules at the end of the list, each under a comment that says how often
it was asked for, when and by whom. What is added is read again: the old rules must be the
same, and come first.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from difflib import unified_diff
from typing import Final

from s3gate.policy.document import parse_policy_tree
from s3gate.policy.located import Node
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.model import Policy
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.operation_table import ROWS
from s3gate.suggest.draft import Draft, NotEditable
from s3gate.suggest.plan import CLIENTS_MAX, NEW_GROUP, NewRule, Plan, Witness, as_network, folders

CLIENTS_SHOWN: Final = 3
"""Clients that a comment names."""

ID_CHARS: Final = 60
"""Characters of a rule's id, with room for a number: 64 are allowed."""


def amend(text: bytes, plan: Plan) -> bytes:
    """The policy file with everything that is planned.

    Args:
        text: a valid policy.
        plan: what to add.

    Raises:
        NotEditable: the file is written in a way that it cannot be added to.
    """
    policy, root = parse_policy_tree(text)
    draft = Draft(text.decode("utf-8"), root)
    several = len(policy.partitions) > 1 or any(word.section == "partitions" for word in plan.words)
    if several and len(policy.partitions) == 1 and any(rule.bucket is not None for rule in policy.rules):
        raise NotEditable("another partition was asked for: add `partition:` to every rule first")
    _add_words(draft, root, plan)
    group = _unused(NEW_GROUP, set(policy.clients))
    if plan.addresses:
        _add_group(draft, root, plan.addresses, group)
    ids, accounts = {rule.id for rule in policy.rules}, known_accounts(policy)
    if plan.rules:
        draft.add_items("rules", [_rule(one, ids, group, accounts, several=several) for one in plan.rules])
    new = []
    for name, (signers, witness) in sorted(plan.hosts.items()):
        listed = [json.dumps(one) for one in sorted(signers)]
        known = next((one for one in root.at(("hosts",)).items if one.at(("name",)).value == name), None)
        if "hosts" in root.children and known is not None:
            draft.add_words(known.at(("accounts",)), listed)
        else:
            told = (f"# caution: {one}" for one in strangers(signers, accounts))
            new.append([_comment(witness), *told, f"name: {name}", f"accounts: [{', '.join(listed)}]"])
    if new:
        draft.add_items("hosts", new)
    changed = draft.text().encode()
    _check(policy, changed, plan)
    return changed


def render_patch(old: bytes, new: bytes, name: str) -> str:
    """The difference of two files as `git apply` and `patch -p1` take it.

    Args:
        old: the file.
        new: the same with additions.
        name: its path as the patch shall name it, `/` between the parts.
    """
    lines = unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    return "".join(one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n" for one in lines)


def _lines(data: bytes) -> list[str]:
    """Lines with their ends, cut at line feeds alone."""
    return [one for one in data.decode("utf-8").replace("\n", "\n\0").split("\0") if one]


def _check(before: Policy, changed: bytes, plan: Plan) -> None:
    """What was added must not have moved anything."""
    try:
        after = parse_policy_tree(changed)[0]
    except PolicyErrors as exc:
        raise NotEditable(f"with the suggestion the policy would not be valid: {exc}") from exc
    same = [replace(one, line=0) for one in before.rules]
    if [replace(one, line=0) for one in after.rules[: len(same)]] != same:
        raise NotEditable("the list of rules is written in a way that cannot be added to; write it as lines")
    if (
        len(after.rules) != len(same) + len(plan.rules)
        or after.hosts.keys() != before.hosts.keys() | plan.hosts.keys()
    ):
        raise NotEditable("with the suggestion the policy would hold more than was suggested")


def _add_words(draft: Draft, root: Node, plan: Plan) -> None:
    endpoints = root.at(("endpoints",))
    for section in ("partitions", "regions", "classes", "vpce"):
        words = sorted(word.word for word in plan.words if word.section == section)
        if not words:
            continue
        if section in endpoints.children:
            draft.add_words(endpoints.children[section], words)
        else:
            draft.add_key(endpoints, section, f"[{', '.join(words)}]")


def _add_group(draft: Draft, root: Node, addresses: Iterable[str], group: str) -> None:
    networks = ", ".join(f'"{as_network(one)}"' for one in addresses)
    clients = root.children.get("clients")
    if clients is None:
        draft.add_section("clients", [f"{group}: {{cidrs: [{networks}]}}"])
    else:
        draft.add_key(clients, group, f"{{cidrs: [{networks}]}}")


def _rule(rule: NewRule, ids: set[str], group: str, known: frozenset[str], *, several: bool) -> list[str]:
    want = rule.want
    label = want.value.rpartition("/")[2] if want.key == "access_point" else want.value
    name = _unused(label[:ID_CHARS].strip("-._"), ids)
    ids.add(name)
    order = [one.value for one in OperationClass]
    words = sorted(
        rule.words, key=lambda one: (one not in order, order.index(one) if one in order else 0, one)
    )
    lines = [
        _comment(rule.witness),
        f"# {_operations(rule.witness)}",
        *(f"# caution: {one}" for one in cautions(rule, known)),
    ]
    lines += [f"id: {name}", f"{want.key}: {want.value}", f"allow: [{', '.join(words)}]"]
    if several and want.key == "bucket":
        lines.append(f"partition: {want.partition}")
    if rule.keys:
        lines.append(f"keys: [{', '.join(map(_quoted, folders(rule.keys)))}]")
    if rule.groups:
        listed = sorted(group if one == NEW_GROUP else one for one in rule.groups)
        lines.append(f"clients: [{', '.join(listed)}]")
    if rule.accounts:
        lines.append(f"accounts: [{', '.join(json.dumps(one) for one in sorted(rule.accounts))}]")
    if want.owner is not None:
        lines.append(f'owner: "{want.owner}"')
    if want.encryption_any:
        lines.append("encryption: any")
    return lines


def known_accounts(policy: Policy) -> frozenset[str]:
    """Every account that a policy names."""
    named = {one for rule in policy.rules for one in (*rule.accounts, rule.owner) if one is not None}
    return frozenset(named | {one for host in policy.hosts.values() for one in host.accounts})


def strangers(accounts: Iterable[str], known: frozenset[str]) -> list[str]:
    """Cautions about accounts that a policy names nowhere, where it names any."""
    return [
        f"account {one} stands nowhere else in the policy: whose is it?"
        for one in sorted(accounts)
        if known and one not in known
    ]


def cautions(rule: NewRule, known: frozenset[str]) -> list[str]:
    """What whoever takes the rule over should know: sentences.

    Args:
        rule: suggested.
        known: accounts that the policy names.
    """
    words = sorted(rule.words)
    found = [
        f"{one} is of class admin: {ROWS[one].reason}"
        for one in words
        if OPERATION_CLASS.get(one) is OperationClass.ADMIN
    ]
    if rule.want.beyond:
        found.append("of every key, where another rule limits keys: it names none that could be limited")
    if folders(rule.keys) != sorted(rule.keys):
        found.append(f"of every key in these folders: the {len(rule.keys)} that were asked for are too many")
    found += strangers(rule.accounts, known)
    if not rule.accounts:
        found.append("every account may sign: some keys did not tell theirs, or nobody signed")
    if not rule.groups:
        found.append("every client may: the policy has no client groups")
    return found


def _quoted(text: str) -> str:
    """A text in double quotes as YAML and a terminal read it; JSON writes pairs that YAML does not take."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(one: str) -> str:
    if " " <= one <= "~":
        return f"\\{one}" if one in '"\\' else one
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"


def _comment(witness: Witness) -> str:
    return f"# {describe(witness)}"


def describe(witness: Witness) -> str:
    """How often, when and by whom, as one line."""
    names = sorted(witness.clients)
    rest = len(names) - CLIENTS_SHOWN
    least = "at least " if len(names) == CLIENTS_MAX else ""
    more = f" and {least}{rest} other{'s' * (rest != 1)}" if rest > 0 else ""
    times = f"{witness.count:,} time{'s' * (witness.count != 1)}"
    first, last = (one[:19].replace("T", " ") for one in (witness.first, witness.last))
    told = f"asked {times}, {first} to {last} UTC, by {', '.join(names[:CLIENTS_SHOWN])}{more}"
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in told)


def _operations(witness: Witness) -> str:
    told = []
    for name, count in witness.operations.most_common():
        kind = OPERATION_CLASS.get(name)
        told.append(f"{name} ({kind.value if kind is not None else '-'}) {count:,}")
    return ", ".join(told)


def _unused(name: str, used: set[str]) -> str:
    found, number = name or "suggested", 1
    while found in used:
        number += 1
        found = f"{name or 'suggested'}-{number}"
    return found

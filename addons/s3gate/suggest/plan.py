"""What many requests want → the fewest additions that allow just that. Pure.

The normal case: reads and writes of one bucket by one group of clients become one rule. Two
wants become one rule only where the one rule allows nothing that neither wanted: those that
differ in operations alone, then in clients alone, then in accounts alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Final

from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.suggest.want import HostWant, RuleWant, Want, Word

KEYS_MAX: Final = 5
"""Keys of a rule that are listed one by one; more become the folders that they lie in."""

CLIENTS_MAX: Final = 1_000
"""Client addresses of one addition that are remembered."""

NEW_GROUP: Final = "suggested"
"""Name of the group for clients that are in none."""


@dataclass(slots=True)
class Witness:
    """How often something was asked, when, and by whom."""

    count: int = 0
    first: str = ""
    last: str = ""
    clients: set[str] = field(default_factory=set)
    operations: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Witness") -> None:
        """Count what another one has seen."""
        self.count += other.count
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        self.operations.update(other.operations)
        for client in sorted(other.clients):
            if len(self.clients) < CLIENTS_MAX:
                self.clients.add(client)


@dataclass(slots=True)
class NewRule:
    """A rule to add.

    Args:
        want: its target and what it keeps of another rule; its other fields say nothing.
        words: of `allow`.
        keys: patterns.
        groups: of clients; empty: everybody.
        accounts: that signed; empty: no account was told.
    """

    want: RuleWant
    words: frozenset[str]
    keys: frozenset[str]
    groups: frozenset[str]
    accounts: frozenset[str]
    witness: Witness


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything to add.

    Args:
        words: of the lists under `endpoints`, with who asked.
        hosts: accounts of each AWS service.
        rules: in the order of how often they were asked for.
        addresses: clients for the group `NEW_GROUP`.
    """

    words: dict[Word, Witness]
    hosts: dict[str, tuple[frozenset[str], Witness]]
    rules: tuple[NewRule, ...]
    addresses: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to add."""
        return not (self.words or self.hosts or self.rules)


def make_plan(wanted: Iterable[tuple[Want, Witness]], *, by_name: bool = False) -> Plan:
    """The additions that allow all that is wanted.

    Args:
        wanted: each with who asked.
        by_name: whether operations stand by their names always, not by their classes.
    """
    words: dict[Word, Witness] = {}
    hosts: dict[str, tuple[frozenset[str], Witness]] = {}
    rules: list[NewRule] = []
    for want, witness in wanted:
        if isinstance(want, Word):
            words.setdefault(want, Witness()).add(witness)
        elif isinstance(want, HostWant):
            accounts, seen = hosts.get(want.name, (frozenset(), Witness()))
            seen.add(witness)
            hosts[want.name] = (accounts | {want.account}, seen)
        else:
            rules.append(_new_rule(want, witness, by_name=by_name))
    addresses = tuple(
        sorted({rule.want.address for rule in rules if rule.want.address is not None}, key=ip_address)
    )
    merged = _merge(rules)
    ordered = sorted(merged, key=lambda one: (-one.witness.count, one.want.value, sorted(one.words)))
    return Plan(words, hosts, tuple(ordered), addresses)


def _new_rule(want: RuleWant, witness: Witness, *, by_name: bool) -> NewRule:
    kind = OPERATION_CLASS.get(want.operation, OperationClass.ADMIN)
    by_name = by_name or want.exact or kind is OperationClass.ADMIN
    group = want.group if want.address is None else NEW_GROUP
    kept = replace(want, operation="", patterns=(), exact=False, group=None, account=None)
    own = Witness(witness.count, witness.first, witness.last, set(witness.clients))
    own.operations[want.operation] = witness.count
    return NewRule(
        kept,
        frozenset({want.operation if by_name else kind.value}),
        frozenset(want.patterns),
        frozenset() if group is None else frozenset({group}),
        frozenset() if want.account is None else frozenset({want.account}),
        own,
    )


def _merge(rules: list[NewRule]) -> list[NewRule]:
    """Rules that differ in one thing alone become one, until none do."""
    for one in rules:
        one.want = replace(one.want, address=None)
    while True:
        before = len(rules)
        rules = _join(rules, lambda one: (one.want, one.keys, one.groups, one.accounts), _with_words)
        rules = _join(rules, lambda one: (one.want, one.words, one.groups, one.accounts), _with_keys)
        rules = _join(rules, lambda one: (one.want, one.words, one.keys, one.accounts), _with_groups)
        rules = _join(rules, lambda one: (one.want, one.words, one.keys, one.groups), _with_accounts)
        if len(rules) == before:
            return rules


def _join(
    rules: list[NewRule], alike: Callable[[NewRule], object], add: Callable[[NewRule, NewRule], bool]
) -> list[NewRule]:
    kept: dict[object, NewRule] = {}
    apart: list[NewRule] = []
    for one in rules:
        same = kept.setdefault(alike(one), one)
        if same is one:
            continue
        if add(same, one):
            same.witness.add(one.witness)
        else:
            apart.append(one)
    return [*kept.values(), *apart]


def _with_words(one: NewRule, other: NewRule) -> bool:
    one.words |= other.words
    return True


def _with_keys(one: NewRule, other: NewRule) -> bool:
    """Patterns add up; a rule without any is for every key already."""
    one.keys = one.keys | other.keys if one.keys and other.keys else frozenset()
    return True


def _with_groups(one: NewRule, other: NewRule) -> bool:
    one.groups = one.groups | other.groups if one.groups and other.groups else frozenset()
    return True


def _with_accounts(one: NewRule, other: NewRule) -> bool:
    """A rule without accounts is for every account: it stands apart from one that names some."""
    if not one.accounts or not other.accounts:
        return False
    one.accounts |= other.accounts
    return True


def folders(keys: Iterable[str]) -> list[str]:
    """Key patterns as a rule lists them: one by one when they are few, else by the folders they lie in."""
    listed = sorted(keys)
    if len(listed) <= KEYS_MAX:
        return listed
    return sorted({f"{one.rpartition('/')[0]}/*" if "/" in one else one for one in listed})


def as_network(address: str) -> str:
    """The network of one address."""
    return str(ip_network(address))

"""Client groups that tie: a client whom two groups would hold with equal right.

Normally no two do. Each group is a box: users by VPC endpoints by networks, where a key
that is not there is every value. Two boxes tie when both have users or neither has, the
same for VPC endpoints and networks, and they share one of each: then some client would
be in both, and nothing in the file says which wins (`membership.py`).
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, quote

_KEYS: Final[tuple[str, ...]] = ("users", "vpc_endpoints", "cidrs")
_KINDS: Final[dict[str, str]] = {"users": "user", "vpc_endpoints": "VPC endpoint", "cidrs": "network"}


def find_group_mistakes(clients: Node) -> Iterator[Mistake]:
    """Groups that hold nobody, and groups that tie.

    Args:
        clients: the mapping of groups, as written.
    """
    by_word: dict[tuple[str, str], list[tuple[str, Node]]] = {}
    for name, group in clients.children.items():
        if not isinstance(group.value, dict):
            continue
        if not group.value:
            hint = "add `cidrs:`, `users:` or `vpc_endpoints:`"
            yield Mistake(group.line, group.column, f"client group {quote(name)} holds nobody", hint)
            continue
        for key in [one for one in _KEYS if one in group.value][:1]:
            for word in sorted(_words(group, key)):
                by_word.setdefault((key, word), []).append((name, group))
    told: set[tuple[str, str]] = set()
    for (key, word), groups in by_word.items():
        for (one, first), (other, second) in combinations(groups, 2):
            if (one, other) not in told and _ties(first, second):
                told.add((one, other))
                yield _mistake(key, word, one, other, second)


def _ties(one: Node, other: Node) -> bool:
    """Whether two groups that share a word of their first key share one of each."""
    for key in _KEYS:
        if (key in one.children) != (key in other.children):
            return False
        if key in one.children and not _words(one, key) & _words(other, key):
            return False
    return True


def _words(group: Node, key: str) -> frozenset[str]:
    node = group.children.get(key)
    return frozenset(one.value for one in node.items if isinstance(one.value, str)) if node else frozenset()


def _mistake(key: str, word: str, one: str, other: str, second: Node) -> Mistake:
    where = next(node for node in second.children[key].items if node.value == word)
    return Mistake(
        where.line,
        where.column,
        f"{_KINDS[key]} {quote(word)} in client group {quote(one)} too: for its clients "
        f"{quote(one)} and {quote(other)} tie",
        "delete it in one, or make one of the groups narrower",
    )

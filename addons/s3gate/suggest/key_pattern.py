"""Which keys a suggested rule is for, where the rule that refused limits keys. Pure.

The normal case: the key fits the patterns of that rule, which are kept; otherwise the key
itself is the pattern. A request that names no key that could be limited reaches every key.
"""

from s3gate.policy.model import Rule
from s3gate.policy.rules import Asked, key_problem
from s3gate.replay.facts import Facts
from s3gate.s3.operation import OPERATION_CLASS, Operation, OperationClass


class NotSuggested(Exception):
    """Why nothing is suggested for a request: one sentence."""


def patterns_for(rule: Rule | None, facts: Facts, operation: str) -> tuple[tuple[str, ...], bool]:
    """The patterns of a rule of its own, and whether it reaches beyond those of the other rule.

    Args:
        rule: that got furthest, or None.
        facts: of the request.
        operation: what it is.

    Returns:
        Patterns, empty for every key.

    Raises:
        NotSuggested: the record hides the key.
    """
    if rule is None or not rule.keys:
        return (), False
    if facts.hidden is not None:
        raise NotSuggested(facts.hidden)
    kind = OPERATION_CLASS.get(operation, OperationClass.ADMIN)
    listing = kind is OperationClass.LIST
    asked = Operation(operation, kind, listed_prefix=facts.prefix or None if listing else None)
    keys = (facts.key,) if facts.key is not None else ()
    if (
        operation != "DeleteObjects"
        and key_problem(rule.keys, Asked(None, asked, keys, facts.client, None)) is None
    ):
        return tuple(glob.text for glob in rule.keys), False
    if facts.key is not None:
        return (_as_pattern(facts.key),), False
    if listing and facts.prefix:
        return (_as_pattern(facts.prefix) + "*",), False
    return (), True


def _as_pattern(key: str) -> str:
    """The narrowest pattern for a key: `*`, what has two readings, and a first slash become `?`."""
    plain = key.replace("*", "?").replace("+", "?")
    return "?" + plain[1:] if plain.startswith("/") else plain

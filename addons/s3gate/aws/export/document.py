"""Grants → one IAM policy document, as short as it gets without changing what it says.

The normal case: ten rules with the same `allow` and the same `owner` become one pair of
statements with ten resources each.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from s3gate.aws.export.grant import Condition, Grant

VERSION: Final = "2012-10-17"
"""The policy language with variables, `${$}` among them (IAM user guide, Version)."""

Statement = dict[str, object]
Document = dict[str, object]


def merge_grants(grants: Iterable[Grant]) -> list[Grant]:
    """The same grants with equal ones joined: first by resource, then by what is allowed there."""
    by_place: dict[tuple[tuple[str, ...], frozenset[Condition]], frozenset[str]] = {}
    for one in grants:
        place = (one.resources, one.conditions)
        by_place[place] = by_place.get(place, frozenset()) | one.actions
    by_right: dict[tuple[frozenset[str], frozenset[Condition]], dict[str, None]] = {}
    for (resources, conditions), actions in by_place.items():
        by_right.setdefault((actions, conditions), {}).update(dict.fromkeys(resources))
    return [
        Grant(actions, tuple(resources), conditions) for (actions, conditions), resources in by_right.items()
    ]


def allow_document(grants: Sequence[Grant], *, principal: bool) -> Document:
    """A document that allows what is granted and nothing else.

    Args:
        grants: merged; none of them gives a document that denies everything.
        principal: whether it has a `Principal`: an endpoint's has, a user's has not.
    """
    if not grants:
        return document([_deny_all(principal=principal)])
    return document([_allow(one, principal=principal) for one in grants])


def document(statements: Sequence[Statement]) -> Document:
    """The statements as a whole policy."""
    return {"Version": VERSION, "Statement": list(statements)}


def conditions_block(conditions: Iterable[Condition]) -> dict[str, dict[str, object]]:
    """The `Condition` of a statement; one value stands alone."""
    block: dict[str, dict[str, object]] = {}
    for operator, key, values in sorted(conditions):
        if key in block.setdefault(operator, {}):
            raise ValueError(f"`{key}` stands twice under `{operator}`: one of them would be lost")
        block[operator][key] = values[0] if len(values) == 1 else list(values)
    return block


def render_document(value: Document, *, indent: int | None = None) -> str:
    """The text of a document: ASCII alone, for IAM takes no character above U+00FF as it stands.

    Args:
        value: the document.
        indent: spaces a level, or None for no white space at all.
    """
    return json.dumps(value, indent=indent, separators=(",", ": ") if indent else (",", ":"))


def _allow(one: Grant, *, principal: bool) -> Statement:
    statement: Statement = {"Effect": "Allow"}
    if principal:
        statement["Principal"] = "*"
    statement["Action"] = sorted(one.actions)
    statement["Resource"] = list(one.resources)
    if one.conditions:
        statement["Condition"] = conditions_block(one.conditions)
    return statement


def _deny_all(*, principal: bool) -> Statement:
    """An endpoint without a statement would have AWS's default policy, which allows everything."""
    statement: Statement = {"Effect": "Deny"}
    if principal:
        statement["Principal"] = "*"
    return {**statement, "Action": "*", "Resource": "*"}

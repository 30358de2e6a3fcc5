"""How long a policy may be, and what to do when it is longer.

The normal case: it fits with its indentation. Else it is written without white space; and
when that is too long, it is cut into parts that each fit. What parts are good for depends on the
kind: several managed policies of one user add up, several endpoints of one VPC do not by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.aws.export.document import Document, allow_document, render_document
from s3gate.aws.export.grant import Grant

INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """The size of one kind of policy.

    Args:
        characters: at most; our documents are ASCII, so a character is a byte.
        white_space: whether AWS counts what lies between the words.
        source: the page that says so.
    """

    characters: int
    white_space: bool
    source: str


ENDPOINT_LIMIT: Final = Limit(
    20_480, True, "AWS PrivateLink guide, quotas, characters per VPC endpoint policy"
)
BUCKET_LIMIT: Final = Limit(20 * 1024, True, "S3 user guide, bucket policies: 20 KB")
MANAGED_LIMIT: Final = Limit(6_144, False, "IAM user guide, IAM and STS quotas, managed policy size")
MANAGED_POLICIES: Final = 10
"""Managed policies that a user, group or role takes by default (IAM user guide, IAM and STS quotas)."""


class DoesNotFit(ValueError):
    """One grant alone is longer than a policy may be; the message says which."""


def fit_document(value: Document, limit: Limit) -> str | None:
    """The text of a document that AWS takes, indented when there is room; None when there is none."""
    compact = render_document(value)
    if len(compact) > limit.characters:
        return None
    pretty = render_document(value, indent=INDENT)
    return pretty if len(pretty) <= limit.characters or not limit.white_space else compact


def split_grants(grants: Sequence[Grant], limit: Limit, *, principal: bool) -> list[list[Grant]]:
    """The grants in as few parts as filling one after the other makes, each within the limit.

    Raises:
        DoesNotFit: actions and conditions of one resource are too long by themselves.
    """
    parts: list[list[Grant]] = [[]]
    for grant in grants:
        for resource in grant.resources:
            single = Grant(grant.actions, (resource,), grant.conditions)
            grown = _with(parts[-1], single)
            if _fits(grown, limit, principal=principal):
                parts[-1] = grown
                continue
            if not _fits([single], limit, principal=principal):
                raise DoesNotFit(f"the grant for `{resource}` is longer than {limit.characters} characters")
            parts.append([single])
    return parts


def _with(part: list[Grant], single: Grant) -> list[Grant]:
    if part and (part[-1].actions, part[-1].conditions) == (single.actions, single.conditions):
        joined = Grant(single.actions, (*part[-1].resources, *single.resources), single.conditions)
        return [*part[:-1], joined]
    return [*part, single]


def _fits(grants: Sequence[Grant], limit: Limit, *, principal: bool) -> bool:
    return len(render_document(allow_document(grants, principal=principal))) <= limit.characters

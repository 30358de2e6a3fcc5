"""What a person should know of an export: where it is narrower or wider than a rule, told once for many.

The normal case: `rules `a`, `b` and 7 more: HeadBucket is s3:ListBucket to IAM …`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from s3gate.aws.export.grant import LIST_BUCKET, limits_lists, operations_of
from s3gate.aws.export.target import Kind, Target
from s3gate.policy.model import Policy, Rule

SHOWN: Final = 5
"""Rules that a remark names."""

_ENFORCED: Final = "what it only watches is refused here"


def find_remarks(rule: Rule, target: Target) -> Iterator[str]:
    """What is to be said of one rule's grants, without its name."""
    names = operations_of(rule)
    if target.kind is Kind.DIRECTORY_BUCKET:
        yield "S3 Express asks for a session alone; operations and keys are the gate's"
    elif "HeadBucket" in names and limits_lists(rule) and "HeadBucket" not in rule.operations:
        yield (
            f"HeadBucket is left out: to IAM it is {LIST_BUCKET} without a prefix, which lists every key; "
            "write HeadBucket under `allow` to have it"
        )
    elif "HeadBucket" in names and not names & {"ListObjects", "ListObjectsV2"}:
        yield (
            f"HeadBucket is {LIST_BUCKET} to IAM, which lists too; name operations instead of `read` "
            "to leave it out"
        )
    if rule.monitor is not None:
        yield f"in monitor mode until {rule.monitor.until}; {_ENFORCED}"
    if target.kind is Kind.ACCESS_POINT and not target.regions:
        yield "multi-region access points have an endpoint of their own, s3-global.accesspoint"


def policy_remarks(policy: Policy) -> Iterator[str]:
    """What is to be said of a policy as a whole."""
    if policy.monitor is not None:
        yield f"the policy is in monitor mode until {policy.monitor.until}; {_ENFORCED}"
    if any(rule.clients for rule in policy.rules):
        yield "`clients` is the gate's alone: S3 sees the gate's address"


def join_remarks(remarks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each remark once, with the rules that it is about.

    Args:
        remarks: rule id and what is to be said of it.
    """
    about: dict[str, list[str]] = {}
    for rule, text in remarks:
        about.setdefault(text, []).append(rule)
    for text, rules in about.items():
        named = ", ".join(f"`{rule}`" for rule in rules[:SHOWN])
        more = f" and {len(rules) - SHOWN} more" if len(rules) > SHOWN else ""
        yield f"rule{'s' * (len(rules) > 1)} {named}{more}: {text}"

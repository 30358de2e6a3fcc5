"""The canonical spelling of what `endpoints` lists: partition, region, class, interface endpoint.

Normally a text names exactly one of them, and comes back as it is. Otherwise a Misspelling
says what it names instead, and how the entry is written.
"""

import re
from typing import Final

from pydantic import ValidationInfo

from s3gate.policy.listed import Listed
from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.suggestion import nearest
from s3gate.s3.endpoint import EndpointClass
from s3gate.s3.partitions import PARTITIONS, Partition

LISTED_CLASSES: Final = tuple(one.value for one in EndpointClass if one is not EndpointClass.CONTROL)
"""Every class that a policy may list: what S3 Control does reaches beyond buckets."""

# The classes that botocore's rules refuse for whole partitions (`Partition.features`).
_FEATURES: Final = frozenset({"accelerate", "dualstack", "fips"})

VPCE_PATTERN: Final = r"vpce-[0-9a-f]+"
_VPCE: Final = re.compile(VPCE_PATTERN, re.ASCII)
_WITHIN: Final = re.compile(rf"(?:.*[./])?({VPCE_PATTERN})(?:[^0-9a-f].*)?", re.ASCII | re.IGNORECASE)


def listed_in(info: ValidationInfo) -> Listed:
    """What the top of the file lists, as far as it is known.

    Args:
        info: of the validator that asks.
    """
    return info.context if isinstance(info.context, Listed) else Listed()


def _partitions(listed: Listed) -> list[Partition]:
    """The listed partitions; all, where the file lists none that exists."""
    return [PARTITIONS[one] for one in listed.partitions or () if one in PARTITIONS] or list(
        PARTITIONS.values()
    )


def check_partition(text: str) -> str:
    """The id of an AWS partition."""
    if text in PARTITIONS:
        return text
    right = nearest(text, PARTITIONS)
    known = ", ".join(f"`{one}`" for one in PARTITIONS)
    raise Misspelling(f"{quote(text)} is not a partition", f"write `{right}`" if right else f"one of {known}")


def check_rule_partition(text: str, info: ValidationInfo) -> str:
    """The partition of a rule: one of those that `endpoints` lists."""
    check_partition(text)
    partitions = listed_in(info).partitions
    if partitions is not None and text not in partitions:
        raise Misspelling(f"partition {quote(text)} is not listed under `endpoints`", f"add `{text}` there")
    return text


def check_region(text: str, info: ValidationInfo) -> str:
    """A region of one of the listed partitions, by the form that botocore gives for it."""
    rows = _partitions(listed_in(info))
    if any(row.region_pattern.fullmatch(text) for row in rows):
        return text
    right = nearest(text, [region for row in rows for region in row.regions])
    elsewhere = next((row.id for row in PARTITIONS.values() if row.region_pattern.fullmatch(text)), None)
    if elsewhere is not None:
        raise Misspelling(
            f"region {quote(text)} lies in partition `{elsewhere}`, which is not listed",
            f"add `{elsewhere}` to `partitions`",
        )
    hint = f"write `{right}`" if right else "write the code of a region, like `ap-northeast-1`"
    raise Misspelling(f"{quote(text)} is not a region of the listed partitions", hint)


def check_rule_region(text: str, info: ValidationInfo) -> str:
    """A region of a rule: one of those that `endpoints` lists."""
    listed = listed_in(info)
    if listed.regions is None or text in listed.regions:
        return text
    check_region(text, info)
    raise Misspelling(
        f"region {quote(text)} is not listed under `endpoints`",
        "add it to `regions` there, or delete it here",
    )


def check_class(text: str, info: ValidationInfo) -> str:
    """An endpoint class that exists in one of the listed regions, or partitions."""
    if text not in LISTED_CLASSES:
        if text == EndpointClass.CONTROL:
            raise Misspelling(
                f"endpoint class {quote(text)} is never open: S3 Control reaches beyond buckets", "delete it"
            )
        right = nearest(text, LISTED_CLASSES)
        known = ", ".join(f"`{one}`" for one in LISTED_CLASSES)
        raise Misspelling(
            f"{quote(text)} is not an endpoint class", f"write `{right}`" if right else f"one of {known}"
        )
    listed = listed_in(info)
    rows = _partitions(listed)
    regions = listed.regions or frozenset()
    lying = [row for row in rows if any(row.region_pattern.fullmatch(one) for one in regions)] or rows
    if text in _FEATURES and not any(text in row.features for row in lying):
        where = ", ".join(f"`{row.id}`" for row in lying)
        raise Misspelling(
            f"no listed region has endpoints of class {quote(text)}: partition {where} lacks them",
            "delete it",
        )
    return text


def check_vpce(text: str) -> str:
    """The id of an interface endpoint, without the random part of its DNS names."""
    if _VPCE.fullmatch(text):
        return text
    within = _WITHIN.fullmatch(text)
    raise Misspelling(
        f"{quote(text)} is not the id of an interface endpoint",
        f"write `{within[1].lower()}`" if within else "write it like `vpce-0123456789abcdef0`",
    )

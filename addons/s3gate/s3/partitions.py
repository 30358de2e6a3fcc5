"""AWS partitions: which suffix is whose, and which region lies where.

The normal case: `amazonaws.com` with `eu-west-1` is partition aws. The rows come from
botocore (`partition_data.py`, generated, with the version that was read). aws and
aws-us-gov share their suffixes: only the region separates them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from s3gate.s3.partition_data import BOTOCORE_VERSION, ROWS

__all__ = ["BOTOCORE_VERSION", "PARTITIONS", "SUFFIXES", "Partition", "Suffix", "partition_of", "suffix_of"]

# Longest region of botocore 1.44.5 has 15 characters; longer labels are no region.
MAX_REGION_CHARS: Final = 32


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as botocore's partitions.json has it.

    Args:
        id: `aws`, `aws-cn`, ….
        dns_suffix: what its service names end in.
        dual_stack_dns_suffix: what the dual-stack names of most services end in; S3's own do not.
        region_pattern: its regions, also future ones; ASCII, where its classes would match other scripts too.
        global_region: what botocore takes for a name without a region.
        features: what S3's endpoint rules grant there: accelerate, dualstack, fips.
        regions: those that botocore lists, without its pseudo regions.
    """

    id: str
    dns_suffix: str
    dual_stack_dns_suffix: str
    region_pattern: re.Pattern[str]
    global_region: str
    features: frozenset[str]
    regions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Suffix:
    """A suffix of AWS and the partitions whose names end in it.

    Args:
        text: without leading dot.
        dual_stack: it is a dualStackDnsSuffix.
        partitions: in order of id; the first is that of names without a region.
    """

    text: str
    dual_stack: bool
    partitions: tuple[Partition, ...]


PARTITIONS: Final = {
    row[0]: Partition(
        id=row[0],
        dns_suffix=row[1],
        dual_stack_dns_suffix=row[2],
        region_pattern=re.compile(row[3].removeprefix("^").removesuffix("$"), re.ASCII),
        global_region=row[4],
        features=frozenset(row[5]),
        regions=frozenset(row[6]),
    )
    for row in ROWS
}


def _suffixes() -> dict[str, Suffix]:
    found: dict[str, Suffix] = {}
    for partition in PARTITIONS.values():
        for text, dual in ((partition.dns_suffix, False), (partition.dual_stack_dns_suffix, True)):
            others = found[text].partitions if text in found else ()
            found[text] = Suffix(text, dual, (*others, partition))
    return found


SUFFIXES: Final = _suffixes()
"""Every suffix of every partition, by its text."""

MAX_SUFFIX_LABELS: Final = max(text.count(".") + 1 for text in SUFFIXES)


def suffix_of(name: str) -> Suffix | None:
    """The AWS suffix a canonical host name ends in, the longest one first.

    Args:
        name: lower-case host name without trailing dot.

    Returns:
        The suffix, also when the name is nothing but the suffix; None under none.
    """
    labels = name.rsplit(".", MAX_SUFFIX_LABELS)
    for start in range(max(len(labels) - MAX_SUFFIX_LABELS, 0), len(labels)):
        found = SUFFIXES.get(".".join(labels[start:]))
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1024)  # labels: there are some 50 regions, an attacker may show more
def _partition_of(suffix: str, label: str) -> Partition | None:
    partitions = SUFFIXES[suffix].partitions
    return next((item for item in partitions if item.region_pattern.fullmatch(label)), None)


def partition_of(suffix: Suffix, label: str) -> Partition | None:
    """The partition in which a label is a region under this suffix.

    Args:
        suffix: what the name ends in.
        label: one lower-case label.

    Returns:
        The partition whose regions have that form, or None when region and suffix do not agree.
    """
    if len(label) > MAX_REGION_CHARS:
        return None
    return _partition_of(suffix.text, label)

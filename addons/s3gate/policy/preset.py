"""What a preset of the policy stands for: rows of exact buckets, read only, each with its source.

Normally `presets: [ssm-agent]` opens the rows of that preset for the regions and partitions that
`endpoints` lists. A region without a row has no preset: nothing is ever put together from a pattern.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from s3gate.policy.preset_data import FAMILIES
from s3gate.s3.endpoint import EndpointClass

PARTITION: Final = "aws"  # the one whose pages were read; see `preset_data.py`

REACHED_BY: Final = frozenset(
    {EndpointClass.STANDARD, EndpointClass.DUALSTACK, EndpointClass.FIPS, EndpointClass.VPCE}
)
"""Endpoint classes by which a row's bucket may be named: they tell its region and serve plain objects."""


class Signing(StrEnum):
    """How the clients that a row is for sign their requests."""

    ANONYMOUS = "anonymous"
    """Unsigned requests pass, also under `unsigned: deny`; signed ones are judged as ever."""
    PRESIGNED = "presigned"
    """By a URL that an account of AWS has signed; unsigned requests are judged as ever."""


class Asked(StrEnum):
    """How the clients that a row is for spell its bucket."""

    VIRTUAL = "virtual"
    PATH = "path"
    DUALSTACK = "dualstack"


@dataclass(frozen=True, slots=True)
class PresetRow:
    """One bucket that a service of AWS owns, and what may be done with it.

    Args:
        preset: name, as the policy writes it.
        partition: partition id.
        region: the one region in whose names the bucket may be asked for.
        bucket: exact name.
        operations: S3 operation names; all of class `read`.
        signing: what is exempt from signing.
        asked: how clients spell the bucket; others may spell it otherwise.
        certainty: `table`, `rule` or `seen`, as `preset_data.Family` explains.
        source: address of the page.
        seen: day on which the source was read, YYYY-MM-DD.
    """

    preset: str
    partition: str
    region: str
    bucket: str
    operations: frozenset[str]
    signing: Signing
    asked: Asked
    certainty: str
    source: str
    seen: str

    @property
    def rule(self) -> str:
        """What stands for the rule's id in a decision: no rule of a file has a colon in its id."""
        return f"preset:{self.preset}"


class Opened(Protocol):
    """What of a policy says which rows are open."""

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of presets."""

    @property
    def partitions(self) -> frozenset[str]:
        """Open partitions."""

    @property
    def regions(self) -> frozenset[str]:
        """Open regions."""


def _rows() -> Iterable[PresetRow]:
    for family in FAMILIES:
        operations = frozenset(family.operations.split())
        signing, asked = Signing(family.signing), Asked(family.asked)
        for region, bucket in family.rows:
            yield PresetRow(
                family.preset,
                PARTITION,
                region,
                bucket,
                operations,
                signing,
                asked,
                family.certainty,
                family.source,
                family.seen,
            )


def _by_preset(rows: Iterable[PresetRow]) -> Mapping[str, tuple[PresetRow, ...]]:
    found: dict[str, list[PresetRow]] = {}
    for row in rows:
        found.setdefault(row.preset, []).append(row)
    return MappingProxyType({name: tuple(found[name]) for name in sorted(found)})


PRESETS: Final = _by_preset(_rows())
"""Every row of every preset, by the preset's name."""


def preset_rows(policy: Opened) -> tuple[PresetRow, ...]:
    """The rows that a policy opens, in the order of its presets and then of the data.

    Args:
        policy: its presets, partitions and regions count; also where its endpoint classes allow nothing.
    """
    return tuple(
        row
        for name in policy.presets
        for row in PRESETS[name]
        if row.partition in policy.partitions and row.region in policy.regions
    )

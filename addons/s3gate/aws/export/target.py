"""What a rule names, as ARNs.

The normal case: bucket `example` is `arn:aws:s3:::example`, its objects under a key glob are
`arn:aws:s3:::example/incoming/*`. A `*` and a `?` mean the same in both; a `$` would
begin a variable in IAM and is written `${$}`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from s3gate.policy.model import Policy, Rule
from s3gate.s3.access_point import AccessPoint, parse_access_point
from s3gate.s3.bucket import is_directory_bucket_name
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.partitions import PARTITIONS

ANY_ACCOUNT: Final = "*"
"""In the ARN of a directory bucket whose account nobody named."""


@unique
class Kind(StrEnum):
    """What is named."""

    BUCKET = "bucket"
    ACCESS_POINT = "access point"
    DIRECTORY_BUCKET = "directory bucket"


class NotRendered(ValueError):
    """No S3 policy can speak of what the rule names; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one rule names.

    Args:
        kind: which sort of resource.
        partition: partition id.
        regions: where it may lie; empty for a multi-region access point.
        name: the bucket's name, or the ARN of an access point.
        account: of an access point, which its ARN tells; None otherwise.
    """

    kind: Kind
    partition: str
    regions: tuple[str, ...]
    name: str
    account: str | None = None

    def own(self, owner: str | None) -> tuple[str, ...]:
        """The ARN of the bucket or access point itself, one for each region where the ARN has one."""
        if self.kind is Kind.BUCKET:
            return (f"arn:{self.partition}:s3:::{self.name}",)
        if self.kind is Kind.ACCESS_POINT:
            return (self.name,)
        account = owner or ANY_ACCOUNT
        return tuple(
            f"arn:{self.partition}:s3express:{region}:{account}:bucket/{self.name}" for region in self.regions
        )

    def objects(self, globs: Collection[str]) -> tuple[str, ...]:
        """The ARNs of its objects.

        Args:
            globs: key globs as the policy file writes them; none means every key.
        """
        start = f"{self.name}/object" if self.kind is Kind.ACCESS_POINT else self.own(None)[0]
        return tuple(f"{start}/{as_pattern(glob)}" for glob in (globs or ("*",)))


def as_pattern(glob: str) -> str:
    """A key glob as an IAM pattern (IAM user guide, policy variables: `${$}` is a `$`)."""
    return glob.replace("$", "${$}")


def partition_of_region(region: str) -> str:
    """The partition in which a region lies: AWS's patterns of region names do not overlap.

    Args:
        region: one that the policy or the settings hold, so that it has a region's form.
    """
    return next(name for name, one in PARTITIONS.items() if one.region_pattern.fullmatch(region))


def target_of(policy: Policy, rule: Rule) -> Target:
    """What a rule names.

    Raises:
        NotRendered: it is something that S3's own policies do not speak of.
    """
    regions = tuple(
        sorted(
            region
            for region in (rule.regions or policy.regions)
            if PARTITIONS[rule.partition].region_pattern.fullmatch(region)
        )
    )
    if rule.bucket is not None:
        return _bucket(rule.bucket, rule.partition, regions)
    if rule.fqdn is not None:
        return _host(rule.fqdn, rule.partition, regions)
    point = parse_access_point(rule.access_point or rule.mrap or "")
    if point is None:
        raise NotRendered("it names neither a bucket nor an access point")
    return _point(point)


def _bucket(name: str, partition: str, regions: tuple[str, ...]) -> Target:
    kind = Kind.DIRECTORY_BUCKET if is_directory_bucket_name(name) else Kind.BUCKET
    return Target(kind, partition, regions, name)


def _host(name: str, partition: str, regions: tuple[str, ...]) -> Target:
    endpoint = classify_host(HostName(name))
    if not isinstance(endpoint, Endpoint) or endpoint.label is None:
        raise NotRendered(f"`{name}` names no bucket")
    return _bucket(endpoint.label, partition, regions if endpoint.region is None else (endpoint.region,))


def _point(point: AccessPoint) -> Target:
    if point.service != "s3":
        raise NotRendered(f"`{point.arn}` belongs to {point.service}, which asks for actions of its own")
    regions = () if point.multi_region else (point.region,)
    return Target(Kind.ACCESS_POINT, point.partition, regions, point.arn, point.account)

"""A canonical host name → the S3 endpoint it names, or what else it is.

The normal case: `b.s3.eu-west-1.amazonaws.com` is the standard endpoint of eu-west-1 in
partition aws, with `b` in the bucket slot. Names are read from the right:

1. the longest AWS suffix; under none the name is Foreign;
2. `vpce`, a region that agrees with the suffix, or one of the names without a region;
3. the service label there, with `dualstack` where it may stand;
4. all that is left of it is the label: the bucket, dots included, or an access point.

A name of the S3 family that no rule reads is never an Endpoint, so that no policy can
allow it: it stays an AwsName that says so.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from s3gate.s3.host import HostName
from s3gate.s3.partitions import Partition, Suffix, partition_of, suffix_of
from s3gate.s3.service import (
    ACCELERATE,
    CUSTOMER_LABELS,
    CUSTOMER_SUFFIXES,
    DUAL_STACK_SERVICES,
    EXPRESS_LABEL,
    INTERFACES,
    MRAP,
    OTHER_SERVICES,
    SERVICES,
    VPCE_LABEL,
    ZONAL_SERVICE,
    EndpointClass,
    Service,
)

__all__ = ["AwsName", "Endpoint", "EndpointClass", "Foreign", "OtherService", "classify_host"]

# Distinct names remembered: more than a gate has in use at once, and some 4 MB when an attacker fills it.
CACHED_NAMES: Final = 4096


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host name of S3, read.

    Args:
        host: the name.
        endpoint_class: the class that is reported.
        needs: every class a policy must list for it: FIPS dualstack needs both.
        partition: partition id.
        region: region id; for global names the partition's implicit one; None for accelerate and MRAP.
        any_region_scope: the name has no region, so a credential scope may carry any that is listed.
        label: all that stands left of the service: bucket, access point, account; None at its root.
        vpce: id of the interface endpoint, `vpce-` and hex, without the random part of its name.
    """

    host: HostName
    endpoint_class: EndpointClass
    needs: frozenset[EndpointClass]
    partition: str
    region: str | None
    any_region_scope: bool
    label: str | None
    vpce: str | None


@dataclass(frozen=True, slots=True)
class OtherService:
    """A host of a service beside S3 that carries data: S3 Tables, S3 Vectors, S3 Files."""

    host: HostName
    service: str
    partition: str


@dataclass(frozen=True, slots=True)
class AwsName:
    """A name under an AWS suffix that is no S3 endpoint.

    Args:
        host: the name.
        partition: partition id; under a shared suffix that of a region in the name, else the first.
        customer_owned: what answers there belongs to whoever registered the name.
        s3_family: it looks like S3's but no rule reads it, so it may not be listed as a host.
    """

    host: HostName
    partition: str
    customer_owned: bool
    s3_family: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """A name under no AWS suffix."""

    host: HostName


HostReading = Endpoint | OtherService | AwsName | Foreign


@lru_cache(maxsize=CACHED_NAMES)
def classify_host(name: HostName) -> HostReading:
    """Read a canonical host name.

    Args:
        name: as `parse_authority` makes it.

    Returns:
        An Endpoint only when one rule reads every label of the name.
    """
    suffix = suffix_of(name)
    if suffix is None:
        owner = next(
            (part for text, part in CUSTOMER_SUFFIXES.items() if f".{name}".endswith(f".{text}")), None
        )
        return Foreign(name) if owner is None else AwsName(name, owner, True)
    labels = tuple(name[: -len(suffix.text) - 1].split(".")) if name != suffix.text else ()
    if not labels:
        return AwsName(name, suffix.partitions[0].id, False)
    found = _read(name, suffix, labels)
    return _aws_name(name, suffix, labels) if found is None else found


def _read(name: HostName, suffix: Suffix, labels: tuple[str, ...]) -> Endpoint | OtherService | None:
    if labels[-1] == "vpce":
        return None if suffix.dual_stack else _interface(name, suffix, labels)
    partition = partition_of(suffix, labels[-1])
    if partition is not None:
        return _regional(name, suffix, partition, labels)
    return None if suffix.dual_stack else _regionless(name, suffix, labels)


def _endpoint(
    name: HostName,
    service: Service,
    partition: Partition,
    label: str,
    region: str | None,
    *,
    dualstack: bool = False,
    region_in_name: bool = True,
    vpce: str | None = None,
) -> Endpoint | None:
    """The endpoint of a service, if the label, the partition and the service go together."""
    if (label and (service.label is None or not service.label.fullmatch(label))) or not (
        label or service.root
    ):
        return None
    kind = service.endpoint_class
    if dualstack and not service.dualstack:
        return None
    if service.fips and "fips" not in partition.features and kind is not EndpointClass.OUTPOSTS:
        return None  # botocore's rules: S3 has no FIPS in aws-cn, the control of Outposts does
    needs = {kind}
    if service.fips:
        needs.add(EndpointClass.FIPS)
    if dualstack:
        needs.add(EndpointClass.DUALSTACK)
    if vpce is not None:
        needs.add(EndpointClass.VPCE)
        kind = EndpointClass.VPCE
    elif kind is EndpointClass.STANDARD and dualstack:
        kind = EndpointClass.DUALSTACK
    if len(needs) > 1:
        needs.discard(EndpointClass.STANDARD)
    return Endpoint(
        name, kind, frozenset(needs), partition.id, region, not region_in_name, label or None, vpce
    )


def _regional(
    name: HostName, suffix: Suffix, partition: Partition, labels: tuple[str, ...]
) -> Endpoint | OtherService | None:
    """`[label.]service[.dualstack].region`."""
    region, rest = labels[-1], labels[:-1]
    dualstack = bool(rest) and rest[-1] == "dualstack" and not suffix.dual_stack
    if dualstack:
        rest = rest[:-1]
    if not rest:
        return None
    label = ".".join(rest[:-1])
    if rest[-1] in OTHER_SERVICES:
        return OtherService(name, OTHER_SERVICES[rest[-1]], partition.id)
    if suffix.dual_stack:
        service = DUAL_STACK_SERVICES.get(rest[-1])
        return None if service is None else _endpoint(name, service, partition, label, region, dualstack=True)
    service = SERVICES.get(rest[-1])
    if service is not None:
        return _endpoint(name, service, partition, label, region, dualstack=dualstack)
    if rest[-1] == "s3-accelerate" and dualstack and region == partition.global_region:
        # The one accelerate name with a region: botocore's rule for its pseudo region aws-global.
        return _accelerate(name, partition, label, dualstack=True) if partition.id == "aws" else None
    return _zonal(name, partition, rest, region, dualstack=dualstack)


def _zonal(
    name: HostName, partition: Partition, rest: tuple[str, ...], region: str, *, dualstack: bool
) -> Endpoint | None:
    """`bucket--zone--x-s3.s3express[-fips]-zone[.dualstack].region`, both zones equal."""
    host = ZONAL_SERVICE.fullmatch(rest[-1])
    bucket = EXPRESS_LABEL.fullmatch(".".join(rest[:-1]))
    if host is None or bucket is None or bucket["zone"] != host["zone"]:
        return None
    service = Service(EndpointClass.EXPRESS, host["fips"] is not None, True, False, EXPRESS_LABEL)
    return _endpoint(name, service, partition, bucket[0], region, dualstack=dualstack)


def _regionless(name: HostName, suffix: Suffix, labels: tuple[str, ...]) -> Endpoint | None:
    """The global and legacy names, accelerate and multi-region access points."""
    last, label = labels[-1], ".".join(labels[:-1])
    first = suffix.partitions[0]
    if last == "s3":
        return _endpoint(name, SERVICES["s3"], first, label, first.global_region, region_in_name=False)
    if last == "s3-external-1" and first.id == "aws":  # AWS General Reference, S3: us-east-1's second name
        return _endpoint(name, SERVICES["s3"], first, label, "us-east-1", region_in_name=False)
    if last == "s3-accelerate":
        return _accelerate(name, first, label, dualstack=False)
    if last == "dualstack" and labels[-2:-1] == ("s3-accelerate",):
        return _accelerate(name, first, ".".join(labels[:-2]), dualstack=True)
    if last == "s3-global" and labels[-2:-1] == ("accesspoint",):
        return _endpoint(name, MRAP, first, ".".join(labels[:-2]), None, region_in_name=False)
    for service in ("s3-fips", "s3-website", "s3"):  # legacy dash names: the region follows a hyphen
        region = last.removeprefix(f"{service}-")
        partition = partition_of(suffix, region) if region != last else None
        if partition is not None:
            return _endpoint(name, SERVICES[service], partition, label, region)
    return None


def _accelerate(name: HostName, partition: Partition, label: str, *, dualstack: bool) -> Endpoint | None:
    """`bucket.s3-accelerate[.dualstack]`, where S3's rules know acceleration."""
    if "accelerate" not in partition.features:
        return None
    return _endpoint(name, ACCELERATE, partition, label, None, dualstack=dualstack, region_in_name=False)


def _interface(name: HostName, suffix: Suffix, labels: tuple[str, ...]) -> Endpoint | None:
    """`[label.]bucket|accesspoint|control.vpce-id-random[-zone].s3.region.vpce`."""
    if len(labels) < 5 or labels[-3] != "s3":
        return None
    partition = partition_of(suffix, labels[-2])
    interface = VPCE_LABEL.fullmatch(labels[-4])
    service = INTERFACES.get(labels[-5])
    if partition is None or interface is None or service is None:
        return None
    return _endpoint(name, service, partition, ".".join(labels[:-5]), labels[-2], vpce=interface["id"])


def _aws_name(name: HostName, suffix: Suffix, labels: tuple[str, ...]) -> AwsName:
    """What is left: another service's name, a customer's, or one that only looks like S3's."""
    regions = [(index, partition_of(suffix, label)) for index, label in enumerate(labels)]
    partition = next((found for _, found in reversed(regions) if found is not None), suffix.partitions[0])
    # `domain.region.service`: the order of databases, search domains, clusters and load balancers.
    turned = any(found is not None and 0 < index < len(labels) - 1 for index, found in regions)
    customer = turned or any(label in CUSTOMER_LABELS or label.startswith("vpce-svc-") for label in labels)
    family = any(label.startswith("s3") for label in labels)
    return AwsName(name, partition.id, customer, family)

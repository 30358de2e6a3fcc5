"""A `dstdomain` list of the same names, for running Squid beside the gate.

The normal case: every host name under which a rule's bucket may be addressed, one a line, exact (no
leading dot: that would open sub-domains, which are other buckets). Squid sees the CONNECT
name alone: no operation, key, signer, path or Host. Path-style hosts are left out, for
`s3.REGION.amazonaws.com` is every bucket of the world.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from s3gate.aws.export.allow_policy import Choice
from s3gate.policy.model import Policy, Rule
from s3gate.policy.preset import REACHED_BY, preset_rows
from s3gate.s3.access_point import access_point_of, parse_access_point
from s3gate.s3.bucket import is_directory_bucket_name
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.partitions import PARTITIONS

_SERVICES: Final = ("s3", "s3-fips")


@dataclass(frozen=True, slots=True)
class ListedName:
    """One line of the list.

    Args:
        name: exact host name.
        rule: id of the rule it comes from, or `preset:` and its name; None for a listed service.
    """

    name: str
    rule: str | None


def squid_names(policy: Policy, choice: Choice) -> list[ListedName]:
    """Every name that the policy opens without looking inside the tunnel, each once, in file order.

    Args:
        policy: the whole policy.
        choice: which of its rules; a region leaves out names of others.
    """
    found: dict[str, ListedName] = {}
    for rule in policy.rules:
        if choice.client is not None and rule.clients and choice.client not in rule.clients:
            continue
        for name in _names(policy, rule):
            if _is_open(policy, rule, name, choice.region):
                found.setdefault(name, ListedName(name, rule.id))
    for row in preset_rows(policy):
        for service, dualstack in product(_SERVICES, ("", ".dualstack")):
            suffix = PARTITIONS[row.partition].dns_suffix
            name = f"{row.bucket}.{service}{dualstack}.{row.region}.{suffix}"
            endpoint = classify_host(HostName(name))
            listed = isinstance(endpoint, Endpoint) and endpoint.needs <= policy.classes & REACHED_BY
            if listed and choice.region in {None, row.region}:
                found.setdefault(name, ListedName(name, f"preset:{row.preset}"))
    for host in policy.hosts:
        found.setdefault(host, ListedName(host, None))
    return list(found.values())


def _names(policy: Policy, rule: Rule) -> Iterator[str]:
    """Every spelling that might name what the rule lists; which of them are open is asked afterwards."""
    if rule.fqdn is not None:
        yield rule.fqdn
        return
    arn = rule.access_point or rule.mrap
    if arn is not None:
        yield from _point_names(arn)
        return
    suffix = PARTITIONS[rule.partition].dns_suffix
    for region in sorted(rule.regions or policy.regions):
        for service, dualstack in product(_SERVICES, ("", ".dualstack")):
            yield f"{rule.bucket}.{service}{dualstack}.{region}.{suffix}"
        yield f"{rule.bucket}.s3-{region}.{suffix}"
        zone = (rule.bucket or "").removesuffix("--x-s3").rpartition("--")[2]
        for service, dualstack in product(("s3express", "s3express-fips"), ("", ".dualstack")):
            yield f"{rule.bucket}.{service}-{zone}{dualstack}.{region}.{suffix}"
        for website in (f"s3-website-{region}", f"s3-website.{region}"):
            yield f"{rule.bucket}.{website}.{suffix}"
    for regionless in ("s3", "s3-external-1", "s3-accelerate", "s3-accelerate.dualstack"):
        yield f"{rule.bucket}.{regionless}.{suffix}"


def _point_names(arn: str) -> Iterator[str]:
    point = parse_access_point(arn)
    if point is None:
        return
    yield point.host
    for service in ("s3-accesspoint", "s3-object-lambda", "s3-outposts"):
        for variant in (f"{service}-fips", f"{service}.dualstack", f"{service}-fips.dualstack"):
            yield point.host.replace(f".{service}.", f".{variant}.")


def _is_open(policy: Policy, rule: Rule, name: str, region: str | None) -> bool:
    """Whether the gate reads the name as what the rule lists, at an endpoint that is open."""
    endpoint = classify_host(HostName(name))
    if not isinstance(endpoint, Endpoint) or endpoint.needs - policy.classes:
        return False
    if endpoint.partition != rule.partition or endpoint.partition not in policy.partitions:
        return False
    if endpoint.region is not None and endpoint.region not in (rule.regions or policy.regions):
        return False
    if region is not None and endpoint.region not in {None, region}:
        return False
    point = access_point_of(endpoint)
    if rule.bucket is not None:
        zonal = is_directory_bucket_name(rule.bucket)
        return endpoint.label == rule.bucket and zonal == (EndpointClass.EXPRESS in endpoint.needs)
    if rule.mrap is not None:
        return point is not None and point.multi_region
    return rule.access_point is None or (point is not None and point.arn == rule.access_point)

"""Access points: the one ARN that a host names, and the ARNs that a policy may write.

The normal case: `finance-111122223333.s3-accesspoint.eu-west-1.amazonaws.com` is
`arn:aws:s3:eu-west-1:111122223333:accesspoint/finance`. Object Lambda and Outposts
access points have services of their own; a multi-region access point has an alias in
its host and neither region nor account. Aliases of other access points tell no ARN.
"""

import re
from dataclasses import dataclass
from typing import Final

from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.partitions import PARTITIONS

# AWS, "Access points naming rules, restrictions, and limitations": 3 to 50 of a-z 0-9 -, not at an end.
_NAME: Final = r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]"
# AWS, "Making requests through an access point", "… Object Lambda …", "… S3 on Outposts …", "Multi-Region …":
# arn:P:s3:R:A:accesspoint/N, arn:P:s3-object-lambda:R:A:accesspoint/N,
# arn:P:s3-outposts:R:A:outpost/O/accesspoint/N, arn:P:s3::A:accesspoint/X.mrap
_ARN: Final = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):(?P<service>s3|s3-object-lambda|s3-outposts):"
    r"(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):"
    rf"(?:outpost/(?P<outpost>op-[a-z0-9]+)/)?accesspoint/(?P<name>{_NAME}|[a-z0-9][a-z0-9-]*\.mrap)",
    re.ASCII,
)
# The label of a host: name "-" account, on an Outpost followed by its id.
_LABEL: Final = re.compile(r"(?P<name>.+)-(?P<account>[0-9]{12})(?:\.(?P<outpost>op-[a-z0-9]+))?", re.ASCII)

_SERVICES: Final = {
    EndpointClass.ACCESS_POINT: "s3",
    EndpointClass.OBJECT_LAMBDA: "s3-object-lambda",
    EndpointClass.OUTPOSTS: "s3-outposts",
}
"""The service in the ARN of what the label of a host of this class names."""


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """What an access point's ARN says.

    Args:
        partition: partition id.
        service: `s3`, `s3-object-lambda` or `s3-outposts`.
        region: region id, empty for a multi-region access point.
        account: twelve digits; empty where a host names a multi-region access point.
        outpost: `op-…`, on an Outpost alone.
        name: the access point's name, or the alias of a multi-region access point with its `.mrap`.
    """

    partition: str
    service: str
    region: str
    account: str
    outpost: str | None
    name: str

    @property
    def multi_region(self) -> bool:
        """Whether it is a multi-region access point."""
        return not self.region

    @property
    def arn(self) -> str:
        """The canonical ARN, `/` in the resource."""
        inner = f"outpost/{self.outpost}/" if self.outpost else ""
        start = f"arn:{self.partition}:{self.service}:{self.region}:{self.account}"
        return f"{start}:{inner}accesspoint/{self.name}"

    @property
    def host(self) -> HostName:
        """The plain host name under which clients address it, as botocore's rules build it."""
        suffix = PARTITIONS[self.partition].dns_suffix
        if self.multi_region:
            return HostName(f"{self.name}.accesspoint.s3-global.{suffix}")
        label = f"{self.name}-{self.account}"
        if self.outpost:
            return HostName(f"{label}.{self.outpost}.s3-outposts.{self.region}.{suffix}")
        service = "s3-accesspoint" if self.service == "s3" else self.service
        return HostName(f"{label}.{service}.{self.region}.{suffix}")


def access_point_of(endpoint: Endpoint) -> AccessPoint | None:
    """The access point that a host names, or None when it names none, or only an alias.

    Args:
        endpoint: what the host was read as.
    """
    label = endpoint.label
    if label is None:
        return None
    if EndpointClass.MRAP in endpoint.needs:
        return AccessPoint(endpoint.partition, "s3", "", "", None, label)
    service = next((name for kind, name in _SERVICES.items() if kind in endpoint.needs), None)
    parts = _LABEL.fullmatch(label)
    if service is None or parts is None or endpoint.region is None:
        return None
    outpost = parts["outpost"]
    if (outpost is not None) != (service == "s3-outposts"):
        return None
    return AccessPoint(endpoint.partition, service, endpoint.region, parts["account"], outpost, parts["name"])


def parse_access_point(arn: str) -> AccessPoint | None:
    """The access point of a canonical ARN, or None when the text is none.

    Args:
        arn: as written, whole; its parts must fit together, and a host must be able to name it.
    """
    parts = _ARN.fullmatch(arn)
    if parts is None or parts["partition"] not in PARTITIONS:
        return None
    point = AccessPoint(**parts.groupdict())
    if point.multi_region != point.name.endswith(".mrap") or (point.multi_region and point.service != "s3"):
        return None
    return point if _reads_back(point) else None


def _reads_back(point: AccessPoint) -> bool:
    """Whether its host, read as any host is, names it again; a multi-region one without its account."""
    endpoint = classify_host(point.host)
    found = access_point_of(endpoint) if isinstance(endpoint, Endpoint) else None
    if found is None or point.name.endswith(("-s3alias", "--ol-s3", "--op-s3", "--xa-s3")):
        return False
    return found.name == point.name and found.arn.replace(":::", f"::{point.account}:") == point.arn

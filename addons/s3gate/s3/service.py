"""The labels by which S3's hosts name their service, and what each allows beside itself.

The normal case: `s3` before a region, with any bucket on its left. The rows follow
botocore's endpoint rule sets (a test instantiates every rule of the installed ones and
reads it back) and, where marked, AWS's documents for names botocore no longer makes.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EndpointClass(StrEnum):
    """The kinds of S3 host names, spelled as in the policy file."""

    STANDARD = "standard"
    DUALSTACK = "dualstack"
    FIPS = "fips"
    ACCELERATE = "accelerate"
    WEBSITE = "website"
    ACCESS_POINT = "access-point"
    MRAP = "mrap"
    EXPRESS = "express"
    VPCE = "vpce"
    OBJECT_LAMBDA = "object-lambda"
    OUTPOSTS = "outposts"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Service:
    """What a service label means.

    Args:
        endpoint_class: the class that is reported.
        fips: its cryptography is FIPS validated.
        dualstack: `dualstack` may stand between it and the region.
        root: the name without anything on the left is an endpoint of its own.
        label: what may stand on the left; None when nothing may.
    """

    endpoint_class: EndpointClass
    fips: bool
    dualstack: bool
    root: bool
    label: re.Pattern[str] | None


# Any canonical labels: the bucket slot takes dots, and what is no bucket name is on no list.
ANY_LABEL: Final = re.compile(r"[a-z0-9.-]+", re.ASCII)
# A bucket without dots: S3 Transfer Acceleration refuses the others
# (AWS, "Configuring fast, secure file transfers using Amazon S3 Transfer Acceleration").
ONE_LABEL: Final = re.compile(r"[a-z0-9-]+", re.ASCII)
# name "-" account: the account is the last 12 digits, the name may itself end in 12
# (AWS, "Access points naming rules, restrictions, and limitations"; its lengths are left to S3).
_ACCESS_POINT: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]{12}"
ACCESS_POINT_LABEL: Final = re.compile(_ACCESS_POINT, re.ASCII)
# `name-account.op-id`, or an access point alias, which ends in `--op-s3`, on an Outpost or on `ec2`.
OUTPOSTS_LABEL: Final = re.compile(
    rf"{_ACCESS_POINT}\.op-[a-z0-9]+|[a-z0-9-]+--op-s3\.(?:op-[a-z0-9]+|ec2)", re.ASCII
)
ACCOUNT_LABEL: Final = re.compile(r"[0-9]{12}", re.ASCII)
# The alias S3 gives to a multi-region access point, with its own `.mrap`.
MRAP_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.mrap", re.ASCII)
# A directory bucket or its access point: base name, zone, `x-s3` or `xa-s3`
# (AWS, "Directory bucket naming rules"). The zone must be that of the host.
EXPRESS_LABEL: Final = re.compile(r"[a-z0-9-]+--(?P<zone>[a-z0-9-]+)--xa?-s3", re.ASCII)
# Availability Zone and Local Zone ids: `use1-az4`, `usw2-lax1-az1`.
ZONE: Final = r"[a-z0-9]+(?:-[a-z0-9]+){0,2}-az[0-9]+"
ZONAL_SERVICE: Final = re.compile(rf"s3express(?P<fips>-fips)?-(?P<zone>{ZONE})", re.ASCII)
# `vpce-` hex, a random part and, for a zonal name, the zone (AWS, "AWS PrivateLink for Amazon S3").
VPCE_LABEL: Final = re.compile(r"(?P<id>vpce-[0-9a-f]+)-[a-z0-9]+(?:-[a-z0-9-]+)?", re.ASCII)


def _both(
    name: str, kind: EndpointClass, *, dualstack: bool, root: bool, label: re.Pattern[str] | None
) -> dict[str, Service]:
    """The rows of a service with and without FIPS."""
    plain = Service(kind, False, dualstack, root, label)
    return {name: plain, f"{name}-fips": Service(kind, True, dualstack, root, label)}


SERVICES: Final[dict[str, Service]] = {
    "s3": Service(EndpointClass.STANDARD, False, True, True, ANY_LABEL),
    "s3-fips": Service(EndpointClass.FIPS, True, True, True, ANY_LABEL),
    # AWS, "Website endpoints": no rule of botocore's makes them, and there is no root.
    "s3-website": Service(EndpointClass.WEBSITE, False, False, False, ANY_LABEL),
    **_both(
        "s3-accesspoint", EndpointClass.ACCESS_POINT, dualstack=True, root=False, label=ACCESS_POINT_LABEL
    ),
    # One label: an access point with its account, or the route of a WriteGetObjectResponse.
    **_both("s3-object-lambda", EndpointClass.OBJECT_LAMBDA, dualstack=False, root=True, label=ONE_LABEL),
    **_both("s3-control", EndpointClass.CONTROL, dualstack=True, root=True, label=ACCOUNT_LABEL),
    **_both("s3express-control", EndpointClass.EXPRESS, dualstack=True, root=True, label=None),
    "s3-outposts": Service(EndpointClass.OUTPOSTS, False, False, True, OUTPOSTS_LABEL),
    "s3-outposts-fips": Service(EndpointClass.OUTPOSTS, True, False, True, None),
}
"""Service labels that stand before a region under a dnsSuffix."""

ACCELERATE: Final = Service(EndpointClass.ACCELERATE, False, True, False, ONE_LABEL)
MRAP: Final = Service(EndpointClass.MRAP, False, False, False, MRAP_LABEL)

# Under a dualStackDnsSuffix botocore's rules make these alone.
DUAL_STACK_SERVICES: Final[dict[str, Service]] = _both(
    "s3-outposts", EndpointClass.OUTPOSTS, dualstack=True, root=True, label=None
)

# The parts of an interface endpoint for S3 (AWS, "AWS PrivateLink for Amazon S3").
INTERFACES: Final[dict[str, Service]] = {
    "bucket": SERVICES["s3"],
    "accesspoint": SERVICES["s3-accesspoint"],
    "control": SERVICES["s3-control"],
}

OTHER_SERVICES: Final[dict[str, str]] = {
    f"{label}{fips}": name
    for label, name in (("s3tables", "S3 Tables"), ("s3vectors", "S3 Vectors"), ("s3files", "S3 Files"))
    for fips in ("", "-fips")
}
"""Services beside S3 that carry data and have hosts of their own."""

CUSTOMER_LABELS: Final = frozenset(
    {"appsync-api", "compute", "compute-1", "elb", "execute-api", "lambda-url", "vpce"}
)
"""Labels under which names belong to customers: whoever registers one decides what answers."""

CUSTOMER_SUFFIXES: Final = {"on.aws": "aws", "on.amazonwebservices.com.cn": "aws-cn"}
"""AWS suffixes that hold nothing but customers' names, with the partition (AWS Lambda, "Function URLs")."""

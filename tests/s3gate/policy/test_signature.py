"""Scope, service and version of a signature, class of endpoint by class."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.signature import Named, signature_problem, signing_service
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TEXT = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1, us-east-1], classes: [standard]}\n"
V2, V4, V4A, EXPRESS = (
    SignatureVersion.V2,
    SignatureVersion.V4,
    SignatureVersion.V4A,
    SignatureVersion.EXPRESS,
)
A = "111122223333"

HOSTS = {
    "standard": "bkt.s3.eu-west-1.amazonaws.com",
    "global": "bkt.s3.amazonaws.com",
    "accelerate": "bkt.s3-accelerate.amazonaws.com",
    "access point": f"app-{A}.s3-accesspoint.eu-west-1.amazonaws.com",
    "fips access point": f"app-{A}.s3-accesspoint-fips.eu-west-1.amazonaws.com",
    "vpce access point": f"app-{A}.accesspoint.vpce-0a1b-c2d3.s3.eu-west-1.vpce.amazonaws.com",
    "multi-region": "abc.mrap.accesspoint.s3-global.amazonaws.com",
    "object lambda": f"app-{A}.s3-object-lambda.eu-west-1.amazonaws.com",
    "outposts": f"app-{A}.op-01.s3-outposts.eu-west-1.amazonaws.com",
    "express": "bkt--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com",
    "express control": "s3express-control.eu-west-1.amazonaws.com",
    "website": "bkt.s3-website.eu-west-1.amazonaws.com",
    "sts": "sts.eu-west-1.amazonaws.com",
}


def named(host: str) -> Named:
    return classify_host(HostName(HOSTS[host]))


def problem(host: str, credential: Credential | None, extra: str = "") -> Reason | None:
    found = signature_problem(parse_policy((TEXT + extra).encode()), NOW, named(host), credential, False)
    return None if found is None else found[0]


def signed(
    version: SignatureVersion = V4, service: str = "s3", region: str | None = "eu-west-1", *regions: str
) -> Credential:
    scope = None if version in {V2, V4A} else region
    return Credential(version, False, "AKIAX", None, region=scope, region_set=regions, service=service)


FITTING = [
    ("standard", signed()),
    ("standard", signed(V4A, "s3", None, "eu-west-1")),
    ("standard", signed(V4A, "s3", None, "eu-west-1", "us-east-1")),
    ("global", signed()),
    ("global", signed(region="us-east-1")),
    ("global", signed(V4A, "s3", None, "eu-west-1")),
    ("accelerate", signed()),
    ("access point", signed()),
    ("fips access point", signed()),
    ("vpce access point", signed()),
    ("multi-region", signed(V4A, "s3", None, "*")),
    ("multi-region", signed(V4A, "s3", None, "us-east-1")),
    ("multi-region", signed(region="us-east-1")),
    ("object lambda", signed(service="s3-object-lambda")),
    ("outposts", signed(service="s3-outposts")),
    ("outposts", signed(V4A, "s3-outposts", None, "*")),
    ("express", signed(service="s3express")),
    ("express", signed(EXPRESS, "s3express")),
    ("express control", signed(service="s3express")),
]
WRONG = [
    ("another region", "standard", signed(region="us-east-1")),
    ("another service", "standard", signed(service="s3express")),
    ("every region", "standard", signed(V4A, "s3", None, "*")),
    ("every region of a global name", "global", signed(V4A, "s3", None, "*")),
    ("a closed region", "standard", signed(V4A, "s3", None, "eu-west-1", "us-west-2")),
    ("a set without the endpoint's region", "standard", signed(V4A, "s3", None, "us-east-1")),
    ("no set", "standard", signed(V4A, "s3", None)),
    ("a session at a standard name", "standard", signed(EXPRESS, "s3express")),
    ("a session at the control name", "express control", signed(EXPRESS, "s3express")),
    ("a closed region on a global name", "global", signed(region="us-west-2")),
    ("a closed region on accelerate", "accelerate", signed(region="us-west-2")),
    ("every region and one", "multi-region", signed(V4A, "s3", None, "*", "us-east-1")),
    ("a closed region on a multi-region name", "multi-region", signed(V4A, "s3", None, "us-west-2")),
    ("s3 on object lambda", "object lambda", signed()),
    ("s3 on outposts", "outposts", signed()),
    ("s3 on express", "express", signed()),
    ("object lambda on an access point", "access point", signed(service="s3-object-lambda")),
]


@pytest.mark.parametrize(("host", "credential"), FITTING)
def test_what_clients_sign_fits(host: str, credential: Credential) -> None:
    assert problem(host, credential) is None


@pytest.mark.parametrize(("host", "credential"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_another_scope_does_not(host: str, credential: Credential) -> None:
    assert problem(host, credential) is Reason.CREDENTIAL_SCOPE_MISMATCH


def test_version_2_is_for_buckets_and_listed_services_alone() -> None:
    for host in HOSTS:
        fits = host in {"standard", "global", "accelerate", "sts"}
        found = problem(host, signed(V2), "sigv2: allow\n")
        assert (found is None) is fits, host
        assert problem(host, signed(V2)) is not None
    old = Credential(V2, True, "AKIAX", None, expires_at=NOW)
    assert problem("standard", old, "sigv2: allow\n") is Reason.CREDENTIAL_EXPIRED


def test_a_website_takes_no_signature() -> None:
    assert problem("website", signed(), "unsigned: allow\n") is Reason.UNSIGNED_REQUEST
    assert problem("website", None, "unsigned: allow\n") is None
    assert problem("website", None) is Reason.UNSIGNED_REQUEST


def test_age_and_cover() -> None:
    assert (
        problem("standard", Credential(V4, True, "AKIAX", None, expires_at=NOW)) is Reason.CREDENTIAL_EXPIRED
    )
    bare = Credential(V4, False, "AKIAX", None, region="eu-west-1", service="s3", uncovered="x-amz-acl")
    assert problem("standard", bare) is Reason.UNSIGNED_REQUEST


def test_a_listed_service_has_a_scope_of_its_own() -> None:
    assert problem("sts", signed(service="sts", region="moon")) is None


def test_the_service_follows_the_class() -> None:
    names = {host: signing_service(place) for host in HOSTS if isinstance(place := named(host), Endpoint)}
    assert names["express control"] == "s3express"
    assert {names[one] for one in ("standard", "vpce access point", "multi-region")} == {"s3"}

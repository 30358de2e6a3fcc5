"""Which AWS services can be reached at all, and for whom."""

from collections.abc import Iterator
from typing import Final

from guard.deployment import Deployment, statements
from guard.finding import Finding, finding
from guard.template import ACCOUNT, REGION, Made

NEEDED: Final = {"s3", "logs", "monitoring", "kms", "ssm", "ssmmessages"}
OPTIONAL: Final = {"s3", "secretsmanager"}  # as interface endpoints


def service_of(made: Made) -> str:
    """The service that an endpoint is for, such as `logs`."""
    return str(made.properties["ServiceName"]).removeprefix(f"com.amazonaws.{REGION}.")


def endpoints_are_the_needed_ones(deployment: Deployment) -> Iterator[Finding]:
    """S3 by the gateway, the others by interface endpoints with private names, in the endpoints' group."""
    found: dict[str, str] = {}
    for made in deployment.of("AWS::EC2::VPCEndpoint"):
        service, kind = service_of(made), made.properties["VpcEndpointType"]
        if kind == "Gateway":
            found[service] = made.name
            tables = made.properties.get("RouteTableIds", [])
            if not tables:
                yield finding(made, "no route table: nothing goes through it")
            continue
        if not (service == "s3" and kind == "Interface"):
            found[service] = made.name
        if service not in (NEEDED | OPTIONAL):
            yield finding(made, f"nothing of the gate needs {service}")
        if made.properties.get("PrivateDnsEnabled") is not True:
            yield finding(made, "its names resolve to public addresses")
        if made.properties.get("SecurityGroupIds") != ["EndpointSecurityGroup"]:
            yield finding(made, "not in the endpoints' security group")
    for service in sorted(NEEDED - set(found)):
        yield Finding("endpoints.yaml", service, "no endpoint: the gate cannot reach it")


def endpoints_admit_the_own_account(deployment: Deployment) -> Iterator[Finding]:
    """Each endpoint has a policy, and each of its statements names the own account.

    Keys of a foreign account, used inside, would carry data out into that account. S3's own policy is rendered from
    the list and judged by the questions.
    """
    for made in deployment.of("AWS::EC2::VPCEndpoint"):
        policy = made.properties.get("PolicyDocument")
        if not policy:
            yield finding(made, "no policy: everybody may do everything")
            continue
        for statement in statements(policy):
            if service_of(made) == "s3" or statement["Effect"] == "Deny":
                continue
            equal = statement.get("Condition", {}).get("StringEquals", {})
            if equal.get("aws:PrincipalAccount") != ACCOUNT:
                yield finding(made, f"{statement.get('Sid')}: keys of other accounts may be used")

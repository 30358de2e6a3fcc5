"""Where packets may go: no way to the internet, and security groups that admit exactly whom they should."""

from collections.abc import Iterator
from typing import Final

from drive.templates import Json
from guard.deployment import Deployment
from guard.finding import Finding, finding
from guard.template import Made

INTERNET: Final = {
    "AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP", "AWS::EC2::EIPAssociation",
    "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::CarrierGateway", "AWS::EC2::VPCPeeringConnection",
}  # fmt: skip
EVERYWHERE: Final = {"0.0.0.0/0", "::/0"}
PEERS: Final = (
    "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourcePrefixListId", "DestinationSecurityGroupId",
    "DestinationPrefixListId",
)  # fmt: skip
Opening = tuple[str, int, int, str]  # protocol, first and last port, the other end


def no_way_to_the_internet(deployment: Deployment) -> Iterator[Finding]:
    """No gateway and no default route."""
    for made in deployment.all():
        if made.kind in INTERNET:
            yield finding(made, f"{made.kind} leads to the internet")
    for made in deployment.of("AWS::EC2::Route"):
        ends = {made.properties.get("DestinationCidrBlock"), made.properties.get("DestinationIpv6CidrBlock")}
        if ends & EVERYWHERE:
            yield finding(made, "a default route")
        if "GatewayId" in made.properties or "NatGatewayId" in made.properties:
            yield finding(made, "a route to a gateway of the internet")


def no_public_address(deployment: Deployment) -> Iterator[Finding]:
    """Neither instances nor the load balancer have an address that the internet can reach."""
    for made in deployment.of("AWS::EC2::Subnet"):
        if made.properties.get("MapPublicIpOnLaunch") is not False:
            yield finding(made, "gives public addresses")
    for made in deployment.of("AWS::EC2::LaunchTemplate"):
        for card in made.properties["LaunchTemplateData"].get("NetworkInterfaces", []):
            if card.get("AssociatePublicIpAddress") is not False:
                yield finding(made, "may give a public address")
    for made in deployment.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if made.properties.get("Scheme") != "internal":
            yield finding(made, "the load balancer is not internal")


def private_names_resolve(deployment: Deployment) -> Iterator[Finding]:
    """The endpoints' private names need both switches of the VPC."""
    for made in deployment.of("AWS::EC2::VPC"):
        for switch in ("EnableDnsSupport", "EnableDnsHostnames"):
            if made.properties.get(switch) is not True:
                yield finding(made, f"{switch} is not on")


def several_zones(deployment: Deployment) -> Iterator[Finding]:
    """Load balancer, instances and interface endpoints lie in two zones or more."""
    zone_of = {made.name: made.properties["AvailabilityZone"] for made in deployment.of("AWS::EC2::Subnet")}
    for made in deployment.all():
        subnets = _subnets(made)
        if subnets is None:
            continue
        zones = {zone_of[subnet] for subnet in subnets}
        if len(zones) < 2 or len(zones) != len(subnets):
            yield finding(made, f"in {len(subnets)} subnets of {len(zones)} zones")
    for made in deployment.of("AWS::AutoScaling::AutoScalingGroup"):
        if int(made.properties["MinSize"]) < 2:
            yield finding(made, "one instance is enough for it")


def _subnets(made: Made) -> list[str] | None:
    if made.kind == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        return list(made.properties.get("Subnets", []))
    if made.kind == "AWS::AutoScaling::AutoScalingGroup":
        return list(made.properties.get("VPCZoneIdentifier", []))
    if made.kind == "AWS::EC2::VPCEndpoint" and made.properties["VpcEndpointType"] == "Interface":
        return list(made.properties.get("SubnetIds", []))
    return list(made.properties["SubnetIds"]) if made.kind == "AWS::EC2::TransitGatewayAttachment" else None


def subnets_have_one_use(deployment: Deployment) -> Iterator[Finding]:
    """The load balancer's and the attachment's subnets hold nothing else; only the instances' have the route to S3.

    Whoever has an address in the load balancer's subnets could write the PROXY header that the gate believes.
    """
    uses: dict[str, set[str]] = {}
    for made in deployment.all():
        kind = (
            "inside"
            if made.kind in {"AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::VPCEndpoint"}
            else made.kind
        )
        for subnet in _subnets(made) or []:
            uses.setdefault(subnet, set()).add(kind)
    table_of = {
        made.properties["SubnetId"]: made.properties["RouteTableId"]
        for made in deployment.of("AWS::EC2::SubnetRouteTableAssociation")
    }
    tables = {
        table
        for made in deployment.of("AWS::EC2::VPCEndpoint")
        if made.properties["VpcEndpointType"] == "Gateway"
        for table in made.properties.get("RouteTableIds", [])
    }
    for made in deployment.of("AWS::EC2::Subnet"):
        use = uses.get(made.name, set())
        if len(use) != 1:
            yield finding(made, f"is used by {sorted(use)}")
        if (table_of.get(made.name) in tables) != (use == {"inside"}):
            yield finding(made, "has the route to S3 without being the gate's, or lacks it")


def _openings(rules: list[Json]) -> set[Opening]:
    found = set()
    for rule in rules:
        (end,) = (str(rule[key]) for key in PEERS if key in rule)
        found.add((str(rule["IpProtocol"]), int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1)), end))
    return found


def groups_admit_whom_they_should(deployment: Deployment) -> Iterator[Finding]:
    """Clients to the load balancer, the load balancer to the gate, the gate to S3 and the endpoints: nothing else."""
    ranges = {str(deployment.outputs["VpcCidr"])}
    premises = {
        str(deployment.given[f"OnPremisesCidr{n}"])
        for n in (1, 2, 3)
        if deployment.given.get(f"OnPremisesCidr{n}")
    }
    vpc = str(deployment.outputs["VpcCidr"])
    port = int(str(deployment.given.get("ProxyPort", 8080)))
    nothing = {("icmp", -1, -1, "127.0.0.1/32")}
    wanted: dict[str, tuple[set[Opening], set[Opening]]] = {
        "LoadBalancerSecurityGroup": (
            {("tcp", port, port, one) for one in ranges | premises},
            {("tcp", 8080, 8080, vpc), ("tcp", 9091, 9091, vpc)},
        ),
        "InstanceSecurityGroup": (
            {("tcp", one, one, "LoadBalancerSecurityGroup") for one in (8080, 9091)},
            {("tcp", 443, 443, str(deployment.given["S3PrefixListId"])), ("tcp", 443, 443, "EndpointSecurityGroup")},
        ),
        "EndpointSecurityGroup": ({("tcp", 443, 443, one) for one in ranges | premises}, nothing),
        "ResolverSecurityGroup": ({(kind, 53, 53, one) for kind in ("tcp", "udp") for one in premises}, nothing),
    }  # fmt: skip
    for made in deployment.of("AWS::EC2::SecurityGroup"):
        if made.name not in wanted:
            yield finding(made, "a security group that no rule knows")
            continue
        for way, key, expected in zip(
            ("in", "out"), ("SecurityGroupIngress", "SecurityGroupEgress"), wanted[made.name], strict=True
        ):
            found = _openings(made.properties.get(key, []))
            for one in sorted(found - expected):
                yield finding(made, f"{way}: {one} is open")
            for one in sorted(expected - found):
                yield finding(made, f"{way}: {one} is missing")
    for made in deployment.of("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        yield finding(made, "rules stand in their group, where all are seen at once")


def the_trusted_ranges_are_the_load_balancers(deployment: Deployment) -> Iterator[Finding]:
    """The ranges from which the gate believes a PROXY header are those of the load balancer's subnets, no more."""
    range_of = {made.name: made.properties["CidrBlock"] for made in deployment.of("AWS::EC2::Subnet")}
    for made in deployment.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        own = [range_of[subnet] for subnet in made.properties.get("Subnets", [])]
        trusted = str(deployment.outputs["LoadBalancerCidrs"]).split(",")
        if trusted != own:
            yield finding(made, f"lies in {own}, and the gate believes {trusted}")

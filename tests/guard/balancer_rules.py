"""How clients reach an instance, and how one ends without breaking a transfer."""

import json
import re
from collections.abc import Iterator
from typing import Final

from guard.deployment import Deployment
from guard.finding import Finding, finding
from guard.template import Made, arn_of

# botocore's elbv2 model, the attributes of TargetGroupAttribute, LoadBalancerAttribute and ListenerAttribute that
# a network load balancer has: AWS refuses another key, cfn-lint does not.
KNOWN: Final = {
    "AWS::ElasticLoadBalancingV2::TargetGroup": {
        "deregistration_delay.timeout_seconds", "deregistration_delay.connection_termination.enabled",
        "preserve_client_ip.enabled", "proxy_protocol_v2.enabled", "stickiness.enabled", "stickiness.type",
        "load_balancing.cross_zone.enabled", "target_failover.on_deregistration", "target_failover.on_unhealthy",
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
    },
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "load_balancing.cross_zone.enabled", "deletion_protection.enabled", "dns_record.client_routing_policy",
        "zonal_shift.config.enabled", "access_logs.s3.enabled", "access_logs.s3.bucket", "access_logs.s3.prefix",
    },
    "AWS::ElasticLoadBalancingV2::Listener": {"tcp.idle_timeout.seconds"},
}  # fmt: skip
GATE_PORT: Final = 8080
HEALTH_PORT: Final = "9091"
# The gate says 503 on /readyz for at most this long before it stops listening (s), and then waits for transfers (s).
NOTICE_S: Final = 45
TRANSFERS_S: Final = 60
# New connections go on for so long after a target is unhealthy (s; aws/containers-roadmap issue 470).
ROUTED_ON_S: Final = 35


def attributes(made: Made) -> dict[str, str]:
    """The attributes of a load balancer, target group or listener."""
    listed: list[dict[str, object]] = next(
        (made.properties[key] for key in made.properties if key.endswith("Attributes")), []
    )
    return {str(one["Key"]): str(one["Value"]) for one in listed}


def attributes_are_known(deployment: Deployment) -> Iterator[Finding]:
    """Every attribute is one that exists."""
    for made in deployment.of(*KNOWN):
        for key in sorted(set(attributes(made)) - KNOWN[made.kind]):
            yield finding(made, f"AWS knows no attribute {key}")


def one_source_of_the_client_address(deployment: Deployment) -> Iterator[Finding]:
    """Client addresses are preserved, or told by PROXY v2: both written out, never both on, never both off.

    With both the peer of a connection is the client, whose own header the gate would believe.
    """
    for made in deployment.of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        found = [
            attributes(made).get(f"{name}.enabled") for name in ("preserve_client_ip", "proxy_protocol_v2")
        ]
        if sorted(map(str, found)) != ["false", "true"]:
            yield finding(made, f"preserve_client_ip is {found[0]}, proxy_protocol_v2 is {found[1]}")
        told = "v2" if found[1] == "true" else "off"
        for template in deployment.of("AWS::EC2::LaunchTemplate"):
            data = template.properties["LaunchTemplateData"]["UserData"]
            said = dict(re.findall(r"(?m)^S3GATE_LISTEN__(\w+)='?([^'\n]*)'?$", data))
            if said.get("PROXY_PROTOCOL") != told:
                yield finding(template, f"the gate is not told that PROXY protocol is {told}")
            trusted = str(deployment.outputs["LoadBalancerCidrs"]).split(",") if told == "v2" else []
            if json.loads(said.get("TRUSTED_PROXIES", "null")) != trusted:
                yield finding(template, f"the gate does not trust exactly {trusted}")


def drains(deployment: Deployment) -> Iterator[Finding]:
    """An instance that leaves or turns unhealthy keeps its connections until they are done.

    The load balancer would reset those of an unhealthy target by default, and a drain begins with 503.
    """
    for made in deployment.of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        found = attributes(made)
        for key in ("deregistration_delay", "target_health_state.unhealthy"):
            if found.get(f"{key}.connection_termination.enabled") != "false":
                yield finding(made, f"{key}: connections are reset")
        for key in (
            "deregistration_delay.timeout_seconds", "target_health_state.unhealthy.draining_interval_seconds",
        ):  # fmt: skip
            if int(found.get(key, "0")) < NOTICE_S + TRANSFERS_S:
                yield finding(made, f"{key} is {found.get(key)}: shorter than a drain of the gate")
    for made in deployment.of("AWS::AutoScaling::AutoScalingGroup"):
        if "Listener" not in str(made.whole.get("DependsOn")):
            yield finding(made, "made before the listener: a target group without one is not drained")


def health_is_asked_where_it_is_told(deployment: Deployment) -> Iterator[Finding]:
    """GET /readyz on port 9091, often enough that a drain is noticed in the 45 s that the gate waits."""
    wanted = {"HealthCheckProtocol": "HTTP", "HealthCheckPort": HEALTH_PORT, "HealthCheckPath": "/readyz", "Port": GATE_PORT, "Protocol": "TCP", "Matcher": {"HttpCode": "200"}}  # fmt: skip
    for made in deployment.of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        for key, value in wanted.items():
            if made.properties.get(key) != value:
                yield finding(made, f"{key} is {made.properties.get(key)}, not {value}")
        interval = int(made.properties.get("HealthCheckIntervalSeconds", 30))
        noticed = interval * int(made.properties.get("UnhealthyThresholdCount", 2))
        if noticed + ROUTED_ON_S > NOTICE_S:
            yield finding(made, f"unhealthy after {noticed} s: clients would still come when the gate stops")


def clients_reach_every_instance(deployment: Deployment) -> Iterator[Finding]:
    """An internal network load balancer, over all zones, with its security group."""
    for made in deployment.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if made.properties.get("Type") != "network":
            yield finding(made, "not a network load balancer")
        if attributes(made).get("load_balancing.cross_zone.enabled") != "true":
            yield finding(made, "a zone whose instance is gone refuses its clients: cross-zone is off")
        if made.properties.get("SecurityGroups") != ["LoadBalancerSecurityGroup"]:
            yield finding(made, "without its security group, which cannot be given later")
        if made.properties.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic") != "on":
            yield finding(made, "what comes by PrivateLink passes its group by")
        if attributes(made).get("deletion_protection.enabled") != "true":
            yield finding(made, "may be deleted")


def the_listener_forwards_to_the_gate(deployment: Deployment) -> Iterator[Finding]:
    """What is listened to goes to the group of instances, and stays while the gate keeps it."""
    (target,) = deployment.of("AWS::ElasticLoadBalancingV2::TargetGroup")
    for made in deployment.of("AWS::ElasticLoadBalancingV2::Listener"):
        actions = made.properties.get("DefaultActions", [])
        if [one.get("TargetGroupArn") for one in actions] != [arn_of(target)]:
            yield finding(made, "does not forward to the gate")
        if int(attributes(made).get("tcp.idle_timeout.seconds", "0")) < 350:
            yield finding(made, "forgets a silent connection before the gate does")
        if made.properties.get("Protocol") != "TCP":
            yield finding(made, "not TCP")
    for made in deployment.of("AWS::AutoScaling::AutoScalingGroup"):
        if made.properties.get("TargetGroupARNs") != [arn_of(target)]:
            yield finding(made, "its instances are not behind the load balancer")

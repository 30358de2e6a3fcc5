"""What the templates would make, under the parameters of development and production, beside what linters see.

Each rule reads resolved resources: conditions decided, references to parameters filled in.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drive.templates import DIRECTORY, PSEUDO, Json, read_template, resolve
from instance.publish_metrics import AUDIT_LAG, CA_END, NAMESPACE, POLICY_AGE, pick_numbers
from s3gate.alarms.pattern_reader import parse_pattern
from s3gate.aws.export.logs_policy import logs_grants

ROOT = Path(__file__).parents[3]
PARAMS = ROOT / "deploy" / "params"
ENVIRONMENTS = {name: json.loads((PARAMS / f"{name}.json").read_text()) for name in ("dev", "prod")}
NAMES = ("network", "endpoints", "security", "archive", "observability", "alarms", "proxy", "hosts")
TEMPLATES = {name: read_template(name) for name in NAMES}
EVERYTHING_ON = {
    "Zones": "3", "S3InterfaceEndpoint": "yes", "SecretsManagerEndpoint": "yes", "ResolverEndpoint": "yes",
    "ConsolePages": "yes", "PlainHttp": "yes", "Link": "transit-gateway", "CustomerGatewayAddress": "192.0.2.1",
    "OnPremisesCidr1": "172.16.0.0/12", "OnPremisesCidr2": "192.168.0.0/16", "OnPremisesCidr3": "10.99.0.0/16",
}  # fmt: skip
WORLDS = {
    **ENVIRONMENTS,
    "everything": ENVIRONMENTS["prod"] | EVERYTHING_ON,
    "preserved": ENVIRONMENTS["dev"] | {"ClientAddress": "preserved", "Link": "vpn-gateway"},
}
WORLD = pytest.mark.parametrize("world", WORLDS)
TEMPLATE = pytest.mark.parametrize("name", NAMES)


def made(name: str, world: str = "prod") -> dict[str, Json]:
    values = WORLDS[world] | {
        "LoadBalancerCidrs": "10.20.0.0/26,10.20.0.64/26",
        "PrivateSubnetIds": "subnet-1,subnet-2",
    }
    return resolve(TEMPLATES[name], values)


def of_type(resources: dict[str, Json], kind: str) -> dict[str, Json]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def statements(node: Any) -> Iterator[Json]:
    """Every statement of every policy below a node."""
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def pairs(attributes: list[Json]) -> dict[str, str]:
    assert len({one["Key"] for one in attributes}) == len(attributes)
    return {one["Key"]: one["Value"] for one in attributes}


@TEMPLATE
def test_parameters_are_described_bounded_and_grouped(name: str) -> None:
    template = TEMPLATES[name]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(one for group in groups for one in group["Parameters"]) == sorted(template["Parameters"])
    if name != "alarms":  # generated, with a form of its own
        assert all(group["Label"]["default"].endswith("?") for group in groups)
    for parameter, one in template["Parameters"].items():
        assert one["Description"], parameter
        typed = one["Type"].startswith(("AWS::", "List<AWS::"))
        assert typed or {"AllowedPattern", "AllowedValues", "MinValue"} & set(one), (
            f"{parameter} takes anything"
        )


@TEMPLATE
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_parameter_files_are_within_the_bounds(name: str, environment: str) -> None:
    values = ENVIRONMENTS[environment]
    for parameter, one in TEMPLATES[name]["Parameters"].items():
        value = values.get(parameter)
        if value is None:
            continue
        if "AllowedPattern" in one:
            assert re.fullmatch(one["AllowedPattern"], value), parameter
        if "AllowedValues" in one:
            assert value in [str(allowed) for allowed in one["AllowedValues"]], parameter
        if "MinValue" in one:
            assert one["MinValue"] <= int(value) <= one["MaxValue"], parameter


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_parameter_has_a_value_a_default_or_an_output_before_it(environment: str) -> None:
    known = set(ENVIRONMENTS[environment])
    assert known <= {one for name in NAMES for one in TEMPLATES[name]["Parameters"]}, (
        "a name that no template has"
    )
    for name in NAMES:
        wanted = {key for key, one in TEMPLATES[name]["Parameters"].items() if "Default" not in one}
        assert wanted <= known, f"{name} lacks {sorted(wanted - known)}"
        known |= set(TEMPLATES[name].get("Outputs", {}))


def test_a_parameter_means_the_same_in_every_template() -> None:
    seen: dict[str, tuple[str, Any]] = {}
    for name in NAMES:
        for parameter, one in TEMPLATES[name]["Parameters"].items():
            if "Default" in one:
                before = seen.setdefault(parameter, (name, one["Default"]))
                assert one["Default"] == before[1], f"{parameter}: {name} and {before[0]} have other defaults"


@WORLD
def test_nothing_leads_to_the_internet(world: str) -> None:
    kinds = {one["Type"] for name in NAMES for one in made(name, world).values()}
    forbidden = {
        "AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::EIP",
    }  # fmt: skip
    assert not kinds & forbidden
    text = "".join(path.read_text() for path in DIRECTORY.glob("*.yaml"))
    assert "0.0.0.0/0" not in text
    assert "::/0" not in text
    assert made("proxy", world)["LoadBalancer"]["Properties"]["Scheme"] == "internal"


@WORLD
def test_the_network_has_three_kinds_of_subnets_and_a_route_table_for_each(world: str) -> None:
    resources = made("network", world)
    subnets = of_type(resources, "AWS::EC2::Subnet")
    zones = int(WORLDS[world].get("Zones", 2))
    transit = WORLDS[world]["Link"] == "transit-gateway"
    assert len(subnets) == zones * (3 if transit else 2)
    networks = [ipaddress.ip_network(one["CidrBlock"]) for one in subnets.values()]
    assert all(not left.overlaps(right) for left in networks for right in networks if left is not right)
    assert len({one["AvailabilityZone"] for one in subnets.values()}) == zones
    assert all(one["MapPublicIpOnLaunch"] is False for one in subnets.values())
    routes = {
        one["SubnetId"]: one["RouteTableId"]
        for one in of_type(resources, "AWS::EC2::SubnetRouteTableAssociation").values()
    }
    assert set(routes) == set(subnets)
    for subnet, table in routes.items():
        assert table == re.sub(r"Subnet[123]$", "RouteTable", subnet)


@WORLD
def test_routes_to_the_premises_follow_the_link(world: str) -> None:
    resources, values = made("network", world), WORLDS[world]
    routes = {
        (one["RouteTableId"], one["DestinationCidrBlock"])
        for one in of_type(resources, "AWS::EC2::Route").values()
    }
    ranges = [
        values[key] for key in ("OnPremisesCidr1", "OnPremisesCidr2", "OnPremisesCidr3") if values.get(key)
    ]
    tables = ("LoadBalancerRouteTable", "PrivateRouteTable")
    link = values["Link"]
    assert routes == (
        {(table, one) for table in tables for one in ranges} if link == "transit-gateway" else set()
    )
    propagated = of_type(resources, "AWS::EC2::VPNGatewayRoutePropagation")
    assert [one["RouteTableIds"] for one in propagated.values()] == (
        [list(tables)] if link == "vpn-gateway" else []
    )


def test_only_the_private_subnets_get_the_route_to_s3() -> None:
    """Traffic in transit must find none: a gateway endpoint cannot be transited, and what comes another way is refused."""
    outputs = TEMPLATES["network"]["Outputs"]
    assert outputs["PrivateRouteTableIds"]["Value"] == {"Ref": "PrivateRouteTable"}
    assert made("endpoints")["S3GatewayEndpoint"]["Properties"]["RouteTableIds"] == ["PrivateRouteTableIds"]


@WORLD
def test_every_endpoint_has_a_policy_for_the_own_account(world: str) -> None:
    endpoints = of_type(made("endpoints", world), "AWS::EC2::VPCEndpoint")
    services = sorted(one["ServiceName"].rpartition(".")[2] for one in endpoints.values())
    optional = ["s3", "secretsmanager"] if world == "everything" else []
    assert services == sorted(["kms", "logs", "monitoring", "s3", "ssm", "ssmmessages", *optional])
    for name, one in endpoints.items():
        policy = one["PolicyDocument"]
        if one["ServiceName"].endswith(".s3"):
            assert policy["Fn::Transform"]["Name"] == "AWS::Include", f"{name}: the rendered policy or none"
            continue
        assert one["PrivateDnsEnabled"] is True, name
        assert one["SecurityGroupIds"] == ["EndpointSecurityGroup"], name
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            owner = statement["Condition"]["StringEquals"]["aws:PrincipalAccount"]
            assert owner == PSEUDO["AWS::AccountId"], f"{name}: keys of any account"


def test_the_logs_endpoint_says_what_the_export_says() -> None:
    (grant,) = logs_grants("aws", PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"], "/s3gate/audit")
    audit = made("endpoints")["LogsEndpoint"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert frozenset(audit["Action"]) == grant.actions
    assert tuple(audit["Resource"]) == grant.resources
    groups = {
        resource.split("log-group:")[1].partition(":")[0]
        for one in made("endpoints")["LogsEndpoint"]["Properties"]["PolicyDocument"]["Statement"]
        for resource in listed(one["Resource"])
        if one["Action"] != "logs:DescribeLogGroups"
    }
    observed = of_type(made("observability"), "AWS::Logs::LogGroup")
    assert groups == {one["LogGroupName"] for one in observed.values()}, "what is written may pass"


@WORLD
def test_no_policy_allows_everything(world: str) -> None:
    """No `*` action, and a `*` resource only where AWS has none, or in a key's own policy, each with its reason."""
    for name in NAMES:
        for logical, one in made(name, world).items():
            for statement in statements(one["Properties"]):
                if statement["Effect"] == "Deny":
                    continue
                assert "NotAction" not in statement, logical
                assert "NotResource" not in statement, logical
                for action in listed(statement["Action"]):
                    assert not re.fullmatch(r"\*|[a-z0-9-]+:\*", action), f"{logical}: {action}"
                if statement.get("Principal") in ("*", {"AWS": "*"}):
                    assert one["Type"] == "AWS::EC2::VPCEndpoint", f"{logical}: anybody"
    for path in DIRECTORY.glob("*.yaml"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.search(r"Resource: '\*'$", line):
                above = "\n".join(lines[:number]).rpartition("KeyPolicy:")
                in_key = above[1] and "\n    Type: " not in above[2]
                assert in_key, f"{path.name}:{number + 1}: `*` without a reason"


@WORLD
def test_security_groups_lead_from_clients_to_the_gate_to_s3_and_nowhere_else(world: str) -> None:
    groups = of_type(made("security", world), "AWS::EC2::SecurityGroup")
    values = WORLDS[world]
    ranges = {
        values[key]
        for key in ("VpcCidr", "OnPremisesCidr1", "OnPremisesCidr2", "OnPremisesCidr3")
        if values.get(key)
    }
    front, inner = groups["LoadBalancerSecurityGroup"], groups["InstanceSecurityGroup"]
    assert {(one["CidrIp"], one["FromPort"], one["ToPort"]) for one in front["SecurityGroupIngress"]} == {
        (one, "8080", "8080") for one in ranges
    }
    assert {(one["CidrIp"], one["FromPort"], one["ToPort"]) for one in front["SecurityGroupEgress"]} == {
        (values["VpcCidr"], 8080, 8080), (values["VpcCidr"], 9091, 9091),
    }  # fmt: skip
    assert [(one["SourceSecurityGroupId"], one["FromPort"], one["ToPort"]) for one in inner["SecurityGroupIngress"]] == [
        ("LoadBalancerSecurityGroup", 8080, 8080), ("LoadBalancerSecurityGroup", 9091, 9091),
    ]  # fmt: skip
    out = [
        (
            one.get("DestinationPrefixListId") or one.get("DestinationSecurityGroupId"),
            one["FromPort"],
            one["ToPort"],
        )
        for one in inner["SecurityGroupEgress"]
    ]
    s3 = values["S3PrefixListId"]
    plain = [(s3, 80, 80)] if world == "everything" else []
    assert out == [(s3, 443, 443), ("EndpointSecurityGroupId", 443, 443), *plain]


@WORLD
@pytest.mark.parametrize("name", ["endpoints", "security"])
def test_every_group_says_where_to_and_for_what(name: str, world: str) -> None:
    for logical, one in of_type(made(name, world), "AWS::EC2::SecurityGroup").items():
        assert one["SecurityGroupEgress"], f"{logical}: no egress rule means every"
        for rule in [*one["SecurityGroupIngress"], *one["SecurityGroupEgress"]]:
            assert rule["Description"], logical
            assert rule["IpProtocol"] != "-1", logical
            if "CidrIp" in rule:
                assert ipaddress.ip_network(rule["CidrIp"]).prefixlen >= 8, f"{logical}: {rule['CidrIp']}"


@WORLD
def test_the_endpoints_admit_the_premises(world: str) -> None:
    group = made("endpoints", world)["EndpointSecurityGroup"]["Properties"]
    values = WORLDS[world]
    ranges = [
        values[key]
        for key in ("VpcCidr", "OnPremisesCidr1", "OnPremisesCidr2", "OnPremisesCidr3")
        if values.get(key)
    ]
    assert [(one["CidrIp"], one["FromPort"], one["ToPort"]) for one in group["SecurityGroupIngress"]] == [
        (one, 443, 443) for one in ranges
    ]
    assert [one["CidrIp"] for one in group["SecurityGroupEgress"]] == ["127.0.0.1/32"]


@WORLD
def test_the_client_address_comes_in_one_way_exactly(world: str) -> None:
    """With both on, the peer is the client, and may write the header itself."""
    resources = made("proxy", world)
    attributes = pairs(resources["TargetGroup"]["Properties"]["TargetGroupAttributes"])
    preserve, header = attributes["preserve_client_ip.enabled"], attributes["proxy_protocol_v2.enabled"]
    assert sorted((preserve, header)) == ["false", "true"]
    script = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]
    if header == "true":
        assert "S3GATE_LISTEN__PROXY_PROTOCOL=v2\n" in script
        assert """S3GATE_LISTEN__TRUSTED_PROXIES='["10.20.0.0/26","10.20.0.64/26"]'\n""" in script
    else:
        assert "S3GATE_LISTEN__PROXY_PROTOCOL=off\n" in script
        assert "S3GATE_LISTEN__TRUSTED_PROXIES='[]'\n" in script


def test_the_gate_trusts_the_subnets_of_the_load_balancer_and_no_others() -> None:
    template = TEMPLATES["network"]
    value = resolve({**template, "Resources": {"Outputs": template["Outputs"]}}, WORLDS["prod"])["Outputs"]
    trusted = set(value["LoadBalancerCidrs"]["Value"].split(","))
    subnets = of_type(made("network"), "AWS::EC2::Subnet")
    assert trusted == {one["CidrBlock"] for name, one in subnets.items() if name.startswith("LoadBalancer")}
    assert (
        value["LoadBalancerSubnetIds"]["Value"]
        == "LoadBalancerSubnet1,LoadBalancerSubnet2,LoadBalancerSubnet3"
    )


@WORLD
def test_the_load_balancer_asks_readyz_and_resets_nothing_that_drains(world: str) -> None:
    resources = made("proxy", world)
    target = resources["TargetGroup"]["Properties"]
    asked = [target[f"HealthCheck{key}"] for key in ("Protocol", "Port", "Path")]
    assert asked == ["HTTP", "9091", "/readyz"]
    assert (target["Protocol"], target["Port"], target["TargetType"]) == ("TCP", 8080, "instance")
    notice = target["HealthCheckIntervalSeconds"] * target["UnhealthyThresholdCount"]
    assert notice <= 15, (
        "a gate that drains says so for 45 s; targets leave some 30 s after they were found unhealthy"
    )
    assert target["HealthCheckTimeoutSeconds"] < target["HealthCheckIntervalSeconds"]
    attributes = pairs(target["TargetGroupAttributes"])
    assert attributes["target_health_state.unhealthy.connection_termination.enabled"] == "false"
    assert int(attributes["target_health_state.unhealthy.draining_interval_seconds"]) >= 120
    assert attributes["deregistration_delay.connection_termination.enabled"] == "false"
    assert int(attributes["deregistration_delay.timeout_seconds"]) >= 120
    front = pairs(resources["LoadBalancer"]["Properties"]["LoadBalancerAttributes"])
    assert front["load_balancing.cross_zone.enabled"] == "true"
    idle = pairs(resources["Listener"]["Properties"]["ListenerAttributes"])
    assert int(idle["tcp.idle_timeout.seconds"]) >= 350, "limits.idle_s: a connection that the gate keeps"


@WORLD
def test_instances_are_closed_encrypted_and_rolled_one_by_one(world: str) -> None:
    resources = made("proxy", world)
    data = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"] == {
        "HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1, "InstanceMetadataTags": "disabled",
    }  # fmt: skip
    assert [one["AssociatePublicIpAddress"] for one in data["NetworkInterfaces"]] == [False]
    assert "KeyName" not in data
    for disk in data["BlockDeviceMappings"]:
        assert (disk["Ebs"]["Encrypted"], disk["Ebs"]["KmsKeyId"]) == (True, "DataKeyArn")
        assert disk["Ebs"]["DeleteOnTermination"] is (WORLDS[world]["KeepDisks"] == "no")
    group = resources["Group"]
    rolling = group["UpdatePolicy"]["AutoScalingRollingUpdate"]
    properties = group["Properties"]
    assert rolling["MaxBatchSize"] == 1
    assert rolling["MinInstancesInService"] == properties["MinSize"] == properties["DesiredCapacity"]
    assert int(properties["MaxSize"]) > int(properties["MinSize"]), "the new one comes first"
    assert properties["HealthCheckType"] == "EC2", "a gate that restarts is not replaced"
    assert properties["TargetGroupARNs"] == ["TargetGroup"]
    assert group["DependsOn"] == "Listener"


@WORLD
def test_no_secret_is_in_what_describe_calls_show(world: str) -> None:
    script = made("proxy", world)["LaunchTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]
    assert "sha256sum --check --strict" in script
    assert script.index("sha256sum") < script.index("tar --extract") < script.index("exec release/install")
    assert not re.search(r"PRIVATE KEY|password|secret", script, re.IGNORECASE)
    assert all("NoEcho" not in one for name in NAMES for one in TEMPLATES[name]["Parameters"].values())


@WORLD
def test_log_groups_are_encrypted_kept_and_watched(world: str) -> None:
    resources = made("observability", world)
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert {one["LogGroupName"] for one in groups.values()} == {
        "/s3gate/audit",
        "/s3gate/host",
        "/s3gate/sessions",
    }
    for name, one in groups.items():
        assert one["KmsKeyId"] == "LogsKeyArn", name
        assert int(one["RetentionInDays"]) >= 365, name
        assert one["DeletionProtectionEnabled"] is True, name
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (
            "Retain",
            "Retain",
        )
    assert groups["AuditLogGroup"]["LogGroupClass"] == "STANDARD", "no other has metric filters"
    watched = TEMPLATES["alarms"]["Parameters"]["LogGroupName"]["Default"]
    assert watched == TEMPLATES["observability"]["Parameters"]["AuditLogGroupName"]["Default"]
    assert TEMPLATES["observability"]["Outputs"]["LogGroupName"]["Value"] == {"Ref": "AuditLogGroup"}


def test_keys_are_usable_by_who_must_and_by_nobody_else() -> None:
    keys = of_type(made("security"), "AWS::KMS::Key")
    users = {
        name: {
            json.dumps(one["Principal"]): (sorted(listed(one["Action"])), one.get("Condition"))
            for one in key["KeyPolicy"]["Statement"]
            if one["Sid"]
            not in {"AdministerThroughIam", "WriteTheCa", "StartSessions", "DisksOfTheGroupAttached"}
        }
        for name, key in keys.items()
    }
    account = {"StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]}}
    assert users["TopicKey"] == {
        '{"Service": "cloudwatch.amazonaws.com"}': (["kms:Decrypt", "kms:GenerateDataKey*"], account)
    }
    ((principal, (actions, condition)),) = users["LogsKey"].items()
    assert principal == '{"Service": "logs.eu-west-1.amazonaws.com"}'
    assert {"kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*"} <= set(actions)
    groups = condition["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert groups[0] == "arn:aws:logs:eu-west-1:111122223333:log-group:/s3gate/*"
    assert len(users["DataKey"]) == 2
    for name, key in keys.items():
        assert key["EnableKeyRotation"] is True, name
        assert made("security")[name]["DeletionPolicy"] == "Retain"
        administers = key["KeyPolicy"]["Statement"][0]
        assert administers["Sid"] == "AdministerThroughIam"
        assert not {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} & set(administers["Action"])
        assert "kms:PutKeyPolicy" in administers["Action"], "else nobody could ever mend it"


@WORLD
def test_every_alarm_reaches_the_topic_that_cloudwatch_may_use(world: str) -> None:
    observed = made("observability", world)
    topic = observed["AlarmTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == "TopicKeyArn"
    publishers = [
        one
        for one in observed["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]
    assert [(one["Principal"], one["Action"]) for one in publishers] == [
        ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    ]
    called = {"observability": "AlarmTopic", "alarms": "TopicArn", "hosts": "AlarmTopicArn"}
    for name, target in called.items():
        for logical, one in of_type(made(name, world), "AWS::CloudWatch::Alarm").items():
            assert one["AlarmActions"] == [target], logical
            assert "ActionsEnabled" not in one
            assert one["AlarmName"].startswith("s3gate-"), "AuditProtection names them so"
            assert {"TreatMissingData", "DatapointsToAlarm", "AlarmDescription"} <= set(one)
    for one in of_type(observed, "AWS::Logs::MetricFilter").values():
        parse_pattern(one["FilterPattern"])


def test_what_the_machines_are_watched_for_is_what_they_send() -> None:
    agent = json.loads((ROOT / "deploy" / "instance" / "amazon-cloudwatch-agent.json").read_text())["metrics"]
    sent = {one["rename"] for source in agent["metrics_collected"].values() for one in source["measurement"]}
    alarms = of_type(made("hosts"), "AWS::CloudWatch::Alarm").values()
    watched = {one["MetricName"] for one in alarms if one["Namespace"] == agent["namespace"]}
    assert sent == {"mem_used_percent", "disk_used_percent"}
    told = pick_numbers(f"{POLICY_AGE} 1\n{CA_END} 2\n{AUDIT_LAG} 3\n", 0)
    assert watched == sent | set(told)
    assert agent["namespace"] == NAMESPACE
    assert agent["aggregation_dimensions"] == [[]]
    assert all("Dimensions" not in one for one in alarms if one["Namespace"] == agent["namespace"])


def test_the_dashboard_shows_alarms_that_there_are() -> None:
    body = json.loads(made("hosts")["Dashboard"]["Properties"]["DashboardBody"])
    shown = {
        arn.rpartition(":")[2]
        for one in body["widgets"]
        if one["type"] == "alarm"
        for arn in one["properties"]["alarms"]
    }
    there = {
        one["AlarmName"]
        for name in ("alarms", "hosts")
        for one in of_type(made(name), "AWS::CloudWatch::Alarm").values()
    }
    assert shown <= there


def test_nobody_deletes_the_traces() -> None:
    resources = made("security")
    kept = {
        "logs:DeleteLogGroup",
        "logs:DeleteLogStream",
        "logs:DeleteRetentionPolicy",
        "logs:PutRetentionPolicy",
        "logs:DeleteMetricFilter",
    }
    for logical in ("InstancePolicy", "AuditProtection"):
        denied = {
            action
            for one in statements(resources[logical]["Properties"])
            if one["Effect"] == "Deny"
            for action in listed(one["Action"])
        }
        assert kept | {"cloudwatch:DeleteAlarms", "cloudwatch:SetAlarmState"} <= denied, logical
    trust = resources["BreakGlassRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"AWS": WORLDS["prod"]["BreakGlassPrincipalArn"]}
    factor = made("security", "dev")["BreakGlassRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][
        0
    ]
    assert factor["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_the_instance_role_reads_its_own_ground_and_writes_its_own_traces() -> None:
    allowed = {
        one["Sid"]: one
        for one in statements(made("security")["InstancePolicy"]["Properties"])
        if one["Effect"] == "Allow"
    }
    wide = {sid for sid, one in allowed.items() if one["Resource"] == "*"}
    assert wide == {"HostMetrics", "SessionManager"}
    assert allowed["HostMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "s3gate/host"}}
    writes = {
        action
        for one in allowed.values()
        for action in listed(one["Action"])
        if re.search(r":(Put|Create|Delete|Send)", action)
    }
    assert writes == {
        "cloudwatch:PutMetricData", "logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject", "s3:PutObjectRetention",
        "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    }  # fmt: skip
    assert allowed["ArchiveSealedSegments"]["Resource"] == "arn:aws:s3:::example-s3gate-archive/audit/*"
    places = (ROOT / "deploy" / "instance" / "credentials.conf").read_text()
    fetched = {
        one.rpartition("/")[0] + "/*" if "/ca/" in one else one for one in re.findall(r"ssm://(/\S+)", places)
    }
    parameters = {one.partition(":parameter")[2] for one in allowed["CaAndAuditKey"]["Resource"]}
    assert parameters == fetched - {"PARAMETER"}, "what the instance fetches"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_archive_is_locked_and_refuses_everybody(environment: str) -> None:
    resources = made("archive", environment)
    archive, access = (resources[name]["Properties"] for name in ("ArchiveBucket", "AccessLogBucket"))
    assert archive["ObjectLockEnabled"] is True
    mode = archive["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"]
    assert mode == {"dev": "GOVERNANCE", "prod": "COMPLIANCE"}[environment]
    assert "ObjectLockEnabled" not in access, "S3 delivers access logs to no bucket with a lock"
    for name, one in of_type(resources, "AWS::S3::Bucket").items():
        assert one["VersioningConfiguration"] == {"Status": "Enabled"}, name
        assert set(one["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert one["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, name
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (
            "Retain",
            "Retain",
        )
    assert archive["LoggingConfiguration"]["DestinationBucketName"] == "AccessLogBucket"
    rules = {
        one["Sid"]: one for one in resources["ArchivePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    }
    assert all(one["Effect"] == "Deny" and one["Principal"] == "*" for one in rules.values())
    changes = rules["NobodyChangesIt"]
    assert changes["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "BreakGlassRoleArn"}}
    spared = {action for action in changes["NotAction"] if not re.match(r"s3:(Get|List)", action)}
    assert spared == {"s3:PutObject", "s3:PutObjectRetention"}
    assert rules["OnlyTheGatePuts"]["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "InstanceRoleArn"}}
    assert rules["NeverOverAnother"]["Condition"]["Null"] == {"s3:if-none-match": "true"}


@TEMPLATE
def test_templates_fit_a_call(name: str) -> None:
    assert (
        DIRECTORY / f"{name}.yaml"
    ).stat().st_size < 51_200  # CreateChangeSet, API reference: TemplateBody
    assert all(logical.isascii() and logical.isalnum() for logical in TEMPLATES[name]["Resources"])

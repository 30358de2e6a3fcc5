"""deploy/stacks.py makes every stack in MiniStack, with the AWS CLI, and the alarm rings on what it made.

MiniStack lacks some resource types: those are named here, taken out of the templates before, and that nothing else
was taken out is asserted. What it drops in silence (endpoint policies, Object Lock, listener attributes, the key of
a topic, …) test_templates.py looks at instead.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from drive.templates import DIRECTORY, Json, read_template
from s3gate.alarms.definition import load_definition
from s3gate.audit.cloudwatch import CloudWatchSink
from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import JournalReader
from s3gate.audit.record import render_time
from s3gate.audit.shipper import Shipper
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, AlarmChain
from s3gate.demo.emulator import Emulator
from stacks import parameters_of

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
REGION = "ap-northeast-1"
STACKS = ("network", "endpoints", "security", "archive", "observability", "alarms", "proxy", "hosts")
LACKING = {
    "AWS::EC2::CustomerGateway", "AWS::EC2::FlowLog", "AWS::EC2::TransitGatewayAttachment", "AWS::EC2::VPNConnection",
    "AWS::EC2::VPNGateway", "AWS::EC2::VPNGatewayRoutePropagation", "AWS::Route53Resolver::ResolverEndpoint",
    "AWS::SSM::Document",
}  # fmt: skip
LEFT_OUT = {
    "network": {
        "CustomerGateway", "FlowLog", "TransitGatewayAttachment", "VpnConnection", "VpnGateway", "VpnGatewayAttachment",
        "VpnRoutes",
    },
    "endpoints": {"InboundResolver"},
    "observability": {"SessionDocument"},
}  # fmt: skip
"""Of those types, and the one that needs such a one."""

X86 = {"Processor": "x86_64", "InstanceType": "c7i.large"}
"""The one image of Amazon Linux 2023 that MiniStack knows."""

POLICY = """version: 1
endpoints: {partitions: [aws], regions: [ap-northeast-1], classes: [standard, dualstack]}
rules: [{id: uploads, bucket: example-uploads, allow: [read, write], owner: "111122223333"}]
"""


@dataclass(frozen=True)
class Deployed:
    """What the script left behind.

    Args:
        emulator: where it is.
        parameters: the file that was given.
        told: what the script said.
        scratch: where its copy lies.
    """

    emulator: Emulator
    parameters: dict[str, str]
    told: str
    scratch: Path

    def client(self, service: str) -> Any:
        session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
        return session.client(service, endpoint_url=self.emulator.url, config=Config(proxies={}))

    def outputs(self, name: str) -> dict[str, str]:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=f"s3gate-{name}")["Stacks"]
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def again(self, parameters: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
        """Run the script once more."""
        file = self.scratch / "again.json"
        file.write_text(json.dumps(parameters))
        script = self.scratch / "deploy" / "stacks.py"
        return run(script, "--params", str(file), "--region", REGION, *words, environment=environment(self))


def names_in(node: Any) -> set[str]:
    """The logical ids that a node refers to."""
    if isinstance(node, list):
        return {name for one in node for name in names_in(one)}
    if not isinstance(node, dict):
        return set()
    found = {name for one in node.values() for name in names_in(one)}
    if set(node) == {"Ref"}:
        found.add(node["Ref"])
    if set(node) == {"Fn::GetAtt"}:
        found.add(node["Fn::GetAtt"][0])
    return found


def without_lacking(template: Json) -> tuple[Json, set[str]]:
    """The template without what MiniStack lacks, and the logical ids of that."""
    gone = {name for name, one in template["Resources"].items() if one["Type"] in LACKING}
    while more := {
        name
        for name, one in template["Resources"].items()
        if name not in gone and names_in(one.get("Properties", {})) & gone
    }:
        gone |= more
    kept = {name: dict(one) for name, one in template["Resources"].items() if name not in gone}
    for one in kept.values():
        if one.get("DependsOn") in gone:
            del one["DependsOn"]
    outputs = {name: one for name, one in template.get("Outputs", {}).items() if not names_in(one) & gone}
    return {**template, "Resources": kept, "Outputs": outputs}, gone


def copy_deploy(target: Path) -> dict[str, set[str]]:
    """deploy/ as the emulator can take it; what was left out of which template."""
    (target / "cloudformation").mkdir(parents=True)
    for script in ("stacks.py", "endpoint_policy.py"):
        shutil.copy(ROOT / "deploy" / script, target / script)
    left: dict[str, set[str]] = {}
    for path in sorted(DIRECTORY.glob("*.yaml")):
        template, gone = without_lacking(read_template(path.stem))
        (target / "cloudformation" / path.name).write_text(yaml.safe_dump(template, sort_keys=False))
        if gone:
            left[path.stem] = gone
    return left


def environment(deployed: Deployed) -> dict[str, str]:
    """Of the script: this checkout's programs, the emulator, nothing else."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(deployed.scratch),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_ENDPOINT_URL": deployed.emulator.url, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT / "addons"),
    }  # fmt: skip


def run(script: Path, *words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    scratch = tmp_path_factory.mktemp("deploy")
    copy_deploy(scratch / "deploy")
    parameters = json.loads((ROOT / "deploy" / "params" / "prod.json").read_text()) | X86
    (scratch / "prod.json").write_text(json.dumps(parameters))
    (scratch / "policy.yaml").write_text(POLICY)
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        made = Deployed(emulator, parameters, "", scratch)
        made.client("s3").create_bucket(
            Bucket=parameters["ArtifactBucketName"], CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        made.client("logs").create_log_group(logGroupName=parameters["TrailLogGroupName"])
        account = made.client("sts").get_caller_identity()["Account"]
        words = ["--params", str(scratch / "prod.json"), "--region", REGION]
        words += ["--policy", str(scratch / "policy.yaml"), "--account", account]
        rendered = run(scratch / "deploy" / "endpoint_policy.py", *words, environment=environment(made))
        assert rendered.returncode == 0, rendered.stderr
        done = made.again(parameters, "--apply")
        assert done.returncode == 0, done.stderr
        yield Deployed(emulator, parameters, done.stderr, scratch)


@pytest.mark.parametrize("name", STACKS)
def test_the_script_reads_the_parameters_as_they_are(name: str) -> None:
    written = {key: "Default" in one for key, one in read_template(name)["Parameters"].items()}
    assert parameters_of(DIRECTORY / f"{name}.yaml") == written


def test_what_the_emulator_lacks_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    assert copy_deploy(tmp_path / "deploy") == LEFT_OUT


@pytest.mark.parametrize("kind", sorted(LACKING))
def test_the_emulator_really_lacks_it(deployed: Deployed, kind: str) -> None:
    """One that it learns must not be left out any longer."""
    body = json.dumps({"Resources": {"One": {"Type": kind, "Properties": {}}}})
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        deployed.client("cloudformation").create_stack(StackName="lacking", TemplateBody=body)


def test_every_stack_is_there_with_all_its_outputs(deployed: Deployed) -> None:
    assert [line.partition(":")[0] for line in deployed.told.splitlines()] == [
        f"s3gate-{one}" for one in STACKS
    ]
    for name in STACKS:
        template, _ = without_lacking(read_template(name))
        assert set(deployed.outputs(name)) == {
            key for key, one in template["Outputs"].items() if one.get("Condition") != "UseVpnGateway"
        }


def test_the_network_as_deployed(deployed: Deployed) -> None:
    vpc, ec2 = deployed.outputs("network")["VpcId"], deployed.client("ec2")
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    assert len(ec2.describe_subnets(Filters=inside)["Subnets"]) == 9
    endpoints = ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    services = sorted(one["ServiceName"].rpartition(".")[2] for one in endpoints)
    assert services == ["kms", "logs", "monitoring", "s3", "ssm", "ssmmessages"]
    (gateway,) = (one for one in endpoints if one["ServiceName"].endswith(".s3"))
    assert gateway["RouteTableIds"] == [deployed.outputs("network")["PrivateRouteTableIds"]]
    group = deployed.outputs("security")["InstanceSecurityGroupId"]
    (inner,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    sources = [pair["GroupId"] for rule in inner["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
    assert set(sources) == {deployed.outputs("security")["LoadBalancerSecurityGroupId"]}
    assert not any(rule["IpRanges"] for rule in inner["IpPermissions"])


def test_the_proxy_as_deployed(deployed: Deployed) -> None:
    balancers = deployed.client("elbv2")
    (balancer,) = balancers.describe_load_balancers()["LoadBalancers"]
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal")
    (target,) = balancers.describe_target_groups()["TargetGroups"]
    attributes = {
        one["Key"]: one["Value"]
        for one in balancers.describe_target_group_attributes(TargetGroupArn=target["TargetGroupArn"])[
            "Attributes"
        ]
    }
    assert attributes["proxy_protocol_v2.enabled"] == "true"
    assert attributes["preserve_client_ip.enabled"] == "false"
    assert attributes["target_health_state.unhealthy.connection_termination.enabled"] == "false"
    assert target["HealthCheckPath"] == "/readyz"
    (version,) = deployed.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=deployed.client("ec2").describe_launch_templates()["LaunchTemplates"][0][
            "LaunchTemplateId"
        ]
    )["LaunchTemplateVersions"]
    options = version["LaunchTemplateData"]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)
    (group,) = deployed.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"], group["HealthCheckType"]) == (3, 4, "EC2")


def test_the_observation_as_deployed(deployed: Deployed) -> None:
    keys = deployed.outputs("security")
    groups = deployed.client("logs").describe_log_groups(logGroupNamePrefix="/s3gate/")["logGroups"]
    kept = {one["logGroupName"]: (one.get("kmsKeyId"), one["retentionInDays"]) for one in groups}
    assert (
        kept["/s3gate/audit"] == kept["/s3gate/host"] == kept["/s3gate/sessions"] == (keys["LogsKeyArn"], 400)
    )
    policy = json.loads(
        deployed.client("kms").get_key_policy(KeyId=keys["TopicKeyArn"], PolicyName="default")["Policy"]
    )
    users = [one for one in policy["Statement"] if one["Sid"] == "AlarmsPublish"]
    assert [one["Principal"] for one in users] == [{"Service": "cloudwatch.amazonaws.com"}]
    alarms = deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]
    topic = deployed.outputs("observability")["AlarmTopicArn"]
    assert {tuple(one["AlarmActions"]) for one in alarms} == {(topic,)}
    own = {
        "healthy-hosts",
        "unhealthy-hosts",
        "status-checks",
        "cpu",
        "memory",
        "disk",
        "root-use",
        "break-glass",
        "policy-age",
        "audit-lag",
        "reporting",
        "ca-ends-60",
        "ca-ends-30",
        "ca-ends-7",
    }
    assert {one["AlarmName"] for one in alarms} == {one.name for one in load_definition().alarms} | {
        f"s3gate-{name}" for name in own
    }
    dimensions = {one["AlarmName"]: one["Dimensions"] for one in alarms}["s3gate-healthy-hosts"]
    assert {one["Name"]: one["Value"] for one in dimensions} == {
        "LoadBalancer": deployed.outputs("proxy")["LoadBalancerFullName"],
        "TargetGroup": deployed.outputs("proxy")["TargetGroupFullName"],
    }


def test_the_archive_as_deployed(deployed: Deployed) -> None:
    bucket, roles = deployed.parameters["ArchiveBucketName"], deployed.outputs("security")
    policy = json.loads(deployed.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    spared = {one["Sid"]: one["Condition"].get("ArnNotEquals") for one in policy["Statement"]}
    assert spared["NobodyChangesIt"] == {"aws:PrincipalArn": roles["BreakGlassRoleArn"]}
    assert spared["OnlyTheGatePuts"] == {"aws:PrincipalArn": roles["InstanceRoleArn"]}


def test_a_refusal_rings_on_what_was_deployed(deployed: Deployed, tmp_path: Path) -> None:
    """Journal, shipper, PutLogEvents, the deployed filter, alarm and topic; the filter is evaluated by us."""
    queues, topics = deployed.client("sqs"), deployed.client("sns")
    url = queues.create_queue(QueueName="on-call")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(
        TopicArn=deployed.outputs("observability")["AlarmTopicArn"], Protocol="sqs", Endpoint=arn
    )
    journal = Journal.open(tmp_path, "deployed", b"k" * 32, 1 << 24)
    for name, decision, kind in (("one", "allow", Kind.ALLOW), ("two", "deny", Kind.DENY)):
        record = {"schema": 1, "event": "egress", "decision": decision, "audit_id": name,
                  "time": render_time(datetime.now(UTC))}  # fmt: skip
        asyncio.run(journal.append(record, kind))
    sink = CloudWatchSink(deployed.client("logs"), "/s3gate/audit", "deployed", None)  # type: ignore[arg-type]  # nothing is refused here
    stop = threading.Event()
    stop.set()
    reader = JournalReader(journal.directory, lambda: journal.acknowledged_seq)
    Shipper(reader, sink, CursorFile(journal.directory), stop, drain_s=30).run()
    journal.close()
    counts = {
        one.metric: one for one in AlarmChain(deployed.emulator.url, REGION, load_definition()).publish()
    }
    assert [json.loads(event.message)["audit_id"] for event in counts["Denials"].matching] == ["two"]
    messages = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10).get(
        "Messages", []
    )
    rung = [json.loads(json.loads(one["Body"])["Message"]) for one in messages]
    assert [(one["AlarmName"], one["NewStateValue"]) for one in rung] == [("s3gate-denials", "ALARM")]


def test_the_s3_endpoint_opens_the_list_and_the_own_ground(deployed: Deployed) -> None:
    file = deployed.scratch / "deploy" / "cloudformation" / "rendered" / "s3-endpoint-policy.json"
    statements = json.loads(file.read_text())["Statement"]
    opened = {resource for one in statements for resource in one["Resource"]}
    own = {
        f"arn:aws:s3:::{deployed.parameters['ArtifactBucketName']}/{part}/*"
        for part in ("releases", "policy")
    }
    own.add(f"arn:aws:s3:::{deployed.parameters['ArchiveBucketName']}/audit/*")
    assert (
        own | {"arn:aws:s3:::example-uploads/*", "arn:aws:s3:::al2023-repos-ap-northeast-1-de612dc2/*"}
        <= opened
    )
    for one in statements:
        mine = any("s3gate" in resource for resource in one["Resource"])
        if mine:
            owner = one["Condition"]["StringEquals"]
            assert owner["aws:PrincipalAccount"] == owner["aws:ResourceAccount"]
            assert set(one["Action"]) <= {
                "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectRetention",
                "s3:GetBucketObjectLockConfiguration",
            }  # fmt: skip


def test_one_stack_is_updated_with_what_the_others_gave(deployed: Deployed) -> None:
    done = deployed.again(deployed.parameters | {"CpuPercent": "61"}, "--only", "hosts", "--apply")
    assert (done.returncode, done.stderr) == (0, "s3gate-hosts: 7 parameters\n")
    alarms = deployed.client("cloudwatch").describe_alarms(AlarmNames=["s3gate-cpu"])["MetricAlarms"]
    assert [one["Threshold"] for one in alarms] == [61]


def test_a_misspelt_parameter_is_not_passed_over(deployed: Deployed) -> None:
    done = deployed.again(deployed.parameters | {"ClientAdress": "preserved"}, "--apply")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "no template has ClientAdress: correct or delete them in the parameters\n"

"""What an instance is: its metadata, disk, identity, release and how a new one takes its place."""

import re
from collections.abc import Iterator

from guard.deployment import Deployment
from guard.finding import Finding, finding


def metadata_needs_a_token(deployment: Deployment) -> Iterator[Finding]:
    """IMDSv2 only, one hop: a request that the gate is tricked into carries no credentials away."""
    wanted = {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    for made in deployment.of("AWS::EC2::LaunchTemplate"):
        options = made.properties["LaunchTemplateData"].get("MetadataOptions", {})
        for key, value in wanted.items():
            if options.get(key) != value:
                yield finding(made, f"{key} is {options.get(key)}, not {value}")


def instances_hold_no_secret_and_no_door(deployment: Deployment) -> Iterator[Finding]:
    """Own group, own role, an encrypted disk, no ssh key, nothing secret in the user data."""
    for made in deployment.of("AWS::EC2::LaunchTemplate"):
        data = made.properties["LaunchTemplateData"]
        if "KeyName" in data:
            yield finding(made, "an ssh key: Session Manager is the way in")
        if [card.get("Groups") for card in data.get("NetworkInterfaces", [])] != [["InstanceSecurityGroup"]]:
            yield finding(made, "not in the instances' security group")
        if data.get("IamInstanceProfile") != {"Arn": deployment.outputs["InstanceProfileArn"]}:
            yield finding(made, "not with the instances' role")
        for disk in data.get("BlockDeviceMappings", []):
            own = disk["Ebs"].get("KmsKeyId") == deployment.outputs["DataKeyArn"]
            if disk["Ebs"].get("Encrypted") is not True or not own:
                yield finding(made, "its disk is not encrypted with the data key")
        for word in re.findall(r"(?i)private key|password|secret|\bAKIA[0-9A-Z]{16}\b", data["UserData"]):
            yield finding(made, f"its user data says {word}, and whoever may describe it reads it")


def release_is_checked(deployment: Deployment) -> Iterator[Finding]:
    """The release is compared with the digest of the template before it is unpacked, and nothing else is fetched."""
    for made in deployment.of("AWS::EC2::LaunchTemplate"):
        text = made.properties["LaunchTemplateData"]["UserData"]
        steps = [text.find(word) for word in ("set -euo pipefail", "get-object", "sha256sum --check", "tar ")]
        if -1 in steps or steps != sorted(steps):
            yield finding(made, "unpacks before it compares, goes on after a failure, or does not compare")
        if str(deployment.given["ReleaseSha256"]) not in text:
            yield finding(made, "does not name the digest")
        if re.search(r"https?://|curl|wget|pip install|yum|dnf", text):
            yield finding(made, "fetches something that the template does not name")


def updates_go_one_by_one(deployment: Deployment) -> Iterator[Finding]:
    """A rolling update makes the new instance first, and no process interferes."""
    for made in deployment.of("AWS::AutoScaling::AutoScalingGroup"):
        policy = made.whole.get("UpdatePolicy", {}).get("AutoScalingRollingUpdate", {})
        wanted = int(made.properties["MinSize"])
        if policy.get("MaxBatchSize") != 1 or int(policy.get("MinInstancesInService", 0)) < wanted:
            yield finding(made, "an update takes instances away before it has new ones")
        if int(made.properties["MaxSize"]) <= int(policy.get("MinInstancesInService", 0)):
            yield finding(made, "MaxSize leaves no room for the new instance")
        pause = re.fullmatch(r"PT(\d+)M", policy.get("PauseTime", ""))
        if pause is None or not 5 <= int(pause[1]) <= 60:
            yield finding(made, "no pause to boot and to be healthy")
        if "ReplaceUnhealthy" not in policy.get("SuspendProcesses", []):
            yield finding(made, "instances are replaced while an update runs")
        if made.properties.get("HealthCheckType") != "EC2":
            yield finding(made, "an instance that drains would be replaced")

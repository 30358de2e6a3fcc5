"""Who may do what: no wildcard that nobody argued for, no role for strangers, keys that their users can use."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from drive.templates import Json
from guard.deployment import Deployment, policies, statements
from guard.finding import Finding, finding
from guard.template import ACCOUNT, REGION, arn_of

# Allowed on `*`, because AWS knows no resource for them or a condition is the limit (service authorization reference).
WITHOUT_RESOURCE: Final = {
    "cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics",
    "cloudwatch:GetDashboard", "cloudwatch:GetMetricData", "cloudwatch:ListDashboards", "cloudwatch:ListMetrics",
    "ssm:DescribeAssociation", "ssm:DescribeDocument", "ssm:GetDocument", "ssm:ListAssociations",
    "ssm:ListInstanceAssociations", "ssm:PutComplianceItems", "ssm:PutInventory", "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus", "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}  # fmt: skip
# CloudWatch Logs and Auto Scaling document their key policies with these wildcards.
AS_DOCUMENTED: Final = {
    "kms:Decrypt*",
    "kms:Describe*",
    "kms:Encrypt*",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
}
NEVER_ALLOWED: Final = {
    "iam:PassRole",
    "sts:AssumeRole",
    "iam:CreateAccessKey",
    "s3:BypassGovernanceRetention",
}


def no_wildcard_is_allowed(deployment: Deployment) -> Iterator[Finding]:
    """No statement that allows names an action by a pattern, or every resource where AWS knows one."""
    for made, policy in policies(deployment):
        for statement in statements(policy):
            if statement["Effect"] != "Allow":
                continue
            name = statement.get("Sid", "a statement")
            if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
                yield finding(made, f"{name} allows everything but")
            actions = statement.get("Action", [])
            of_service = _only_for_a_service(statement)
            for action in actions:
                if "*" in action and not (
                    made.kind == "AWS::KMS::Key" and of_service and action in AS_DOCUMENTED
                ):
                    yield finding(made, f"{name} allows {action}")
            wide = any(one == "*" or one.endswith(":::*") for one in statement.get("Resource", []))
            by_access_point = "s3:DataAccessPointArn" in statement.get("Condition", {}).get(
                "StringEquals", {}
            )
            if (
                wide
                and not by_access_point
                and made.kind != "AWS::KMS::Key"
                and not set(actions) <= WITHOUT_RESOURCE
            ):
                yield finding(
                    made, f"{name} allows {sorted(set(actions) - WITHOUT_RESOURCE)} on every resource"
                )
            metrics = "cloudwatch:PutMetricData" in actions
            if metrics and "cloudwatch:namespace" not in statement.get("Condition", {}).get(
                "StringEquals", {}
            ):
                yield finding(made, f"{name} lets forge the metrics that alarms stand on")


def _only_for_a_service(statement: Json) -> bool:
    principal = statement.get("Principal")
    linked = (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/"  # a role that AWS made and that AWS alone can take
    )
    return isinstance(principal, dict) and (
        set(principal) == {"Service"} or str(principal.get("AWS")).startswith(linked)
    )


def strangers_are_not_trusted(deployment: Deployment) -> Iterator[Finding]:
    """A role is taken by one service or one named principal with a second factor; resources are open to nobody.

    `Principal: "*"` stands in endpoint policies and denials alone.
    """
    for made, policy in policies(deployment):
        for statement in statements(policy):
            if statement["Effect"] != "Allow" or made.kind == "AWS::EC2::VPCEndpoint":
                continue
            principal = statement.get("Principal")
            if principal == "*" or (isinstance(principal, dict) and principal.get("AWS") == "*"):
                yield finding(made, f"{statement.get('Sid')} allows everybody")
            people = principal.get("AWS") if isinstance(principal, dict) else None
            for one in people if isinstance(people, list) else [people] if people else []:
                if ACCOUNT not in str(one):
                    yield finding(made, f"{one} is of another account")
            if "sts:AssumeRole" in statement.get("Action", []) and people:
                factor = statement.get("Condition", {}).get("Bool", {}).get("aws:MultiFactorAuthPresent")
                elsewhere = deployment.given.get("BreakGlassSecondFactor") == "identity-provider"
                asked = factor == "true" or (elsewhere and ":role/" in str(people))
                if not asked or str(people).endswith(":root"):
                    yield finding(made, "is taken without a second factor, or by the whole account")


def roles_are_bounded(deployment: Deployment) -> Iterator[Finding]:
    """No role gets a policy of AWS's or another's, nor an action that leads to more."""
    for made in deployment.of("AWS::IAM::Role"):
        for arn in made.properties.get("ManagedPolicyArns", []):
            yield finding(made, f"{arn} is attached: its actions are not ours to see")
    for made in deployment.of("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for owner, policy in policies(deployment):
            if owner.name != made.name or owner.file != made.file:
                continue
            for statement in statements(policy):
                trust = "Principal" in statement
                if statement["Effect"] == "Allow" and not trust:
                    for action in sorted(NEVER_ALLOWED & set(statement.get("Action", []))):
                        yield finding(made, f"{action} leads to more than this role has")


def keys_are_kept(deployment: Deployment) -> Iterator[Finding]:
    """Keys rotate, outlive their stack, and go no sooner than in 30 days."""
    for made in deployment.of("AWS::KMS::Key"):
        if made.properties.get("EnableKeyRotation") is not True:
            yield finding(made, "does not rotate")
        if {made.whole.get("DeletionPolicy"), made.whole.get("UpdateReplacePolicy")} != {"Retain"}:
            yield finding(made, "goes with its stack, and what it encrypts with it")
        if made.properties.get("PendingWindowInDays") != 30:
            yield finding(made, "can be gone in less than 30 days")


def the_logs_key_serves_our_groups(deployment: Deployment) -> Iterator[Finding]:
    """CloudWatch Logs may use the key for each group under it, and for no group of another account.

    The evaluator knows no encryption context whose name has colons, so this is read, not asked.
    """
    key = deployment.named("LogsKey")
    users = [one for one in statements(key.properties["KeyPolicy"]) if one["Sid"] != "AdministerThroughIam"]
    service = {"Service": f"logs.{REGION}.amazonaws.com"}
    if [one["Principal"] for one in users] != [service]:
        yield finding(key, f"used by {[one['Principal'] for one in users]}")
        return
    patterns = users[0].get("Condition", {}).get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", [])
    for needed in ("kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:Describe*"):
        if needed not in users[0]["Action"]:
            yield finding(key, f"CloudWatch Logs documents {needed}, and it is not allowed")
    if not patterns or not all(f":{REGION}:{ACCOUNT}:log-group:" in one for one in patterns):
        yield finding(key, f"serves {patterns}: groups of others")
    for made in deployment.of("AWS::Logs::LogGroup"):
        arn = arn_of(made).removesuffix(":*")
        if "KmsKeyId" in made.properties and not any(fnmatchcase(arn, one) for one in patterns):
            yield finding(made, "its key does not serve it")

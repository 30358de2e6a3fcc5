"""What the deployed policies must answer, as AWS would be asked.

A question is one action by somebody, through an endpoint or not, with the answer that is wanted. The policies come from
the resolved templates, so a template that is changed for the worse answers otherwise (guard/asking.py asks).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from drive.evaluator import ALLOWED, EXPLICITLY
from guard.template import ACCOUNT, REGION

FOREIGN: Final = "999900001111"
ROLES: Final = {
    "instance": f"arn:aws:iam::{ACCOUNT}:role/InstanceRole",
    "emergency": f"arn:aws:iam::{ACCOUNT}:role/s3gate-break-glass",
    "administrator": f"arn:aws:iam::{ACCOUNT}:role/administrator",
    "root": f"arn:aws:iam::{ACCOUNT}:root",
    "user": f"arn:aws:iam::{ACCOUNT}:role/batch",
    "foreign": f"arn:aws:iam::{FOREIGN}:role/insider",
}
LOGS: Final = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
ARCHIVE: Final = "arn:aws:s3:::example-s3gate-archive"
ACCESS: Final = f"{ARCHIVE}-access"
ARTIFACTS: Final = "arn:aws:s3:::example-s3gate-artifacts"
KEY: Final = f"arn:aws:kms:{REGION}:{ACCOUNT}:key"
TOPIC: Final = f"arn:aws:sns:{REGION}:{ACCOUNT}:s3gate-alarms"
SEGMENT: Final = f"{ARCHIVE}/audit/gate-1/0001.jsonl"
ONCE: Final = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}
# Root of the owning account may always do these, even when the bucket's policy denies it (S3 API reference,
# PutBucketPolicy): an evaluator that says otherwise is wrong.
ALWAYS_ROOTS: Final = {"s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:GetBucketPolicy"}


@dataclass(frozen=True, slots=True)
class Row:
    """One question.

    Args:
        name: what is asked, in words; mutants are named by it.
        who: a name of ROLES, or a service principal.
        wanted: what must be answered; a denial may be of either kind.
        endpoint: logical id of the endpoint that it comes through.
        guarded: logical id of the resource whose policy is asked (bucket, key, topic).
        granted: logical id of the identity policy; None where the principal may do everything by itself.
        account: of the resource.
    """

    name: str
    who: str
    action: str
    resource: str
    wanted: str
    endpoint: str | None = None
    guarded: str | None = None
    granted: str | None = None
    account: str = ACCOUNT
    context: Mapping[str, str] = field(default_factory=dict)


DENIED: Final = "denied"


# fmt: off
def _endpoint_rows() -> Iterator[Row]:
    group = f"{LOGS}:/s3gate/audit:log-stream:gate-1"
    foreign_group = f"arn:aws:logs:{REGION}:{FOREIGN}:log-group:/s3gate/audit:log-stream:x"
    own, strange = ({"aws:PrincipalAccount": one} for one in (ACCOUNT, FOREIGN))
    logs = "LogsEndpoint"
    put = "logs:PutLogEvents"
    yield Row("the gate ships its audit", "instance", put, group, ALLOWED, logs, context=own)
    yield Row("no other group through the logs endpoint", "user", put, f"{LOGS}:mine:log-stream:x", DENIED, logs, context=own)
    yield Row("no group of a foreign account with its keys", "foreign", put, foreign_group, DENIED, logs, account=FOREIGN, context=strange)
    yield Row("nobody deletes a group through the endpoint", "administrator", "logs:DeleteLogGroup", f"{LOGS}:/s3gate/audit", DENIED, logs, context=own)
    metric = own | {"cloudwatch:namespace": "s3gate/host"}
    yield Row("the agent sends host metrics", "instance", "cloudwatch:PutMetricData", "*", ALLOWED, "MonitoringEndpoint", context=metric)
    yield Row("nobody forges the metrics of alarms", "user", "cloudwatch:PutMetricData", "*", DENIED, "MonitoringEndpoint", context=own | {"cloudwatch:namespace": "s3gate"})
    yield Row("foreign keys send no metrics", "foreign", "cloudwatch:PutMetricData", "*", DENIED, "MonitoringEndpoint", account=FOREIGN, context=metric | strange)
    yield Row("sessions open with our key", "instance", "kms:Decrypt", f"{KEY}/DataKey", ALLOWED, "KmsEndpoint", granted="InstancePolicy", guarded="DataKey", context=own)
    yield Row("no key of a foreign account", "foreign", "kms:Encrypt", f"arn:aws:kms:{REGION}:{FOREIGN}:key/x", DENIED, "KmsEndpoint", "anybody", account=FOREIGN, context=strange)
    yield Row("the agent reports", "instance", "ssm:UpdateInstanceInformation", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", ALLOWED, "SsmEndpoint", context=own)
    yield Row("no parameter of a foreign account is written", "foreign", "ssm:PutParameter", f"arn:aws:ssm:{REGION}:{FOREIGN}:parameter/x", DENIED, "SsmEndpoint", account=FOREIGN, context=strange)
    yield Row("no session of a foreign account", "foreign", "ssmmessages:OpenDataChannel", "*", DENIED, "SsmMessagesEndpoint", account=FOREIGN, context=strange)


def _s3_rows() -> Iterator[Row]:
    s3 = "S3GatewayEndpoint"
    own = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    strange = {"aws:PrincipalAccount": FOREIGN, "aws:ResourceAccount": FOREIGN}
    listed = "arn:aws:s3:::example-uploads/incoming/a"
    yield Row("a listed bucket", "user", "s3:PutObject", listed, ALLOWED, s3, context=own)
    yield Row("a bucket that is not listed", "user", "s3:PutObject", "arn:aws:s3:::evil/a", DENIED, s3, context=own)
    yield Row("a bucket of a foreign account with its keys", "foreign", "s3:PutObject", "arn:aws:s3:::evil/a", DENIED, s3, account=FOREIGN, context=strange)
    yield Row("a listed bucket with foreign keys, even if its own policy is open", "foreign", "s3:PutObject", listed, DENIED, s3, "anybody", context=own | {"aws:PrincipalAccount": FOREIGN})
    yield Row("the release is read", "instance", "s3:GetObject", f"{ARTIFACTS}/releases/s3gate.tar.gz", ALLOWED, s3, granted="InstancePolicy", context=own)
    yield Row("the policy is read", "instance", "s3:GetObject", f"{ARTIFACTS}/policy/policy.yaml", ALLOWED, s3, granted="InstancePolicy", context=own)
    yield Row("nobody writes the policy through the endpoint", "administrator", "s3:PutObject", f"{ARTIFACTS}/policy/policy.yaml", DENIED, s3, context=own)
    yield Row("a segment is archived", "instance", "s3:PutObject", SEGMENT, ALLOWED, s3, "ArchiveBucket", "InstancePolicy", context=own | ONCE | {"aws:SecureTransport": "true"})


def _tamper_rows() -> Iterator[Row]:
    tls = {"aws:SecureTransport": "true", "aws:ResourceAccount": ACCOUNT}
    archive = "ArchiveBucket"
    for who in ("administrator", "root"):
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:BypassGovernanceRetention", "s3:PutObjectLegalHold", "s3:ReplicateDelete"):
            yield Row(f"{who} may not {action} in the archive", who, action, SEGMENT, DENIED, guarded=archive, context=tls)
        for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketLogging", "s3:PutReplicationConfiguration"):
            if who == "root" and action in ALWAYS_ROOTS:
                continue
            yield Row(f"{who} may not {action} on the archive", who, action, ARCHIVE, DENIED, guarded=archive, context=tls)
        yield Row(f"{who} may not put into the archive", who, "s3:PutObject", SEGMENT, DENIED, guarded=archive, context=tls | ONCE)
        yield Row(f"{who} may not shorten the retention", who, "s3:PutObjectRetention", SEGMENT, DENIED, guarded=archive, context=tls)
    yield Row("the archive is read", "administrator", "s3:GetObject", SEGMENT, ALLOWED, guarded=archive, context=tls)
    yield Row("the gate puts a segment once", "instance", "s3:PutObject", SEGMENT, ALLOWED, guarded=archive, granted="InstancePolicy", context=tls | ONCE)
    yield Row("the gate puts none over another", "instance", "s3:PutObject", SEGMENT, DENIED, guarded=archive, granted="InstancePolicy", context=tls | {"s3:ObjectCreationOperation": "true"})
    yield Row("the gate deletes no segment", "instance", "s3:DeleteObjectVersion", SEGMENT, DENIED, guarded=archive, granted="InstancePolicy", context=tls)
    yield Row("nothing without TLS", "instance", "s3:PutObject", SEGMENT, DENIED, guarded=archive, granted="InstancePolicy", context=ONCE | tls | {"aws:SecureTransport": "false"})
    yield Row("the emergency role mends the bucket's policy", "emergency", "s3:PutBucketPolicy", ARCHIVE, ALLOWED, guarded=archive, granted="BreakGlassRole", context=tls)
    yield Row("the emergency role deletes no version", "emergency", "s3:DeleteObjectVersion", SEGMENT, DENIED, guarded=archive, granted="BreakGlassRole", context=tls)
    yield Row("the emergency role bypasses no retention", "emergency", "s3:BypassGovernanceRetention", SEGMENT, DENIED, guarded=archive, granted="BreakGlassRole", context=tls)
    delivery = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": ARCHIVE, "aws:SecureTransport": "true"}
    yield Row("S3 delivers its access log", "logging.s3.amazonaws.com", "s3:PutObject", f"{ACCESS}/archive/1", ALLOWED, guarded="AccessLogBucket", granted="nothing", context=delivery)
    yield Row("S3 delivers nobody else's", "logging.s3.amazonaws.com", "s3:PutObject", f"{ACCESS}/archive/1", DENIED, guarded="AccessLogBucket", granted="nothing", context=delivery | {"aws:SourceAccount": FOREIGN})
    yield Row("nobody deletes the access log", "administrator", "s3:DeleteObject", f"{ACCESS}/archive/1", DENIED, guarded="AccessLogBucket", context=tls)
    group = f"{LOGS}:/s3gate/audit"
    for policy, who in (("InstancePolicy", "instance"), ("AuditProtection", "administrator")):
        for action in ("logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:DeleteMetricFilter", "logs:PutMetricFilter", "logs:DisassociateKmsKey"):
            yield Row(f"{who} may not {action}", who, action, group, EXPLICITLY, granted=policy)
        yield Row(f"{who} may not delete a stream", who, "logs:DeleteLogStream", f"{group}:log-stream:gate-1", EXPLICITLY, granted=policy)
        for action in ("cloudwatch:DeleteAlarms", "cloudwatch:DisableAlarmActions", "cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState"):
            yield Row(f"{who} may not {action}", who, action, f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:s3gate-denials", EXPLICITLY, granted=policy)
    for action in ("logs:PutDataProtectionPolicy", "logs:PutTransformer"):  # what a filter reads would be masked, or another text
        yield Row(f"administrator may not {action}", "administrator", action, group, EXPLICITLY, granted="AuditProtection")
    for action in ("kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"):
        yield Row(f"administrator may not {action}", "administrator", action, f"{KEY}/LogsKey", EXPLICITLY, guarded="LogsKey", granted="AuditProtection")


def _alarm_rows() -> Iterator[Row]:
    service = "cloudwatch.amazonaws.com"
    ours = {"aws:SourceAccount": ACCOUNT}
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:s3gate-denials"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        yield Row(f"alarms may {action} with the topic's key", service, action, f"{KEY}/TopicKey", ALLOWED, guarded="TopicKey", granted="nothing", context=ours)
        yield Row(f"alarms of others may not {action} with it", service, action, f"{KEY}/TopicKey", DENIED, guarded="TopicKey", granted="nothing", context={"aws:SourceAccount": FOREIGN})
    tls = {"aws:SecureTransport": "true"}
    yield Row("alarms publish", service, "sns:Publish", TOPIC, ALLOWED, guarded="AlarmTopic", granted="nothing", context=ours | tls | {"aws:SourceArn": alarm})
    yield Row("alarms of others do not publish", service, "sns:Publish", TOPIC, DENIED, guarded="AlarmTopic", granted="nothing", context={"aws:SourceAccount": FOREIGN, "aws:SourceArn": alarm.replace(ACCOUNT, FOREIGN)} | tls)
    yield Row("a foreign account does not publish", "foreign", "sns:Publish", TOPIC, DENIED, guarded="AlarmTopic", context=tls)
    yield Row("a foreign account does not subscribe", "foreign", "sns:Subscribe", TOPIC, DENIED, guarded="AlarmTopic")


def _instance_rows() -> Iterator[Row]:
    def row(name: str, action: str, resource: str, wanted: str, **context: str) -> Row:
        return Row(name, "instance", action, resource, wanted, granted="InstancePolicy", context={key.replace("_", ":"): one for key, one in context.items()})

    yield row("the CA is fetched", "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/s3gate/ca/key", ALLOWED)
    yield row("no other parameter", "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/database", DENIED)
    yield row("no other secret", "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:database", DENIED)
    yield row("no other log group", "logs:PutLogEvents", f"{LOGS}:mine:log-stream:x", DENIED)
    yield row("the release cannot be changed", "s3:PutObject", f"{ARTIFACTS}/releases/s3gate.tar.gz", DENIED)
    yield row("no data of the users", "s3:GetObject", "arn:aws:s3:::example-uploads/incoming/a", DENIED)
    yield row("no role is passed", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/administrator", DENIED)
    yield row("no command is sent to others", "ssm:SendCommand", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-2", DENIED)

# fmt: on

ROWS: Final = (*_endpoint_rows(), *_s3_rows(), *_tamper_rows(), *_alarm_rows(), *_instance_rows())

"""What is written and who is woken: log groups, filters, alarms, the topic."""

import json
from collections.abc import Iterator
from typing import Final

from guard.deployment import ROOT, Deployment
from guard.finding import Finding, finding
from guard.template import Made, arn_of
from s3gate.alarms.definition import load_definition

YEAR_DAYS: Final = 365
# Where silence is the signal; elsewhere no data is good news.
SILENCE_WAKES: Final = {
    "s3gate-healthy-hosts", "s3gate-status-checks", "s3gate-memory", "s3gate-disk", "s3gate-policy-age",
    "s3gate-reporting",
    *(one.name for one in load_definition().alarms if one.missing_data == "breaching"),
}  # fmt: skip
AGENT: Final = json.loads(
    (ROOT / "deploy" / "instance" / "amazon-cloudwatch-agent.json").read_text(encoding="utf-8")
)
# What instances send to s3gate/host: the CloudWatch agent, under new names, and deploy/instance/publish_metrics.py.
HOST_METRICS: Final = {"PolicyAge", "CaDaysLeft", "AuditLag"} | {
    measurement["rename"]
    for one in AGENT["metrics"]["metrics_collected"].values()
    for measurement in one["measurement"]
}
CA_DAYS: Final = [7, 30, 60]
SERVICE_METRICS: Final = {
    ("AWS/NetworkELB", "HealthyHostCount"), ("AWS/NetworkELB", "UnHealthyHostCount"),
    ("AWS/EC2", "StatusCheckFailed"), ("AWS/EC2", "CPUUtilization"),
}  # fmt: skip
WATCHED: Final = {
    ("AWS/NetworkELB", "HealthyHostCount"), ("AWS/EC2", "StatusCheckFailed"), ("AWS/EC2", "CPUUtilization"),
    ("s3gate/host", "mem_used_percent"), ("s3gate/host", "disk_used_percent"),
    ("s3gate/host", "PolicyAge"), ("s3gate/host", "CaDaysLeft"), ("s3gate/host", "AuditLag"),
}  # fmt: skip


def logs_are_kept(deployment: Deployment) -> Iterator[Finding]:
    """Log groups outlive their stack, for a year and more, under our key, and cannot be deleted by mistake."""
    for made in deployment.of("AWS::Logs::LogGroup"):
        retention = made.properties.get("RetentionInDays")
        if retention is None:
            yield finding(made, "no retention is written out")
        if {made.whole.get("DeletionPolicy"), made.whole.get("UpdateReplacePolicy")} != {"Retain"}:
            yield finding(made, "goes with its stack")
        if str(made.properties.get("LogGroupName")).startswith("/s3gate/flow/"):
            continue  # of the network stack, before there is a key: addresses only
        if retention is not None and int(retention) < YEAR_DAYS:
            yield finding(made, f"{retention} days are less than a year")
        if made.properties.get("KmsKeyId") != deployment.outputs["LogsKeyArn"]:
            yield finding(made, "not under the key of the logs")
        if made.properties.get("DeletionProtectionEnabled") is not True:
            yield finding(made, "can be deleted by mistake")
        if made.properties.get("LogGroupClass", "STANDARD") != "STANDARD":
            yield finding(made, "its class has no metric filters")


def filters_read_what_is_written(deployment: Deployment) -> Iterator[Finding]:
    """Each filter stands on a group of ours (or the trail's) and is one of the definition, to the letter."""
    defined = {one.name: one for one in load_definition().filters}
    namespace = load_definition().namespace
    group = deployment.outputs["AuditLogGroupName"]
    found = {}
    for made in deployment.of("AWS::Logs::MetricFilter"):
        (change,) = made.properties["MetricTransformations"]
        if change["MetricNamespace"] != namespace:
            yield finding(made, f"feeds {change['MetricNamespace']}, which no alarm watches")
        if made.properties["LogGroupName"] == deployment.given.get("TrailLogGroupName"):
            continue
        name = made.properties["FilterName"]
        found[name] = made
        if made.properties["LogGroupName"] != group:
            yield finding(made, f"reads {made.properties['LogGroupName']}, where the gate does not write")
        if name not in defined or made.properties["FilterPattern"] != defined[name].pattern:
            yield finding(made, "its pattern is not the defined one")
        elif (change["MetricName"], change["MetricValue"]) != (defined[name].metric, defined[name].value):
            yield finding(made, "its metric or value is not the defined one")
        if change.get("Dimensions"):
            yield finding(
                made, "has dimensions: AWS switches it off at 1,000 values, and clients choose them"
            )
    for name in sorted(set(defined) - set(found)):
        yield Finding("alarms.yaml", name, "the filter is missing")


def alarms_wake(deployment: Deployment) -> Iterator[Finding]:
    """Each alarm calls the topic, watches a metric that something feeds, and takes silence for what it is."""
    topics = {arn_of(made) for made in deployment.of("AWS::SNS::Topic")}
    fed = {
        (change["MetricNamespace"], change["MetricName"])
        for made in deployment.of("AWS::Logs::MetricFilter")
        for change in made.properties["MetricTransformations"]
    } | {("s3gate/host", name) for name in HOST_METRICS} | SERVICE_METRICS  # fmt: skip
    watched = set()
    for made in deployment.of("AWS::CloudWatch::Alarm"):
        actions = made.properties.get("AlarmActions", [])
        if set(actions) != topics or made.properties.get("ActionsEnabled", True) is not True:
            yield finding(made, f"calls {actions}, not the topic")
        metric = made.properties["Namespace"], made.properties["MetricName"]
        watched.add(metric)
        if metric not in fed:
            yield finding(made, f"watches {metric}, which nothing feeds")
        silence = "breaching" if made.properties["AlarmName"] in SILENCE_WAKES else "notBreaching"
        if made.properties.get("TreatMissingData") != silence:
            yield finding(made, f"missing data is {made.properties.get('TreatMissingData')}, not {silence}")
        yield from _as_defined(made)
    for metric in sorted((fed | WATCHED) - watched - {("AWS/NetworkELB", "UnHealthyHostCount")}):
        yield Finding("alarms.yaml", metric[1], f"no alarm watches {metric}")


def _as_defined(made: Made) -> Iterator[Finding]:
    defined = {one.name: one for one in load_definition().alarms}.get(made.properties["AlarmName"])
    if defined is None:
        return
    found = [made.properties[key] for key in ("MetricName", "ComparisonOperator", "Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm")]  # fmt: skip
    wanted = [defined.metric, defined.comparison, defined.threshold, defined.period_s, defined.evaluation_periods, defined.datapoints_to_alarm]  # fmt: skip
    if found != wanted:
        yield finding(made, f"{found} is not as defined: {wanted}")


def one_silent_instance_is_seen(deployment: Deployment) -> Iterator[Finding]:
    """An alarm counts who reports: what takes the worst of all hears nothing of one that says nothing."""
    counting = [
        (one.properties["Threshold"], one.properties["ComparisonOperator"], one.properties["Period"])
        for one in deployment.of("AWS::CloudWatch::Alarm")
        if (one.properties["MetricName"], one.properties["Statistic"]) == ("PolicyAge", "SampleCount")
    ]
    (healthy,) = (
        one.properties["Threshold"]
        for one in deployment.of("AWS::CloudWatch::Alarm")
        if one.properties["MetricName"] == "HealthyHostCount"
    )
    if counting != [(healthy, "LessThanThreshold", 60)]:  # as often as s3gate-metrics.timer
        yield Finding("hosts.yaml", "PolicyAge", f"counted by {counting}, not below {healthy} a minute")


def the_end_of_the_ca_is_told_in_time(deployment: Deployment) -> Iterator[Finding]:
    """Sixty days ahead to make the next CA, thirty when clients should trust it, seven before all are refused."""
    ends = [
        one for one in deployment.of("AWS::CloudWatch::Alarm") if one.properties["MetricName"] == "CaDaysLeft"
    ]
    days = sorted(one.properties["Threshold"] for one in ends)
    if days != CA_DAYS:
        yield Finding("hosts.yaml", "CaDaysLeft", f"alarms {days} days ahead, not {CA_DAYS}")
    for made in ends:
        if (made.properties["ComparisonOperator"], made.properties["Statistic"]) != (
            "LessThanThreshold",
            "Minimum",
        ):
            yield finding(made, "does not look at the CA that ends first")


def sessions_are_recorded(deployment: Deployment) -> Iterator[Finding]:
    """A shell on an instance is encrypted end to end and written down line by line, or there is none."""
    wanted = {
        "cloudWatchLogGroupName": "/s3gate/sessions", "cloudWatchEncryptionEnabled": True,
        "cloudWatchStreamingEnabled": True, "kmsKeyId": deployment.outputs["DataKeyArn"], "runAsEnabled": False,
    }  # fmt: skip
    documents = list(deployment.of("AWS::SSM::Document"))
    for made in documents:
        inputs = made.properties["Content"]["inputs"]
        for key, value in wanted.items():
            if inputs.get(key) != value:
                yield finding(made, f"{key} is {inputs.get(key)}, not {value}")
    if not documents:
        yield Finding("observability.yaml", "SessionDocument", "no session document")


def topic_is_encrypted_with_our_key(deployment: Deployment) -> Iterator[Finding]:
    """The key that AWS manages for SNS lets no alarm publish, and nobody is told."""
    for made in deployment.of("AWS::SNS::Topic"):
        if made.properties.get("KmsMasterKeyId") != deployment.outputs["TopicKeyArn"]:
            yield finding(made, f"encrypted with {made.properties.get('KmsMasterKeyId')}")

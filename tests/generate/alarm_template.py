"""Write the CloudFormation template of filters and alarms from the data file that also feeds demo and tests.

Run `python tests/generate/alarm_template.py deploy/cloudformation/alarms.yaml` after
`alarms.json` changed; a test compares the committed file with `render()`.
"""

import sys
from pathlib import Path

import yaml

from s3gate.alarms.definition import Alarm, Definition, MetricFilter, load_definition

HEAD = """\
# What wakes somebody: metric filters on the audit's log group, and an alarm on each metric.
# Generated from addons/s3gate/alarms/alarms.json; change that, then run
#   python tests/generate/alarm_template.py deploy/cloudformation/alarms.yaml
"""

# A name of a log group, as the settings take it (CreateLogGroup, API reference: logGroupName).
LOG_GROUP = "[A-Za-z0-9._/#-]{1,512}"
TOPIC = "arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"


def template(definition: Definition) -> dict[str, object]:
    """The template as a value."""
    resources = {resource_id(one.name, "Filter"): _filter(one, definition) for one in definition.filters}
    resources |= {resource_id(one.name, "Alarm"): _alarm(one, definition) for one in definition.alarms}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "s3gate: metric filters and alarms on the audit log group",
        "Metadata": {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [
                    {"Label": {"default": "What is watched"}, "Parameters": ["LogGroupName"]},
                    {"Label": {"default": "Who is woken"}, "Parameters": ["TopicArn"]},
                ]
            }
        },
        "Parameters": {
            "LogGroupName": {
                "Type": "String",
                "Description": "The existing log group that s3gate ships to: `cloudwatch.log_group` of its settings.",
                "Default": definition.log_group,
                "AllowedPattern": LOG_GROUP,
            },
            "TopicArn": {
                "Type": "String",
                "Description": "ARN of the SNS topic, in this region, whose subscribers are woken.",
                "AllowedPattern": TOPIC,
                "ConstraintDescription": "the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME",
            },
        },
        "Resources": resources,
    }


def resource_id(name: str, kind: str) -> str:
    """`s3gate-late-denials`, `Alarm` → `LateDenialsAlarm`; logical ids are alphanumeric."""
    return "".join(part.capitalize() for part in name.removeprefix("s3gate-").split("-")) + kind


def _filter(one: MetricFilter, definition: Definition) -> dict[str, object]:
    change = {
        "MetricNamespace": definition.namespace,
        "MetricName": one.metric,
        "MetricValue": one.value,
        "Unit": one.unit,
    }
    return {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": "LogGroupName"},
            "FilterName": one.name,
            "FilterPattern": one.pattern,
            "MetricTransformations": [change],
        },
    }


def _alarm(one: Alarm, definition: Definition) -> dict[str, object]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": one.name,
            "AlarmDescription": one.description,
            "Namespace": definition.namespace,
            "MetricName": one.metric,
            "Statistic": one.statistic,
            "Period": one.period_s,
            "EvaluationPeriods": one.evaluation_periods,
            "DatapointsToAlarm": one.datapoints_to_alarm,
            "ComparisonOperator": one.comparison.value,
            "Threshold": one.threshold,
            "TreatMissingData": one.missing_data.value,
            "AlarmActions": [{"Ref": "TopicArn"}],
        },
    }


def render(definition: Definition) -> str:
    """The template as the committed file holds it."""
    body: str = yaml.safe_dump(template(definition), sort_keys=False, width=110)
    return HEAD + body


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(load_definition()), encoding="utf-8")

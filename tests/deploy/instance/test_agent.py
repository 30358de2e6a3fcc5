"""The CloudWatch agent's file: what it sends is what the roles admit and what the alarms look at."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
AGENT = json.loads((ROOT / "deploy" / "instance" / "amazon-cloudwatch-agent.json").read_text())
TEMPLATES = ROOT / "deploy" / "cloudformation"
FILES = AGENT["logs"]["logs_collected"]["files"]["collect_list"]


class Tolerant(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """Reads CloudFormation's short functions as what stands behind them."""


Tolerant.add_multi_constructor(
    "!",
    lambda loader, _tag, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def resources(name: str, kind: str) -> list[dict[str, object]]:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    document = yaml.load(text, Tolerant)  # noqa: S506 - a SafeLoader
    return [one["Properties"] for one in document["Resources"].values() if one["Type"] == kind]


def test_its_keys_are_those_of_the_agent() -> None:
    """Amazon CloudWatch User Guide, "Manually create or edit the CloudWatch agent configuration file"."""
    assert set(AGENT) == {"agent", "metrics", "logs"}
    assert set(AGENT["agent"]) <= {
        "metrics_collection_interval", "omit_hostname", "run_as_user", "logfile", "region", "debug",
    }  # fmt: skip
    assert set(AGENT["metrics"]) <= {
        "namespace", "aggregation_dimensions", "append_dimensions", "metrics_collected", "endpoint_override",
    }  # fmt: skip
    assert set(AGENT["metrics"]["metrics_collected"]["disk"]) == {"measurement", "resources", "drop_device"}
    allowed = {"file_path", "log_group_name", "log_stream_name", "timezone", "retention_in_days"}
    for one in FILES:
        assert {"file_path", "log_group_name", "log_stream_name"} <= set(one) <= allowed
        assert Path(one["file_path"]).is_absolute()


def test_metrics_have_no_dimensions_as_the_alarms_want_them() -> None:
    """`append_dimensions` by the group's name would need the EC2 endpoint."""
    assert AGENT["metrics"]["aggregation_dimensions"] == [[]]
    assert AGENT["agent"]["omit_hostname"] is True
    assert "append_dimensions" not in AGENT["metrics"]


def test_every_host_alarm_has_its_metric() -> None:
    sent = {
        one["rename"]
        for plugin in AGENT["metrics"]["metrics_collected"].values()
        for one in plugin["measurement"]
    }
    alarms = [
        one
        for one in resources("hosts.yaml", "AWS::CloudWatch::Alarm")
        if one.get("Namespace") == AGENT["metrics"]["namespace"]
    ]
    published = (ROOT / "deploy" / "instance" / "publish_metrics.py").read_text(encoding="utf-8")
    watched = {str(one["MetricName"]) for one in alarms}
    assert sent <= watched
    assert all(f'"{name}"' in published for name in watched - sent)
    assert not any("Dimensions" in one for one in alarms)


def test_the_role_admits_the_namespace_and_the_group() -> None:
    text = (TEMPLATES / "security.yaml").read_text(encoding="utf-8")
    assert f"'cloudwatch:namespace': {AGENT['metrics']['namespace']}}}" in text
    for group in {one["log_group_name"] for one in FILES}:
        assert f"log-group:{group}:*'" in text
        assert {"LogGroupName": group}.items() <= next(
            one for one in resources("observability.yaml", "AWS::Logs::LogGroup") if one["LogGroupName"] == group
        ).items()  # fmt: skip


@pytest.mark.parametrize("one", FILES, ids=lambda one: one["file_path"])
def test_each_instance_writes_streams_of_its_own(one: dict[str, str]) -> None:
    assert one["log_stream_name"].startswith("{instance_id}/")
    assert "retention_in_days" not in one  # would need logs:PutRetentionPolicy, which is denied


def test_who_logs_in_and_what_root_does_is_collected() -> None:
    collected = {one["file_path"] for one in FILES}
    assert {"/var/log/audit/audit.log", "/var/log/secure"} <= collected
    assert not any(re.search("s3gate", one) for one in collected)  # the gate ships its own audit

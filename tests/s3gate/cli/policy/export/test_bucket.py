"""`s3gate policy export bucket`: one document a bucket, two for the cut-over."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

POLICY = """version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard, access-point]}
rules:
  - {id: a, bucket: one, allow: [read]}
  - {id: b, bucket: two, allow: [read]}
  - {id: c, bucket: one, allow: [write]}
  - {id: d, access_point: "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin", allow: [read]}
"""
VPCE = "vpce-0a1b2c3d"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return str(file)


def export(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "export", "bucket", *arguments])


def test_each_bucket_once(policy: str) -> None:
    result = export("--policy", policy, "--vpc-endpoint-id", VPCE, "--json")
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["bucket"] for line in result.stdout.splitlines()] == ["one", "two"]
    assert "rule `d`: left out" in result.stderr
    assert "--except-principal ARN keeps a way" in result.stderr


def test_one_bucket_is_ready_to_be_applied(policy: str) -> None:
    arguments = [
        "--policy",
        policy,
        "--vpc-endpoint-id",
        VPCE,
        "--vpc-endpoint-id",
        "vpce-99999999",
        "--bucket",
        "two",
    ]
    role = "arn:aws:iam::111122223333:role/deploy"
    [statement] = json.loads(export(*arguments, "--except-principal", role).stdout)["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == ["arn:aws:s3:::two", "arn:aws:s3:::two/*"]
    assert statement["Condition"]["StringNotEquals"] == {"aws:SourceVpce": [VPCE, "vpce-99999999"]}
    assert statement["Condition"]["ArnNotEquals"] == {"aws:PrincipalArn": role}


def test_the_two_steps_of_the_cut_over(policy: str) -> None:
    result = export(
        "--policy", policy, "--vpc-endpoint-id", VPCE, "--bucket", "one", "--cut-over", "--source-ip", "198.35.26.96/32", "--json"
    )  # fmt: skip
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["step"], second["step"]) == (1, 2)
    assert first["policy"]["Statement"][0]["Condition"]["NotIpAddress"] == {"aws:SourceIp": "198.35.26.96/32"}
    assert "NotIpAddress" not in second["policy"]["Statement"][0]["Condition"]
    assert "step 2 when" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--vpc-endpoint-id", VPCE, "--bucket", "three"], "lists no general purpose bucket `three`"),
        (["--vpc-endpoint-id", VPCE, "--cut-over"], "--cut-over and --source-ip go together"),
        (
            ["--vpc-endpoint-id", VPCE, "--source-ip", "198.35.26.96"],
            "--cut-over and --source-ip go together",
        ),
        (["--bucket", "one"], "--vpc-endpoint-id"),
        (["--vpc-endpoint-id", "vpce-*"], "no id of a VPC endpoint"),
    ],
)
def test_mistakes(policy: str, arguments: list[str], why: str) -> None:
    result = export("--policy", policy, *arguments)
    assert result.exit_code == 2
    assert why in result.stderr


def test_too_many_endpoints(policy: str) -> None:
    ids = [word for number in range(900) for word in ("--vpc-endpoint-id", f"vpce-{number:017x}")]
    result = export("--policy", policy, *ids)
    assert result.exit_code == 1
    assert "longer than 20480 bytes" in result.stderr
    assert result.stdout == ""

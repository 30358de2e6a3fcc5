"""`s3gate policy export iam`: managed policies that add up."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

HEAD = """version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
clients: {batch: {cidrs: [10.1.0.0/16]}, build: {cidrs: [10.2.0.0/16]}}
rules:
"""
VPCE = "vpce-0a1b2c3d"


def policy(path: Path, rules: str) -> str:
    file = path / "policy.yaml"
    file.write_text(HEAD + rules)
    return str(file)


def export(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "export", "iam", "--vpc-endpoint-id", VPCE, *arguments])


def test_the_rules_of_one_group(tmp_path: Path) -> None:
    rules = "".join(
        f"  - {{id: {name}, bucket: for-{name}, allow: [GetObject], clients: [{name}]}}\n"
        for name in ("batch", "build")
    )
    result = export("--policy", policy(tmp_path, rules), "--client", "batch")
    assert result.exit_code == 0, result.output
    [statement] = json.loads(result.stdout)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": ["arn:aws:s3:::for-batch/*"],
        "Condition": {"StringEquals": {"aws:SourceVpce": VPCE}},
    }


def test_the_rules_of_one_account(tmp_path: Path) -> None:
    rules = '  - {id: a, bucket: theirs, allow: [GetObject], accounts: ["111122223333"]}\n'
    file = policy(tmp_path, rules)
    assert export("--policy", file, "--account", "111122223333").exit_code == 0
    other = export("--policy", file, "--account", "999988887777")
    assert other.exit_code == 2
    assert "no rule is for these users" in other.stderr


def test_too_long_and_split(tmp_path: Path) -> None:
    rules = "".join(f"  - {{id: r{n}, bucket: bucket-{n:04}, allow: [GetObject]}}\n" for n in range(300))
    file = policy(tmp_path, rules)
    result = export("--policy", file)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "a managed policy takes 6144; --split: 2 managed policies add up to the same" in result.stderr
    parts = [json.loads(line) for line in export("--policy", file, "--split", "--json").stdout.splitlines()]
    assert [part["part"] for part in parts] == [1, 2]
    assert all(part["characters"] <= 6144 for part in parts)
    assert sum(len(one["Resource"]) for part in parts for one in part["policy"]["Statement"]) == 300


@pytest.mark.parametrize(
    ("option", "value"), [("--client", "nobody"), ("--region", "us-east-1"), ("--account", "1")]
)
def test_mistakes(tmp_path: Path, option: str, value: str) -> None:
    result = export("--policy", policy(tmp_path, "  - {id: a, bucket: one, allow: [read]}\n"), option, value)
    assert result.exit_code == 2
    assert value in result.stderr

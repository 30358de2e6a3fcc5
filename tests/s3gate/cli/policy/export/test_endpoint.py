"""`s3gate policy export vpc-endpoint`: a document that aws ec2 takes, or why there is none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

ROOT = Path(__file__).parents[5]
HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\nrules:\n"


def export(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "export", "vpc-endpoint", *arguments])


def many(path: Path, count: int) -> str:
    rules = "".join(f"  - {{id: r{n}, bucket: bucket-{n:05}, allow: [GetObject]}}\n" for n in range(count))
    file = path / "policy.yaml"
    file.write_text(HEAD + rules)
    return str(file)


def test_the_example() -> None:
    result = export("--policy", str(ROOT / "config" / "policy.yaml"))
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["Version"] == "2012-10-17"
    assert all(one["Effect"] == "Allow" and one["Principal"] == "*" for one in document["Statement"])
    assert "`clients` is the gate's alone" in result.stderr


def test_json_tells_the_size_and_the_place() -> None:
    result = export("--policy", str(ROOT / "config" / "policy.yaml"), "--json")
    [line] = [json.loads(text) for text in result.stdout.splitlines()]
    assert (line["kind"], line["service"], line["region"]) == ("vpc-endpoint", "s3", "ap-northeast-1")
    assert (
        line["characters"] == len(json.dumps(line["policy"], separators=(",", ":"))) < line["limit"] == 20480
    )


def test_too_long_is_the_answer_no_with_what_can_be_done(tmp_path: Path) -> None:
    result = export("--policy", many(tmp_path, 900))
    assert result.exit_code == 1
    assert result.stdout == ""
    said = result.stderr
    assert "characters; an endpoint takes 20480, not adjustable; with --coarse it has " in said
    assert "--split makes 2 policies. But parts do not add up" in said


def test_split_writes_parts_that_fit(tmp_path: Path) -> None:
    result = export("--policy", many(tmp_path, 900), "--split", "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(text) for text in result.stdout.splitlines()]
    assert [line["part"] for line in lines] == [1, 2]
    assert all(line["characters"] <= 20480 for line in lines)
    found = {
        one for line in lines for statement in line["policy"]["Statement"] for one in statement["Resource"]
    }
    assert found == {f"arn:aws:s3:::bucket-{n:05}/*" for n in range(900)}
    assert "parts do not add up" in result.stderr


def test_without_white_space_where_it_would_not_fit_otherwise(tmp_path: Path) -> None:
    result = export("--policy", many(tmp_path, 600))
    assert result.exit_code == 0
    assert len(result.stdout.strip()) <= 20480
    assert "\n" not in result.stdout.strip()


def test_coarse(tmp_path: Path) -> None:
    document = json.loads(export("--policy", many(tmp_path, 1), "--coarse").stdout)
    [statement] = document["Statement"]
    assert statement["Action"] == ["s3:*"]
    assert statement["Resource"] == ["arn:aws:s3:::bucket-00000", "arn:aws:s3:::bucket-00000/*"]


def test_no_rule_gives_a_policy_that_denies(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD.replace("rules:\n", ""))
    [statement] = json.loads(export("--policy", str(file)).stdout)["Statement"]
    assert statement["Effect"] == "Deny"


def settings(tmp_path: Path, cloudwatch: str) -> str:
    many(tmp_path, 1)
    file = tmp_path / "s3gate.yaml"
    file.write_text(
        f"policy: policy.yaml\nca: {{certificate: a.pem, private_key: a.key}}\n"
        f"audit: {{directory: audit, hmac_key: k}}\ncloudwatch: {cloudwatch}\n"
    )
    return str(file)


def test_the_logs_endpoint_from_the_settings(tmp_path: Path) -> None:
    config = settings(tmp_path, "{region: eu-west-1, log_group: /own/group}")
    result = export("--service", "logs", "--config", config, "--account", "111122223333")
    assert result.exit_code == 0, result.output
    [statement] = json.loads(result.stdout)["Statement"]
    group = "arn:aws:logs:eu-west-1:111122223333:log-group:/own/group"
    assert statement["Resource"] == [group, f"{group}:*"]


@pytest.mark.parametrize(
    ("cloudwatch", "more", "why"),
    [
        ("{region: eu-west-1}", [], "add --account"),
        ("{enabled: false}", ["--account", "111122223333"], "no `cloudwatch.region`"),
        ("{region: eu-west-1}", ["--account", "111122223333", "--coarse"], "rendered from the settings"),
        ("{region: eu-west-1}", ["--account", "11112222333"], "11112222333"),
    ],
)
def test_what_the_logs_endpoint_needs(tmp_path: Path, cloudwatch: str, more: list[str], why: str) -> None:
    result = export("--service", "logs", "--config", settings(tmp_path, cloudwatch), *more)
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_directory_bucket_has_an_endpoint_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        HEAD.replace("[standard]", "[express]") + "  - {id: z, bucket: a--euw1-az1--x-s3, allow: [read]}\n"
    )
    result = export("--policy", str(file), "--service", "s3express", "--account", "111122223333")
    [statement] = json.loads(result.stdout)["Statement"]
    assert statement["Resource"] == ["arn:aws:s3express:eu-west-1:111122223333:bucket/a--euw1-az1--x-s3"]

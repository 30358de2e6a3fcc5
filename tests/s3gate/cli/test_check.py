"""`s3gate check`: every mistake with its place, and what the exit code says."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

ROOT = Path(__file__).parents[3]
GOOD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard], path_style: allow}\n"
RULE = "rules: [{id: a, bucket: bkt, allow: [read]}]\n"


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD + RULE, encoding="utf-8")
    return path


def test_a_policy_without_mistakes(policy: Path) -> None:
    result = check("--policy", str(policy))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{policy}: the policy is fine: 1 rule, 0 hosts, sha256:")
    assert result.stderr == ""


def test_mistakes_are_told_with_line_caret_and_next_step(policy: Path) -> None:
    policy.write_text(GOOD + RULE.replace("bkt", "Bkt").replace("read", "Read"), encoding="utf-8")
    result = check("--policy", str(policy))
    assert result.exit_code == 2
    assert result.stderr.split("\n") == [
        f"{policy}:3:25: upper case in bucket `Bkt`",
        "    rules: [{id: a, bucket: Bkt, allow: [Read]}]",
        "                            ^",
        "    next: write `bkt`",
        "",
        f"{policy}:3:38: `Read` is neither an operation class nor an S3 operation",
        "    rules: [{id: a, bucket: Bkt, allow: [Read]}]",
        "                                         ^",
        "    next: write `read`",
        "",
        f"{policy}: 2 mistakes",
        "",
    ]


def test_warnings_alone_are_fine(policy: Path) -> None:
    policy.write_text(GOOD.replace("style: allow", "style: deny") + RULE, encoding="utf-8")
    result = check("--policy", str(policy))
    assert result.exit_code == 0
    assert f"{policy}:2:75: warning: path-style is refused" in result.stderr


def test_json(policy: Path) -> None:
    policy.write_text(GOOD.replace("aws]", "awz]") + RULE, encoding="utf-8")
    result = check("--policy", str(policy), "--json")
    assert result.exit_code == 2
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert (lines[0]["line"], lines[0]["severity"], lines[0]["suggestion"]) == (2, "error", "write `aws`")
    assert lines[-1] == {"file": str(policy), "ok": False, "errors": 1, "warnings": 0}


@pytest.mark.parametrize("option", ["--policy", "--config"])
def test_a_file_that_is_not_there(tmp_path: Path, option: str) -> None:
    result = check(option, str(tmp_path / "none.yaml"))
    assert result.exit_code == 2
    assert "none.yaml: cannot be read: No such file or directory" in result.stderr


def test_one_file_at_a_time(policy: Path) -> None:
    assert check("--policy", str(policy), "--config", str(policy)).exit_code == 2


SETTINGS = """\
policy: policy.yaml
ca: {certificate: ca.pem, private_key: ca.key}
audit: {directory: audit, hmac_key: audit.key}
cloudwatch: {enabled: false}
"""


def test_the_policy_that_settings_name_is_checked_too(policy: Path) -> None:
    config = policy.with_name("s3gate.yaml")
    config.write_text(SETTINGS, encoding="utf-8")
    result = check("--config", str(config))
    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [str(config), str(policy)]
    policy.write_text("version: 1\n", encoding="utf-8")
    assert check("--config", str(config)).exit_code == 2


def test_wrong_settings(policy: Path) -> None:
    config = policy.with_name("s3gate.yaml")
    config.write_text(SETTINGS + "worker: 1\n", encoding="utf-8")
    result = check("--config", str(config))
    assert result.exit_code == 2
    assert (
        f"{config}:5:1: unknown key `worker`\n    worker: 1\n    ^\n    next: write `workers`"
        in result.stderr
    )


def test_the_examples_of_the_help_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in os.environ if one.startswith("S3GATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)
    text = CliRunner().invoke(main, ["check", "--help"]).output
    examples = [line.split() for line in text.splitlines() if line.strip().startswith("s3gate check ")]
    assert len(examples) == 3
    for words in [*examples, ["s3gate", "check"]]:
        assert CliRunner().invoke(main, words[1:]).exit_code == 0, words


def test_an_owner_that_awscli_cannot_prove_is_a_warning(policy: Path) -> None:
    policy.write_text(GOOD + RULE.replace("[read]", '[read], owner: "111122223333"'), encoding="utf-8")
    result = check("--policy", str(policy))
    assert result.exit_code == 0
    assert "`aws s3 cp` cannot send x-amz-expected-bucket-owner" in result.stderr


def test_an_access_point_of_another_partition_is_a_mistake(policy: Path) -> None:
    arn = "arn:aws-cn:s3:eu-west-1:111122223333:accesspoint/app"
    policy.write_text(GOOD + RULE.replace("bucket: bkt", f'access_point: "{arn}"'), encoding="utf-8")
    result = check("--policy", str(policy))
    assert result.exit_code == 2
    assert f"{policy}:3:31: region `eu-west-1` of the ARN lies in partition `aws`" in result.stderr


PRESETS = "presets: [ssm-agent, ecr]\n"


def test_what_presets_open_is_printed(policy: Path) -> None:
    policy.write_text(GOOD + PRESETS, encoding="utf-8")
    result = check("--policy", str(policy), "--show-presets")
    assert (result.exit_code, result.stderr) == (0, "")
    *rows, last = result.stdout.splitlines()
    assert [line.split() for line in rows if line.startswith("    eu-west-1")] == [
        ["eu-west-1", "amazon-ssm-eu-west-1"],
        ["eu-west-1", "aws-ssm-eu-west-1"],
        ["eu-west-1", "aws-windows-downloads-eu-west-1"],
        ["eu-west-1", "prod-eu-west-1-starport-layer-bucket"],
    ]
    assert last.startswith(f"{policy}: the policy is fine: 0 rules, 0 hosts, 2 presets of 4 buckets, sha256:")


def test_what_presets_open_as_json_lines(policy: Path) -> None:
    policy.write_text(GOOD + PRESETS, encoding="utf-8")
    *rows, last = map(
        json.loads, check("--policy", str(policy), "--show-presets", "--json").stdout.splitlines()
    )
    assert [row["bucket"] for row in rows][-1] == "prod-eu-west-1-starport-layer-bucket"
    assert last["ok"] is True


def test_presets_are_not_printed_unasked(policy: Path) -> None:
    policy.write_text(GOOD + PRESETS.replace(", ecr", ""), encoding="utf-8")
    assert len(check("--policy", str(policy)).stdout.splitlines()) == 1
    assert "1 preset of 3 buckets" in check("--policy", str(policy)).stdout


SETTINGS = """\
policy: policy.yaml
ca: {certificate: ca.pem, private_key: ca.key}
audit: {directory: audit, hmac_key: audit.key}
cloudwatch: {enabled: false}
"""
HASH = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


def settings_with(policy: Path, users: str, lines: str = "users: users\n") -> str:
    (policy.parent / "users").write_text(users, encoding="utf-8")
    (policy.parent / "s3gate.yaml").write_text(SETTINGS + lines, encoding="utf-8")
    return str(policy.parent / "s3gate.yaml")


def test_the_users_file_is_checked_and_none_of_it_shown(policy: Path) -> None:
    policy.write_text(GOOD + RULE + "clients: {people: {users: [alice, carol]}}\n", encoding="utf-8")
    fine = check("--config", settings_with(policy, f"alice:{HASH}\ncarol:{HASH}\n"))
    assert (fine.exit_code, fine.stderr) == (0, "")
    assert f"{policy.parent / 'users'}: the users are fine: 2 users\n" in fine.stdout
    wrong = check("--config", settings_with(policy, f"alice:plain-secret\nbob:{HASH}x\n"))
    assert wrong.exit_code == 2
    assert (
        f"{policy.parent / 'users'}:1:7: what stands behind user `alice` is no bcrypt hash\n" in wrong.stderr
    )
    assert f"{policy.parent / 'users'}: 2 mistakes" in wrong.stderr
    assert "plain-secret" not in wrong.output
    assert HASH not in wrong.output


def test_policy_and_users_file_are_compared(policy: Path) -> None:
    policy.write_text(GOOD + RULE + "clients: {people: {users: [alice, carol]}}\n", encoding="utf-8")
    locked_out = check("--config", settings_with(policy, f"alice:{HASH}\n"))
    assert locked_out.exit_code == 0
    assert "warning: user `carol` has no line in the users file: nobody can be it" in locked_out.stderr
    nobody = check("--config", settings_with(policy, "", lines=""))
    assert nobody.exit_code == 2
    assert "client group `people` has users, and the settings name no file" in nobody.stderr


def test_the_cases_beside_a_policy_are_checked_too(policy: Path) -> None:
    """A gate does not start with a policy that its cases speak against."""
    cases = policy.with_name("policy_cases.yaml")
    case = (
        'version: 1\nnow: "2026-07-01T00:00:00Z"\nkey_id: AKIARTX3GSDSQAAACAQD\ncases:\n  - name: reads\n'
        "    request: {method: GET, url: 'https://bkt.s3.eu-west-1.amazonaws.com/k'}\n    expect: {reason: %s}\n"
    )
    cases.write_text(case % "ALLOWED_BY_RULE", encoding="utf-8")
    result = check("--policy", str(policy))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"{cases}: the cases hold")
    cases.write_text(case % "BUCKET_NOT_LISTED", encoding="utf-8")
    result = check("--policy", str(policy))
    assert result.exit_code == 2
    assert f"{cases}:5:1: `reads` expects BUCKET_NOT_LISTED, the policy says ALLOWED_BY_RULE" in result.stderr
    cases.write_text(case % "NONE", encoding="utf-8")
    result = check("--policy", str(policy), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout.splitlines()[-2])["message"] == "`NONE` is no reason"

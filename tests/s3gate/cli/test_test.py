"""`s3gate test`: the cases beside a policy, as a person and as a machine read what came out."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", *arguments])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    for name in ("policy.yaml", "policy_cases.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path / name)
    return tmp_path / "policy.yaml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_cases_beside_the_policy_hold(policy: Path) -> None:
    result = run("--policy", str(policy))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{policy.with_name('policy_cases.yaml')}: 26 cases hold\n"


def test_a_policy_that_opens_more_differs(policy: Path) -> None:
    edit(policy, "[read, list]", "[read, list, write]")
    result = run("--policy", str(policy))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{policy.with_name('policy_cases.yaml')}:66: a report may not be written",
        "    - reason     OPERATION_NOT_ALLOWED",
        "    + reason     ALLOWED_BY_RULE",
        "      rule       reports",
        "      because    on the egress allowlist",
        "",
        f"{policy.with_name('policy_cases.yaml')}: 1 of 26 cases differ: mend the policy, or what they expect",
    ]


def test_what_a_request_brings_does_not_reach_the_terminal(policy: Path) -> None:
    url = "https://example-uploads.s3.ap-northeast-1.amazonaws.com/outgoing/report.csv"
    edit(policy.with_name("policy_cases.yaml"), f"url: {url}", f'url: "{url}%1b%5b2J"')
    edit(policy.with_name("policy_cases.yaml"), "reason: KEY_NOT_ALLOWED", "reason: DRAINING")
    result = run("--policy", str(policy))
    assert result.exit_code == 1
    assert "\\x1b[2J" in result.stdout
    assert "\x1b" not in result.stdout


def test_json_tells_every_case(policy: Path) -> None:
    edit(policy, "keys: [", "# keys: [")
    result = run("--policy", str(policy), "--json")
    assert result.exit_code == 1
    *cases, summary = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(cases) == 26
    (other,) = [one for one in cases if not one["ok"]]
    assert other == {
        "file": str(policy.with_name("policy_cases.yaml")),
        "line": 74,
        "name": "a key outside the rule's",
        "ok": False,
        "expected": {"reason": "KEY_NOT_ALLOWED", "rule": "uploads"},
        "found": {"reason": "ALLOWED_BY_RULE", "rule": "uploads"},
        "detail": "on the egress allowlist",
    }
    assert cases[0]["expected"] == {"reason": "ALLOWED_BY_RULE", "rule": "uploads"}
    assert (summary["ok"], summary["cases"], summary["differences"]) == (False, 26, 1)
    assert summary["policy"].startswith("sha256:")


@pytest.mark.parametrize("name", ["policy.yaml", "policy_cases.yaml"])
def test_mistakes_of_either_file_are_told(policy: Path, name: str) -> None:
    edit(policy.with_name(name), "version: 1", "version: 3")
    result = run("--policy", str(policy))
    assert result.exit_code == 2
    assert f"{policy.with_name(name)}:" in result.stderr
    assert "`3` is not one of `1`" in result.stderr
    machine = run("--policy", str(policy), "--json")
    assert (machine.exit_code, machine.stderr) == (2, "")
    assert json.loads(machine.stdout)["message"] == "`3` is not one of `1`"


def test_cases_that_are_not_there(policy: Path) -> None:
    policy.with_name("policy_cases.yaml").unlink()
    result = run("--policy", str(policy))
    assert result.exit_code == 2
    assert "no cases at" in result.stderr
    moved = run("--policy", str(policy), "--cases", str(ROOT / "config" / "policy_cases.yaml"))
    assert moved.exit_code == 0


def test_a_cases_file_that_cannot_be_read(policy: Path) -> None:
    result = run("--policy", str(policy), "--cases", str(policy.parent))
    assert result.exit_code == 2
    assert "cannot be read: Is a directory" in result.stderr


def test_the_examples_of_the_help_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = run("--help").output
    examples = [shlex.split(line) for line in text.splitlines() if line.strip().startswith("s3gate test ")]
    assert len(examples) == 2
    for words in examples:
        assert CliRunner().invoke(main, words[1:]).exit_code == 0, words

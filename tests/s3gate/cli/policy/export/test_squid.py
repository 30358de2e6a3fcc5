"""`s3gate policy export squid`: names alone on standard output."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from s3gate.cli import main

ROOT = Path(__file__).parents[5]


def export(*arguments: str) -> Result:
    policy = str(ROOT / "config" / "policy.yaml")
    return CliRunner().invoke(main, ["policy", "export", "squid", "--policy", policy, *arguments])


def test_a_name_a_line() -> None:
    result = export()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "example-uploads.s3.ap-northeast-1.amazonaws.com" in lines
    assert "logs.ap-northeast-1.amazonaws.com" in lines
    assert "s3.ap-northeast-1.amazonaws.com" not in lines
    assert all(line.strip() == line and " " not in line for line in lines)


def test_json_names_the_rule() -> None:
    found = [json.loads(line) for line in export("--json", "--client", "batch").stdout.splitlines()]
    assert {"name": "example-uploads.s3.ap-northeast-1.amazonaws.com", "rule": "uploads"} in found
    assert {"name": "logs.ap-northeast-1.amazonaws.com", "rule": None} in found


def test_what_squid_cannot_see_is_told() -> None:
    said = export().stderr
    assert "Squid checks the CONNECT name alone" in said
    assert "path-style hosts are left out" in said
    assert "--client NAME makes a list for each group" in said

"""`s3gate reload`: a line and an exit code for what came of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate_process import GateFiles
from s3gate.cli import main
from s3gate.control import serve_control


def ask(config: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["reload", "--config", str(config), *options])


@pytest.mark.parametrize(
    ("outcome", "code", "told"),
    [
        ("changed", 0, "the policy is now sha256:b, was sha256:a; 3 rules"),
        ("unchanged", 0, "the policy is still sha256:b"),
        ("refused", 1, "refused, sha256:b stays in force: line 4"),
        ("unreachable", 3, "sha256:b stays in force: line 4"),
        ("timeout", 3, "no word yet, look at /readyz: line 4"),
    ],
)
def test_each_outcome_has_its_line_and_its_code(tmp_path: Path, outcome: str, code: int, told: str) -> None:
    config = GateFiles(tmp_path).write()
    fields = {"outcome": outcome, "before": "sha256:a", "policy": "sha256:b", "rules": 3, "why": "line 4"}
    with serve_control(tmp_path / "audit", lambda: json.dumps(fields).encode() + b"\n"):
        plain, as_json = ask(config), ask(config, "--json")
    assert (plain.exit_code, plain.output) == (code, told + "\n")
    assert (as_json.exit_code, json.loads(as_json.output)) == (code, fields)


def test_without_a_gate_it_ends_with_3(tmp_path: Path) -> None:
    done = ask(GateFiles(tmp_path).write())
    assert (done.exit_code, "no gate serves on" in done.output) == (3, True)


def test_wrong_settings_end_it_with_2(tmp_path: Path) -> None:
    config = GateFiles(tmp_path, settings="lisen: {}\n").write()
    done = ask(config)
    assert (done.exit_code, "lisen" in done.output) == (2, True)

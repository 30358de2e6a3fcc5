"""The tools of deploy/: a help that fits a terminal, and mistakes that are told without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
HERE = Path(sys.executable).parent
WORDS = {
    "stacks.py": ("--region", "eu-west-1"),
    "endpoint_policy.py": (
        "--region", "eu-west-1", "--account", "111122223333",
        "--policy", str(DEPLOY.parent / "config" / "policy.yaml"),
    ),
}  # fmt: skip


def run(tool: str, *words: str, path: str = f"{HERE}:{os.defpath}") -> tuple[int, str]:
    """Exit code and all that was printed."""
    done = subprocess.run(
        [sys.executable, str(DEPLOY / tool), *words],
        env={"PATH": path, "COLUMNS": "80"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["stacks.py", "endpoint_policy.py", "sizing.py", "costs.py"])
def test_its_help_fits_a_terminal_and_has_an_example(tool: str) -> None:
    code, told = run(tool, "--help")
    assert code == 0
    assert f"    deploy/{tool}" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("tool", WORDS)
@pytest.mark.parametrize(
    ("data", "why"),
    [(None, "cannot be read"), ("{", "is no JSON"), ("[]", "is no JSON object")],
    ids=["gone", "broken", "list"],
)
def test_parameters_that_are_none_are_told(tmp_path: Path, tool: str, data: str | None, why: str) -> None:
    params = tmp_path / "params.json"
    if data is not None:
        params.write_text(data)
    code, told = run(tool, "--params", str(params), *WORDS[tool])
    assert (code, why in told, "Traceback" in told) == (2, True, False), told


def test_no_aws_cli_is_the_environments_fault() -> None:
    params = str(DEPLOY / "params" / "prod.json")
    code, told = run("stacks.py", "--params", params, *WORDS["stacks.py"], path="/nonexistent")
    assert (code, told) == (3, "the AWS CLI is not on PATH: install it, or add its directory\n")


def test_a_python_without_s3gate_is_the_environments_fault() -> None:
    tool, params = DEPLOY / "endpoint_policy.py", str(DEPLOY / "params" / "prod.json")
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(tool), "--params", params, *WORDS["endpoint_policy.py"]],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "has no s3gate" in done.stderr) == (3, True), done.stderr

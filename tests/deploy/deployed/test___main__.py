"""The words of `deploy/smoke`, and what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = Path(__file__).parents[3] / "deploy" / "smoke"
PROGRAMS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(one) for one in (SMOKE, *arguments)],
        env={"PATH": PROGRAMS} | variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_fits_a_terminal() -> None:
    done = run("--help", COLUMNS="80")
    assert done.stdout.startswith("usage: deploy/smoke "), done.stdout
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--bucket", "b"), "--config"),
        (("--config", SMOKE, "--bucket", "b", "--region", "eu-west-1", "--ca-bundle", SMOKE), "--proxy is needed"),
        (("--config", SMOKE, "--bucket", "b", "--region", "x", "--ca-bundle", SMOKE, "--proxy", "h:1"), "http://"),
        (("--config", "/none", "--bucket", "b", "--region", "x", "--ca-bundle", SMOKE, "--proxy", "http://h:1"), "is no file"),
        (
            ("--config", SMOKE, "--bucket", "b", "--region", "x", "--ca-bundle", SMOKE, "--proxy", "http://h:1", "--without", "all"),
            "--without knows",
        ),
    ],
    ids=["config", "proxy", "scheme", "files", "without"],
)  # fmt: skip
def test_wrong_words_are_exit_code_2(arguments: tuple[object, ...], told: str) -> None:
    done = run(*arguments)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_without_its_programs_it_says_so() -> None:
    done = run("--help", PATH="/usr/bin:/bin")
    assert (done.returncode, "is not on PATH" in done.stderr) == (3, True)

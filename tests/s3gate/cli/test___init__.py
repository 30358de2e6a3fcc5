"""The group of commands: it knows them all and imports none until one is asked for."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from generate.command_reference import commands
from s3gate.cli import COMMANDS, main

ADDONS = Path(__file__).parents[3] / "addons"
SLOW = ("boto3", "mitmproxy", "pydantic", "yaml", "cryptography")


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"  {name}" in result.output
        assert line[:40] in result.output


def leaves() -> dict[str, click.Command]:
    """Every command that does something, by the words that call it."""
    found = commands(main, click.Context(main, info_name="s3gate"))
    return {context.command_path: one for one, context in found if not isinstance(one, click.Group)}


@pytest.mark.parametrize("path", sorted(leaves()))
def test_every_command_has_help_with_an_example(path: str) -> None:
    assert path in (leaves()[path].epilog or ""), "its epilog shows how it is called"


def test_an_unknown_command_is_bad_input() -> None:
    assert CliRunner().invoke(main, ["frobnicate"]).exit_code == 2


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; from s3gate.cli import main; main(['--help'], standalone_mode=False); "
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ADDONS)},
    )
    assert done.stdout.splitlines()[-1] == "[]"

"""The group of commands: it knows them all and imports none until one is asked for."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from s3gate.cli import COMMANDS, main

ADDONS = Path(__file__).parents[3] / "addons"
SLOW = ("boto3", "mitmproxy", "pydantic", "yaml", "cryptography")


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"  {name}" in result.output
        assert line[:40] in result.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    parts = command.commands.values() if isinstance(command, click.Group) else [command]
    for part in parts:
        assert f"s3gate {name}" in (part.epilog or command.epilog or ""), part.name


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

"""Every example in the help of an export runs, in a checkout, and prints what it says."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from s3gate.cli import main
from s3gate.cli.policy.export import export_group

ROOT = Path(__file__).parents[4]


def examples() -> list[str]:
    found = []
    for one in export_group.commands.values():
        text = (one.epilog or "").replace("\b", "").replace("\\\n", " ")
        found += [line.strip() for line in text.splitlines() if line.strip().startswith("s3gate ")]
    return found


@pytest.mark.parametrize("line", examples())
def test_it_runs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(line.partition(">")[0])
    result = CliRunner().invoke(main, words[1:])
    assert result.exit_code == 0, result.output
    if "--json" in words:
        assert all("policy" in json.loads(text) for text in result.stdout.splitlines())
    elif "squid" not in words and "--cut-over" not in words:
        assert json.loads(result.stdout)["Version"] == "2012-10-17"


def test_every_export_has_one() -> None:
    assert {line.split()[3] for line in examples()} == set(export_group.commands)

"""`s3gate ca init`: a CA in two files."""

import json
import stat
from pathlib import Path

from click.testing import CliRunner

from s3gate.cli import main
from s3gate.proxy.authority import Authority


def test_init_makes_a_pair_that_the_gate_can_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ca", "init", str(tmp_path / "new" / "ca")])
    assert result.exit_code == 0, result.output
    directory = tmp_path / "new" / "ca"
    Authority.from_pem((directory / "ca.pem").read_bytes(), (directory / "ca.key").read_bytes())
    assert stat.S_IMODE((directory / "ca.key").stat().st_mode) == 0o600
    assert "AWS_CA_BUNDLE" in result.output


def test_as_json(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ca", "init", str(tmp_path / "ca"), "--json"])
    told = json.loads(result.output)
    assert (told["private_key"], told["constrained"]) == (str(tmp_path / "ca" / "ca.key"), True)
    assert "PRIVATE KEY" not in result.output

"""`s3gate ca init`: a CA in two files, never over others."""

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


def test_init_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("precious")
    result = CliRunner().invoke(main, ["ca", "init", str(tmp_path)])
    assert result.exit_code == 3
    assert (tmp_path / "ca.key").read_text() == "precious"
    assert not (tmp_path / "ca.pem").exists()
    assert "is there already" in result.output


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["ca", "init", str(tmp_path / "file" / "below")])
    assert result.exit_code == 3
    assert "name another directory" in result.output

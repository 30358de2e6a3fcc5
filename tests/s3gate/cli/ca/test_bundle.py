"""`s3gate ca bundle`: what clients are given to trust, and never a key."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main
from s3gate.demo.certificates import Authority as PlainAuthority
from s3gate.proxy.authority import CA_DAYS, Authority

NOW = datetime.now(UTC)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    made = []
    for name in ("old", "new"):
        authority = Authority.generate(NOW)
        made.append(tmp_path / f"{name}.pem")
        made[-1].write_bytes(authority.certificate_pem())
    return made[0], made[1]


def bundle(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["ca", "bundle", *map(str, arguments)])


def test_both_are_in_it_once(tmp_path: Path, files: tuple[Path, Path]) -> None:
    out = tmp_path / "bundle.pem"
    result = bundle(*files, files[0], "--out", out, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = [json.loads(line) for line in result.output.splitlines()]
    assert len(told) == 2
    assert out.read_bytes() == b"".join(path.read_bytes() for path in files)
    assert len(ssl.create_default_context(cafile=out).get_ca_certs()) == 2
    assert out.stat().st_mode & 0o777 == 0o644


def test_on_standard_output_there_is_nothing_else(files: tuple[Path, Path]) -> None:
    result = bundle(*files)
    assert result.stdout.encode() == b"".join(path.read_bytes() for path in files)
    assert "SHA-256" in result.stderr
    assert bundle(*files, "--json").exit_code == 2


def test_public_roots_stand_beside_it(tmp_path: Path, files: tuple[Path, Path]) -> None:
    out = tmp_path / "bundle.pem"
    assert bundle(files[0], "--roots", certifi.where(), "--out", out).exit_code == 0
    trusted = ssl.create_default_context(cafile=out).get_ca_certs()
    roots = ssl.create_default_context(cafile=certifi.where()).get_ca_certs()
    assert len(trusted) == len(roots) + 1


def test_a_file_is_replaced_only_when_asked(tmp_path: Path, files: tuple[Path, Path]) -> None:
    out = tmp_path / "bundle.pem"
    out.write_text("precious")
    result = bundle(*files, "--out", out)
    assert (result.exit_code, out.read_text()) == (3, "precious")
    assert "add --replace" in result.stderr
    assert bundle(*files, "--out", out, "--replace").exit_code == 0
    assert out.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert bundle(*files, "--out", tmp_path / "none" / "x").exit_code == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.pem", "new.pem", "old.pem"]


@pytest.mark.parametrize("option", [False, True], ids=["as a CA", "as roots"])
def test_a_private_key_is_never_handed_out(tmp_path: Path, files: tuple[Path, Path], option: bool) -> None:
    authority = Authority.generate(NOW)
    both = tmp_path / "both.pem"
    both.write_bytes(authority.certificate_pem() + authority.private_key_pem())
    out = tmp_path / "bundle.pem"
    result = bundle(*((files[0], "--roots", both) if option else (files[0], both)), "--out", out)
    assert result.exit_code == 2
    assert "holds a private key" in result.stderr
    assert not out.exists()


def test_one_that_has_ended_is_told(tmp_path: Path, files: tuple[Path, Path]) -> None:
    ended = tmp_path / "ended.pem"
    ended.write_bytes(Authority.generate(NOW - timedelta(days=CA_DAYS + 1)).certificate_pem())
    result = bundle(files[0], ended)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "leave its file out" in result.stderr


def test_a_leaf_is_no_ca(tmp_path: Path) -> None:
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(PlainAuthority.make("x").issue(["s3.amazonaws.com"]).certificate)
    assert bundle(leaf).exit_code == 2


def test_one_that_may_sign_for_any_name_is_told(tmp_path: Path) -> None:
    wide = tmp_path / "wide.pem"
    wide.write_bytes(PlainAuthority.make("x").pair.certificate)
    result = bundle(wide)
    assert (result.exit_code, "may sign for any name" in result.stderr) == (0, True)

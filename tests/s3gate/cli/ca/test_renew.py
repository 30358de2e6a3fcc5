"""`s3gate ca renew`: the next CA beside the old, which is not touched."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from s3gate.cli import main
from s3gate.proxy.authority import CA_DAYS, Authority
from s3gate.s3.host import HostName

NOW = datetime.now(UTC)


def old_ca(directory: Path, age_days: int) -> Path:
    authority = Authority.generate(NOW - timedelta(days=age_days))
    (directory / "ca.pem").write_bytes(authority.certificate_pem())
    return directory / "ca.pem"


def renew(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["ca", "renew", *map(str, arguments)])


def test_the_new_one_overlaps_the_old(tmp_path: Path) -> None:
    old = old_ca(tmp_path, CA_DAYS - 40)
    before = old.read_bytes()
    result = renew(old, tmp_path / "next", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.output)
    assert told["overlap_days"] in (39, 40)
    assert told["not_before"] < f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" < told["old_not_after"]
    assert told["old_not_after"] < told["not_after"]
    assert told["sha256"] != told["old_sha256"]
    assert old.read_bytes() == before
    new = Path(told["certificate"]).read_bytes()
    authority = Authority.from_pem(new, Path(told["private_key"]).read_bytes())
    limit = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert limit.critical
    authority.sign_leaf(HostName("s3.amazonaws.com"), NOW)


def test_it_names_the_next_step(tmp_path: Path) -> None:
    old = old_ca(tmp_path, 0)
    result = renew(old, tmp_path / "next")
    assert result.output.splitlines()[-1].split() == [
        *("s3gate", "ca", "bundle", str(old), str(tmp_path / "next" / "ca.pem"), "--out", "bundle.pem")
    ]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    old = old_ca(tmp_path, 0)
    assert renew(old, tmp_path).exit_code == 3, "the directory of the old one"
    assert renew(old, tmp_path / "next").exit_code == 0
    result = renew(old, tmp_path / "next")
    assert (result.exit_code, "is there already" in result.stderr) == (3, True)


def test_one_that_has_ended_overlaps_nothing(tmp_path: Path) -> None:
    result = renew(old_ca(tmp_path, CA_DAYS + 1), tmp_path / "next")
    assert result.exit_code == 1
    assert "nothing overlaps" in result.stderr
    assert not (tmp_path / "next").exists()


@pytest.mark.parametrize("what", ["absent", "rubbish", "a key", "two"])
def test_what_is_no_ca_certificate(tmp_path: Path, what: str) -> None:
    old = old_ca(tmp_path, 0)
    content = {
        "rubbish": b"nothing\n",
        "a key": Authority.generate(NOW).private_key_pem(),
        "two": old.read_bytes() * 2,
    }
    if what == "absent":
        old.unlink()
    else:
        old.write_bytes(content[what])
    assert renew(old, tmp_path / "next").exit_code == 2
    assert not (tmp_path / "next").exists()

"""Credentials out of Systems Manager and Secrets Manager (MiniStack): all of them or none, and never told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drive.sources import Aws, run_aws
from instance.fetch_credentials import PlacesErrors, parse_places, store_credentials

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "instance" / "fetch_credentials.py"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with run_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running


def run(aws: Aws, tmp_path: Path, places: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "places").write_text(places)
    (tmp_path / "run").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, SCRIPT, "--places", tmp_path / "places", "--into", tmp_path / "run"],
        env=os.environ | aws.environment | {"AWS_REGION": "ap-northeast-1", "PYTHONPATH": str(ROOT / "addons")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def held(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "run" / "current").iterdir()}


def test_all_are_fetched_and_a_new_set_replaces_the_old_one_at_once(aws: Aws, tmp_path: Path) -> None:
    certificate, put_certificate = aws.ssm("/s3gate/ca/certificate")
    key, put_key = aws.secret("s3gate/ca-key")
    places = f"# the CA\nca.pem {certificate}\n\nca.key\t{key}\n"
    for text in (b"first", b"second"):
        put_certificate(text)
        put_key(b"secret of the " + text)
        ran = run(aws, tmp_path, places)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "fetched ca.pem, ca.key\n", "")
        assert held(tmp_path) == {"ca.pem": text, "ca.key": b"secret of the " + text}
    sets = [path for path in (tmp_path / "run").iterdir() if not path.is_symlink()]
    assert len(sets) == 1
    assert sets[0].stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in sets[0].iterdir()} == {0o400}


def test_one_that_is_not_there_leaves_the_others_as_they_were(aws: Aws, tmp_path: Path) -> None:
    place, put = aws.ssm("/there")
    put(b"one")
    assert run(aws, tmp_path, f"ca.pem {place}\n").returncode == 0
    put(b"two")
    ran = run(aws, tmp_path, f"ca.pem {place}\nca.key ssm:///not/there\n")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "ssm:///not/there" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "two" not in ran.stderr
    assert held(tmp_path) == {"ca.pem": b"one"}


def test_one_that_is_empty_is_no_credential(aws: Aws, tmp_path: Path) -> None:
    place, put = aws.ssm("/blank")
    put(b" ")
    ran = run(aws, tmp_path, f"ca.pem {place}\n")
    assert (ran.returncode, ran.stderr.count("is empty")) == (3, 1)
    assert not (tmp_path / "run" / "current").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1: no credential"),
        ("ca.pem\n", "1: no name and place"),
        ("ca.pem ssm:///a b\n", "1: no name and place"),
        ("../ca.pem ssm:///a\n", "1: no name and place"),
        ("current ssm:///a\n", "1: no name and place"),
        (".hidden ssm:///a\n", "1: no name and place"),
        ("ca.pem /etc/ca.pem\n", "1: `/etc/ca.pem` is a path"),
        ("ca.pem s3://bucket/ca.pem\n", "cannot hold this"),
        ("ca.pem ssm:///a\nca.pem ssm:///b\n", "2: `ca.pem` is there twice"),
        ("ca.pem\nca.key\n", "2: no name and place"),
    ],
)
def test_mistakes_of_the_places_are_told_with_their_line(text: str, why: str) -> None:
    with pytest.raises(PlacesErrors) as told:
        parse_places(text)
    assert why in str(told.value)


def test_wrong_places_end_with_2_before_aws_is_asked(aws: Aws, tmp_path: Path) -> None:
    ran = run(aws, tmp_path, "ca.pem\nca.key x\n")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 2


def test_a_directory_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    store_credentials(tmp_path, {"ca.pem": b"one"})
    with pytest.raises(OSError, match="a/b"):
        store_credentials(tmp_path, {"ca.pem": b"two", "a/b": b""})
    assert (tmp_path / "current" / "ca.pem").read_bytes() == b"one"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_file_of_an_instance_names_what_the_gate_is_given() -> None:
    text = (ROOT / "deploy" / "instance" / "credentials.conf").read_text(encoding="utf-8")
    assert set(parse_places(text)) == {"ca.pem", "ca.key", "audit.key"}

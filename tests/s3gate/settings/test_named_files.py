"""What a start needs to read is looked at as one; who else may read a secret is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles
from s3gate.settings import Settings, read_settings
from s3gate.settings.named_files import find_exposed, find_unusable


def settings_of(tmp_path: Path, text: str = SETTINGS) -> Settings:
    return read_settings(GateFiles(tmp_path, settings=text).write(), {})


def test_nothing_is_told_of_what_is_in_place(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert (find_unusable(settings), find_exposed(settings)) == ((), ())


def test_all_that_is_missing_is_told_at_once_with_the_next_step(tmp_path: Path) -> None:
    text = SETTINGS.replace("audit.key", "audit.key, keys: hash, key_salt: salt")
    settings = settings_of(tmp_path, text + "upstream: {ca_bundle: roots.pem}\n")
    for name in ("policy.yaml", "ca.pem", "ca.key", "audit.key"):
        (tmp_path / name).unlink()
    told = find_unusable(settings)
    missing = ("policy.yaml", "ca.pem", "ca.key", "roots.pem", "audit.key", "salt")
    assert len(told) == len(missing), told
    for line, name in zip(told, missing, strict=True):
        assert f"`{tmp_path / name}` cannot be read: No such file or directory; " in line
        assert "\n" not in line


def test_a_directory_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / "ca.key").unlink()
    (tmp_path / "ca.key").mkdir()
    (told,) = find_unusable(settings)
    assert told.startswith("CA key")
    assert "Is a directory" in told


def test_a_key_that_is_none_is_told_without_its_content(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / "audit.key").write_bytes(b"hunter2")
    (told,) = find_unusable(settings)
    assert "holds no key of 32 bytes" in told
    assert f"openssl rand -hex 32 > {tmp_path / 'audit.key'}" in told
    assert "hunter2" not in told


def test_what_lies_in_aws_is_not_looked_at(tmp_path: Path) -> None:
    text = (
        SETTINGS.replace("policy.yaml", "s3://b-1/k")
        .replace("ca.pem", "ssm:///c")
        .replace("ca.key", "ssm:///k")
    )
    settings = settings_of(tmp_path, text)
    assert (find_unusable(settings), find_exposed(settings)) == ((), ())


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640], ids=oct)
def test_owner_and_a_group_that_reads_are_fine(tmp_path: Path, mode: int) -> None:
    """Secrets of Kubernetes have 0440."""
    settings = settings_of(tmp_path)
    (tmp_path / "ca.key").chmod(mode)
    assert find_exposed(settings) == ()


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o660, 0o602, 0o601], ids=oct)
@pytest.mark.parametrize(
    ("name", "setting"), [("ca.key", "ca.private_key"), ("audit.key", "audit.hmac_key")], ids=["ca", "chain"]
)
def test_a_secret_that_more_can_read_or_replace_is_told(
    tmp_path: Path, mode: int, name: str, setting: str
) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / name).chmod(mode)
    (found,) = find_exposed(settings)
    assert (found.setting, found.mode, found.next_step) == (setting, mode, f"chmod 600 {tmp_path / name}")
    assert f"`{setting}` (mode {mode:04o})" in str(found)


@pytest.mark.parametrize("take", [Path.unlink, lambda path: path.chmod(0o644)], ids=["gone", "public"])
def test_a_certificate_is_no_secret(tmp_path: Path, take: Callable[[Path], None]) -> None:
    settings = settings_of(tmp_path)
    take(tmp_path / "ca.pem")
    assert find_exposed(settings) == ()

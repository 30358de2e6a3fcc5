"""A file is read when it changed and stands still, whole, with the cases beside it."""

import os
from pathlib import Path

import pytest

from s3gate.policy.source import SourceUnreachable
from s3gate.source.file import RESTLESS_LOOKS, FileSource


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_bytes(b"one")
    return tmp_path / "policy.yaml"


def test_a_change_is_read_at_the_second_look(path: Path) -> None:
    source = FileSource(path)
    first = source.look(now=True)
    assert first is not None
    assert (first.data, first.cases, first.version[:7]) == (b"one", None, "sha256:")
    assert source.look() is None
    path.write_bytes(b"two")
    assert source.look() is None, "it may be half written"
    path.write_bytes(b"two and more")
    assert source.look() is None, "and it was"
    second = source.look()
    assert second is not None
    assert second.data == b"two and more"
    assert source.look() is None


def test_a_file_put_in_its_place_with_the_same_size_and_time_is_seen(path: Path) -> None:
    source = FileSource(path)
    source.look(now=True)
    was = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
    other.replace(path)
    assert source.look() is None
    found = source.look()
    assert found is not None
    assert found.data == b"two"


def test_new_cases_are_a_change(path: Path) -> None:
    source = FileSource(path)
    source.look(now=True)
    path.with_name("policy_cases.yaml").write_bytes(b"cases")
    assert source.look() is None
    found = source.look()
    assert found is not None
    assert (found.data, found.cases) == (b"one", b"cases")


def test_a_file_that_is_gone_is_told_and_read_when_it_is_back(path: Path) -> None:
    source = FileSource(path)
    source.look(now=True)
    path.unlink()
    with pytest.raises(SourceUnreachable, match=r"policy\.yaml` cannot be read: No such file"):
        source.look()
    path.write_bytes(b"back")
    assert source.look() is None
    found = source.look()
    assert found is not None
    assert found.data == b"back"
    source.close()
    assert str(source) == str(path)


def test_a_file_that_never_stands_still_is_told_until_it_does(path: Path) -> None:
    """Else a policy that was taken away would stay in force, and everything would look well."""
    source = FileSource(path)
    source.look(now=True)
    path.write_bytes(b"two")
    for turn in range(1, RESTLESS_LOOKS + 1):
        os.utime(path, ns=(0, turn))
        assert source.look() is None
    os.utime(path, ns=(0, 99))
    with pytest.raises(SourceUnreachable, match=r"policy\.yaml` changes at each look; write beside it"):
        source.look()
    found = source.look()
    assert found is not None
    assert found.data == b"two"


@pytest.mark.parametrize("now", [True, False])
def test_nobody_waits_for_what_is_no_regular_file(path: Path, *, now: bool) -> None:
    source = FileSource(path)
    source.look(now=True)
    path.unlink()
    os.mkfifo(path)
    if not now:
        assert source.look() is None
    with pytest.raises(SourceUnreachable, match=r"policy\.yaml` cannot be read: it is no regular file"):
        source.look(now=now)

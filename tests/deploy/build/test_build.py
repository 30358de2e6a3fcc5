"""`deploy/build` from the tree to the tarball, by the real git, pip and setuptools.

Nothing is downloaded: the dependencies are tiny wheels in a directory. What the network brings
in a real build are wheels whose hashes the lock has, so that bytes cannot differ by it.
"""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from drive.small_release import build, git, make_repository
from release.tree import read_tree

NAME = "s3gate-0.1.0"
WHEEL = f"wheelhouse/{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release, and all that it was made from."""
    top = tmp_path_factory.mktemp("made")
    make_repository(top / "tree", top / "wheels")
    ran = build(top / "tree", top / "wheels", top / "out")
    assert ran.returncode == 0, ran.stderr
    return top


def unpack(release: Path) -> dict[str, bytes]:
    with tarfile.open(release) as tar:
        return {
            one.name.removeprefix(f"{NAME}/"): content.read()
            for one in tar
            if (content := tar.extractfile(one)) is not None
        }


def test_the_same_tree_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Another directory, another clock zone, language, hash seed, umask, and files with other times and modes."""
    old = os.umask(0o077)
    try:
        top = make_repository(tmp_path / "elsewhere", tmp_path / "wheels", made / "tree")
    finally:
        os.umask(old)
    for path in (top / "config").iterdir():
        os.utime(path, (1, 1))
    other = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    ran = build(top, tmp_path / "wheels", tmp_path / "out", environment=other)
    assert ran.returncode == 0, ran.stderr
    files = [directory / "out" / f"{NAME}.tar.gz" for directory in (made, tmp_path)]
    assert unpack(files[0]) == unpack(files[1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_only_what_is_committed_is_released(made: Path, tmp_path: Path) -> None:
    top = make_repository(tmp_path / "tree", tmp_path / "wheels", made / "tree")
    before = read_tree(top, "HEAD")
    (top / "addons/s3gate/rest.py").write_text("# nothing\n")
    (top / "addons/s3gate/planted.py").write_text("# nothing\n")
    changed = read_tree(top, "HEAD")
    assert (before.changed, changed.changed) == (False, True)
    assert changed.files == before.files
    git(top, "commit", "--quiet", "--all", "--message", "other")
    ran = build(top, tmp_path / "wheels", tmp_path / "out", "--python", "3.13", "--machine", "aarch64")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (0, "what is not committed is not in it")
    one, two = (unpack(directory / f"out/{NAME}.tar.gz") for directory in (made, tmp_path))
    assert one[WHEEL] != two[WHEEL]
    assert {name for name in two if one[name] != two[name]} == {
        WHEEL, "SHA256SUMS", "requirements-3.13.txt", "sbom.cdx.json",
    }  # fmt: skip


def test_everything_is_listed_with_its_digest(made: Path) -> None:
    release = made / "out" / f"{NAME}.tar.gz"
    digest, name = (made / "out" / f"{NAME}.tar.gz.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(release.read_bytes()).hexdigest(), release.name)
    files = unpack(release)
    lines = files.pop("SHA256SUMS").decode().splitlines()
    assert dict(line.split("  ")[::-1] for line in lines) == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }


def test_it_holds_what_an_instance_needs(made: Path) -> None:
    files = unpack(made / "out" / f"{NAME}.tar.gz")
    assert {
        "install", "VERSION", "LICENSE", "README.md", "sbom.cdx.json", "instance/fetch_credentials.py",
        "instance/s3gate.yaml", "instance/credentials.conf", "instance/amazon-cloudwatch-agent.json",
        "smoke", "deployed/__main__.py", "runbooks/denial-alarm.md",
        "systemd/s3gate.service", "systemd/s3gate-credentials.service", "systemd/s3gate.sysusers",
        "config/policy.yaml", "config/policy.schema.json",
    } <= set(files)  # fmt: skip
    wheels = {name.removeprefix("wheelhouse/") for name in files if name.startswith("wheelhouse/")}
    native = {
        f"native-1.0-{abi}-{abi}-manylinux_2_17_{machine}.whl"
        for abi in ("cp312", "cp313")
        for machine in ("aarch64", "x86_64")
    }
    assert wheels == {f"{NAME}-py3-none-any.whl", "pure-1.0-py3-none-any.whl", *native}
    told = {one["name"] for one in json.loads(files["sbom.cdx.json"])["components"]}
    assert told == {"s3gate", "pure", "native"}
    assert {name.partition("/")[0] for name in files if "/" in name} == {
        "config",
        "instance",
        "systemd",
        "wheelhouse",
        "deployed",
        "runbooks",
    }


def test_no_test_no_key_and_no_cache_is_in_it(made: Path) -> None:
    names = "\n".join(unpack(made / "out" / f"{NAME}.tar.gz"))
    assert not any(word in names for word in ("tests/", ".git", "__pycache__", ".pyc", ".key", ".pem"))


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--commit", "nowhere"], 2, "name a commit with --commit"),
        (["--commit", "--output=/tmp/x"], 2, "name a commit with --commit"),
    ],
)  # fmt: skip
def test_a_wrong_commit_is_told(made: Path, tmp_path: Path, words: list[str], code: int, why: str) -> None:
    ran = build(made / "tree", made / "wheels", tmp_path, *words)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert why in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_wheels_are_named_and_nothing_is_written(made: Path, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    ran = build(
        made / "tree", tmp_path / "wheels", tmp_path / "out", "--python", "3.12", "--machine", "aarch64"
    )
    assert ran.returncode == 3
    assert "no wheel with a locked hash for Python 3.12 on aarch64: native, pure (" in ran.stderr
    assert not (tmp_path / "out").exists()

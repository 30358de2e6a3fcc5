"""Wheels for each target, by the real pip from a directory: the locked one, or the names that have none."""

from pathlib import Path

import pytest

from drive.tiny_wheels import put_wheel, write_lock
from release.lock import Pin, parse_lock
from release.wheelhouse import NoWheels, Target, gather, read_digests

PURE = "pure-1.0-py3-none-any.whl"
ARM, INTEL = (f"native-1.0-cp313-cp313-manylinux_2_17_{machine}.whl" for machine in ("aarch64", "x86_64"))
STABLE = "stable-1.0-cp311-abi3-manylinux_2_34_aarch64.whl"
NEW_GLIBC = "modern-1.0-cp313-cp313-manylinux_2_35_aarch64.whl"


def lock(tmp_path: Path, **pins: list[str]) -> tuple[Pin, ...]:
    write_lock(tmp_path / "lock.txt", {f"{name}==1.0": digests for name, digests in pins.items()})
    return parse_lock((tmp_path / "lock.txt").read_text())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "source"


def test_each_target_gets_its_own(tmp_path: Path, source: Path) -> None:
    digests = {name: put_wheel(source, name) for name in (PURE, ARM, INTEL, STABLE)}
    pins = lock(
        tmp_path, pure=[digests[PURE]], native=[digests[ARM], digests[INTEL]], stable=[digests[STABLE]]
    )
    gather(pins, Target("3.13", "aarch64"), tmp_path / "into", source)
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == [ARM, PURE, STABLE]
    found = {pin.name: pin.hashes for pin in read_digests(tmp_path / "into", pins)}
    assert found == {"pure": {digests[PURE]}, "native": {digests[ARM]}, "stable": {digests[STABLE]}}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("native", INTEL),
        ("modern", NEW_GLIBC),
        ("sdist", "sdist-1.0.tar.gz"),
        ("old", "old-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"),
        ("musl", "musl-1.0-cp313-cp313-musllinux_1_2_aarch64.whl"),
        ("mac", "mac-1.0-cp313-cp313-macosx_11_0_arm64.whl"),
    ],
)
def test_packages_without_a_wheel_are_named(tmp_path: Path, source: Path, name: str, file: str) -> None:
    digests = {one: put_wheel(source, one) for one in (PURE, file)}
    pins = lock(tmp_path, pure=[digests[PURE]], **{name: [digests[file]]}, gone=["0" * 64])
    with pytest.raises(NoWheels, match=rf"for Python 3.13 on aarch64: {name}, gone \("):
        gather(pins, Target("3.13", "aarch64"), tmp_path / "into", source)


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, source: Path) -> None:
    put_wheel(source, PURE)
    with pytest.raises(NoWheels, match="pure"):
        gather(lock(tmp_path, pure=["0" * 64]), Target("3.13", "x86_64"), tmp_path / "into", source)


def test_one_that_no_lock_knows_is_found(tmp_path: Path, source: Path) -> None:
    digest = put_wheel(source, PURE)
    put_wheel(source, ARM)
    with pytest.raises(NoWheels, match=r"`native.* has no hash of the locks"):
        read_digests(source, lock(tmp_path, pure=[digest]))


def test_the_hash_of_another_package_is_not_enough(tmp_path: Path, source: Path) -> None:
    digest = put_wheel(source, PURE)
    (source / PURE).rename(source / "other-1.0-py3-none-any.whl")
    with pytest.raises(NoWheels, match="other"):
        read_digests(source, lock(tmp_path, pure=[digest]))

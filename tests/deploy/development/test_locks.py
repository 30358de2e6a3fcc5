"""The lock files: complete, hashed, and naming no host."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ROOT / "deploy" / "development" / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = {
    "s3gate": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["tests"]],
    "emulator": PROJECT["dependency-groups"]["emulator"],
    "iam": PROJECT["dependency-groups"]["iam"],
    "lint": PROJECT["dependency-groups"]["lint"],
    "checkov": PROJECT["dependency-groups"]["checkov"],
    "schemas": PROJECT["dependency-groups"]["schemas"],
    "release": PROJECT["project"]["dependencies"],
}
NAMES = [f"{name}-{version}" for name in WANTED for version in ("3.12", "3.13")]
LINE = re.compile(r"([a-z0-9-]+)==([^ ]+)(?: ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?", re.ASCII)


def lines(name: str) -> list[str]:
    return (LOCKS / f"{name}.txt").read_text().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_a_pin_or_a_hash(name: str) -> None:
    assert [line for line in lines(name) if LINE.fullmatch(line) is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_the_project_asks_for_is_pinned_as_it_asks(name: str) -> None:
    pins: dict[str, set[str]] = {}
    for line in lines(name):
        if (pin := LINE.fullmatch(line)) is not None and pin[1] is not None:
            pins.setdefault(pin[1], set()).add(pin[2])
    for text in WANTED[name.rpartition("-")[0]]:
        wanted = Requirement(text)
        found = pins.get(canonicalize_name(wanted.name), set())
        assert found, f"{wanted.name} is not in {name}.txt: run `make lock`"
        assert all(wanted.specifier.contains(version) for version in found), (
            f"{text}, {found}: run `make lock`"
        )


@pytest.mark.parametrize("name", [name for name in NAMES if "pyyaml" in (LOCKS / f"{name}.txt").read_text()])
def test_wheels_of_other_platforms_are_locked_too(name: str) -> None:
    counts: dict[str, int] = {}
    current = ""
    for line in lines(name):
        pin = LINE.fullmatch(line)
        current = pin[1] if pin is not None and pin[1] is not None else current
        counts[current] = counts.get(current, -1) + 1
    assert counts["pyyaml"] > 20  # one for each Python, system and processor; this machine has one of them


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_what_is_released_is_what_was_tested(version: str) -> None:
    released, tested = ((LOCKS / f"{name}-{version}.txt").read_text() for name in ("release", "s3gate"))
    assert set(re.split(r"\n(?! )", released.strip())) <= set(re.split(r"\n(?! )", tested.strip()))

"""Seeded defects of the systemd units (mutants/units.yaml): each is found by whom it names, and the units by nobody."""

import re
import subprocess
from pathlib import Path

import pytest

from drive.unit_rules import find_faults
from guard.deployment import ROOT
from guard.mutant import Mutant, read_mutants

UNITS = ROOT / "deploy" / "systemd"
MUTANTS = list(read_mutants("units"))
EXPOSURE = 11  # tenths, as in systemd/test_units.py


def text_of(name: str) -> str:
    return (UNITS / name).read_text(encoding="utf-8")


def systemd_says(words: list[str], place: Path, name: str, text: str) -> str:
    """What systemd-analyze finds wrong with a unit whose programs are there; nothing when it is content."""
    (place / name).write_text(
        re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", text).replace(
            "file:/opt/s3gate/current/README.md", "file:/dev/null"
        )
    )
    ran = subprocess.run(
        ["systemd-analyze", *words, place / name], capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    return ran.stderr or (ran.stdout if ran.returncode else "")


def caught(by: str, place: Path, name: str, text: str) -> bool:
    """Whether this one finds something."""
    if by == "unit rules":
        return bool(find_faults(name, text))
    words = {
        "systemd-analyze verify": ["verify", "--man=no", "--recursive-errors=no"],
        "systemd-analyze security": ["security", "--offline=true", f"--threshold={EXPOSURE}"],
    }[by]
    return bool(systemd_says(words, place, name, text))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.id)
def test_every_defect_is_found(mutant: Mutant, tmp_path: Path) -> None:
    assert caught(mutant.caught_by, tmp_path, mutant.file, mutant.text(text_of(mutant.file)))


@pytest.mark.parametrize("by", sorted({one.caught_by for one in MUTANTS}))
@pytest.mark.parametrize("name", sorted({one.file for one in MUTANTS}))
def test_the_units_as_they_are_pass(by: str, name: str, tmp_path: Path) -> None:
    assert not caught(by, tmp_path, name, text_of(name))

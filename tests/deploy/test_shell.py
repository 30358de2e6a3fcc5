"""shellcheck has nothing to say of any shell script of the repository, whatever its name."""

import subprocess

import pytest

from guard.deployment import ROOT
from guard.tools import program

LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.splitlines()  # fmt: skip


def is_shell(name: str) -> bool:
    """Whether the first line names a shell."""
    path = ROOT / name
    if not path.is_file() or path.suffix in {".png", ".svg", ".gz"}:
        return False
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.split()[-1].rpartition(b"/")[2] in {b"sh", b"bash", b"dash"}


SCRIPTS = [name for name in LISTED if is_shell(name)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name: str) -> None:
    ran = subprocess.run(
        [program("lint", "shellcheck"), "--severity=style", ROOT / name], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_scripts_are_found() -> None:
    assert {"deploy/development/environment.sh", ".ci/run"} <= set(SCRIPTS)

"""Which Python the environments are made from, and the sentence when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "development" / "find-python.sh"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SHIM = "#!/bin/sh\necho 'pyenv: python: command not found' >&2\nexit 127\n"
OLD = "#!/bin/sh\necho 'is Python 3.11' >&2\nexit 1\n"
BARE = "#!/bin/sh\necho 'lacks ensurepip' >&2\nexit 1\n"
REAL = f'#!/bin/sh\nexec {sys.executable} "$@"\n'


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def find(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script with nothing but `home`/bin and the tools it uses on PATH."""
    tools = home / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("sh", "env"):
        if not (tools / name).exists():
            (tools / name).symlink_to(f"/bin/{name}" if name == "sh" else "/usr/bin/env")
    environment = {"HOME": str(home), "PATH": f"{home}/bin:{tools}", **variables}
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "place",
    [
        f"bin/python{VERSION}",
        "bin/python3",
        "bin/python",
        f".pyenv/versions/{VERSION}.9/bin/python3",
    ],
)
def test_it_is_found_behind_shims_that_do_not_start(place: str, tmp_path: Path) -> None:
    for name in ("python3.13", "python3.12", "python3"):
        put(tmp_path / "bin" / name, SHIM)
    put(tmp_path / place, REAL)
    found = find(tmp_path)
    assert found.returncode == 0, found.stderr
    version, _, executable = found.stdout.strip().partition(" ")
    assert version == VERSION
    assert os.access(executable, os.X_OK)


def test_one_named_is_the_only_one_looked_at(tmp_path: Path) -> None:
    put(tmp_path / "bin" / f"python{VERSION}", REAL)
    put(tmp_path / "other", OLD)
    assert find(tmp_path, PYTHON=str(tmp_path / "other")).returncode == 3
    assert find(tmp_path, PYTHON=f"python{VERSION}").returncode == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(OLD, "`{file}` is Python 3.11", id="old"),
        pytest.param(SHIM, "`{file}` does not start", id="shim"),
        pytest.param(BARE, "`{file}` lacks ensurepip", id="without ensurepip"),
    ],
)
def test_without_one_a_sentence_names_what_was_looked_at(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "bin" / "python3"
    put(file, text)
    found = find(tmp_path)
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("s3gate needs CPython 3.12 or 3.13 and found none among python3.13, ")
    assert f"{tmp_path}/.pyenv/versions/3.1[23]*" in found.stderr
    assert why.format(file=file) in found.stderr


def test_a_name_that_is_no_file(tmp_path: Path) -> None:
    found = find(tmp_path, PYTHON="/nowhere/python")
    assert found.stderr == (
        "s3gate needs CPython 3.12 or 3.13, and the one that PYTHON= names does not do; "
        "`/nowhere/python` is not an executable file.\n"
    )

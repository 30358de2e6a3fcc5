"""A repository with this tree and two tiny dependencies, and the release that `deploy/build` makes of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from drive.tiny_wheels import put_wheel, write_lock

ROOT = Path(__file__).resolve().parents[2]
TAKEN = ("addons/s3gate", "config", "deploy/instance", "deploy/systemd", "deploy/deployed", "deploy/runbooks")
FILES = ("LICENSE", "README.md", "pyproject.toml", "deploy/smoke")
GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "1790000000 +0000",
    "GIT_COMMITTER_DATE": "1790000000 +0000", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


def git(top: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", top, *words], env=os.environ | GIT, check=True, capture_output=True, timeout=60
    )


def make_repository(top: Path, wheels: Path, source: Path = ROOT) -> Path:
    """That tree, committed at a fixed time; its locks are of wheels in that directory."""
    for name in TAKEN:
        shutil.copytree(source / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(source / name, top / name)
    pure = put_wheel(wheels, "pure-1.0-py3-none-any.whl")
    for version in ("3.12", "3.13"):
        abi = f"cp{version.replace('.', '')}"
        native = [
            put_wheel(wheels, f"native-1.0-{abi}-{abi}-manylinux_2_17_{machine}.whl")
            for machine in ("aarch64", "x86_64")
        ]
        pins = {"native==1.0": native, "pure==1.0": [pure], "mac==1.0 ; sys_platform == 'darwin'": ["0" * 64]}
        write_lock(top / f"deploy/development/locks/release-{version}.txt", pins)
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "all")
    return top


def build(
    top: Path, wheels: Path, out: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What `deploy/build` runs."""
    return subprocess.run(
        [sys.executable, "-m", "release", "--top", top, "--wheels", wheels, "--out", out, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT / "deploy")} | dict(environment or {}),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

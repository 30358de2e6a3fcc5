"""What a commit holds, and the wheel of s3gate that is built from it.

The normal case asks git for the committed files, never for those of the working tree:
what is not committed is not released.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.archive import PLAIN, PROGRAM, Entry, render_wheel

BUILD_S: Final = 300.0  # seconds


class NoTree(Exception):
    """A commit cannot be released; the message is one line with the next step."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit.

    Args:
        commit: its id.
        seconds: when it was made, since 1970.
        files: by path.
        changed: whether the working tree holds something else.
    """

    commit: str
    seconds: int
    files: dict[str, Entry]
    changed: bool


def read_tree(top: Path, revision: str) -> Tree:
    """The files of a commit.

    Args:
        top: of the repository.
        revision: as git names it.

    Raises:
        NoTree: there is no such commit, or no git.
    """
    commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    name = commit.decode().strip()
    seconds = int(_git(top, "show", "--no-patch", "--format=%ct", name))
    files: dict[str, Entry] = {}
    with tarfile.open(fileobj=io.BytesIO(_git(top, "archive", "--format=tar", name))) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                files[member.name] = Entry(content.read(), bool(member.mode & 0o100))
    return Tree(name, seconds, files, bool(_git(top, "status", "--porcelain").strip()))


def build_wheel(tree: Tree) -> tuple[str, bytes]:
    """The wheel of s3gate: its file name and its bytes.

    Raises:
        NoTree: it cannot be built; setuptools' own words are in the message.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, dist = Path(scratch, "source"), Path(scratch, "dist")
        for name, entry in tree.files.items():
            if name.startswith("addons/") or "/" not in name:
                path = source / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(entry.data)
                path.chmod(PROGRAM if entry.program else PLAIN)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"SOURCE_DATE_EPOCH": str(tree.seconds), "PYTHONHASHSEED": "0"}
        ran = subprocess.run(
            [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "wheel", "--quiet",
             "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", dist, source],
            capture_output=True, text=True, timeout=BUILD_S, check=False, env=environment,
        )  # fmt: skip
        wheels = sorted(dist.glob("*.whl")) if dist.is_dir() else []
        if ran.returncode or len(wheels) != 1:
            why = ran.stderr.strip().splitlines()[-1:] or ["no wheel"]
            raise NoTree(f"the wheel of s3gate cannot be built: {why[0]}")
        return wheels[0].name, render_wheel(wheels[0].read_bytes(), tree.seconds)


def _git(top: Path, *words: str) -> bytes:
    command = ["git", "-C", str(top), "-c", "core.autocrlf=false", "-c", "tar.umask=0022", *words]
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=BUILD_S).stdout
    except FileNotFoundError as exc:
        raise NoTree("there is no `git` on PATH: install it") from exc
    except subprocess.CalledProcessError as exc:
        why = exc.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no such commit"]
        raise NoTree(f"git {words[0]} in `{top}` failed: {why[0]}: name a commit with --commit") from exc

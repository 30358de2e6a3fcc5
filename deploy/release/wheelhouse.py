"""The wheels of the locked packages, for each Python and processor of a release.

The normal case asks pip for each target: the wheel that it would take there, whose hash the
lock has. A package without a wheel is built by nobody: its name ends the build.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from release.lock import Pin, render_requirements

GLIBC: Final = 34
"""Minor version of the GNU C library of Amazon Linux 2023 (AWS, "Comparing AL2 and AL2023": glibc 2.34)."""
OLDEST: Final = 17  # manylinux2014, PEP 599
PYTHONS: Final = ("3.12", "3.13")
MACHINES: Final = ("aarch64", "x86_64")
PIP_S: Final = 900.0  # seconds for one target: 50 MB from a slow index


class NoWheels(Exception):
    """Wheels cannot be had; the message is one line with the next step."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What an instance may be.

    Args:
        python: like `3.13`.
        machine: as `uname -m` says.
    """

    python: str
    machine: str

    def options(self) -> list[str]:
        """Of `pip download`."""
        abi = f"cp{self.python.replace('.', '')}"
        platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in range(GLIBC, OLDEST - 1, -1)]
        platforms += [f"manylinux2014_{self.machine}", f"linux_{self.machine}"]
        return [
            *("--implementation", "cp", "--python-version", self.python),
            *(word for tag in (abi, "abi3", "none") for word in ("--abi", tag)),
            *(word for tag in platforms for word in ("--platform", tag)),
        ]


def gather(pins: tuple[Pin, ...], target: Target, into: Path, source: Path | None) -> None:
    """Put the wheels of one target into a directory.

    Args:
        pins: of the lock for that Python.
        target: for what.
        into: the directory; wheels of other targets may be there.
        source: directory with wheels to take them from; None: pip's index.

    Raises:
        NoWheels: packages have none for this target, or pip cannot be run.
    """
    wanted = [pin for pin in pins if pin.is_wanted(target.python, target.machine)]
    if _download(wanted, target, into, source).returncode == 0:
        return
    ran = {pin.name: _download([pin], target, into, source) for pin in wanted}
    missing = [name for name, one in ran.items() if one.returncode]
    if not missing:
        return
    why = ran[missing[0]].stderr.strip().splitlines()[-1:] or ["pip says nothing"]
    where, listed = f"Python {target.python} on {target.machine}", ", ".join(missing)
    raise NoWheels(f"no wheel with a locked hash for {where}: {listed} ({why[0]})")


def _download(
    pins: Iterable[Pin], target: Target, into: Path, source: Path | None
) -> subprocess.CompletedProcess[str]:
    requirements = into / "requirements"
    bare = [
        Pin(pin.name, pin.version, None, pin.hashes) for pin in pins
    ]  # pip judges markers by this machine
    requirements.write_text(render_requirements(bare))
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", *target.options()]
    command += ["--dest", str(into), "--requirement", str(requirements)]
    if source is not None:
        command += ["--isolated", "--no-index", "--find-links", str(source)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if source is not None:
        environment |= {"PIP_CONFIG_FILE": os.devnull}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired as exc:
        raise NoWheels(f"pip did not end within {PIP_S:g} s: is the index reachable?") from exc
    finally:
        requirements.unlink()


def read_digests(directory: Path, pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """The pins whose wheels a directory holds, each with the digests of just those.

    Args:
        directory: of the wheels.
        pins: that may have asked for them.

    Raises:
        NoWheels: a wheel is not locked.
    """
    left = tuple(pins)
    found: dict[Pin, set[str]] = {}
    for path in sorted(directory.iterdir()):
        name, version, *_ = parse_wheel_filename(path.name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        held = [
            pin
            for pin in left
            if (pin.name, Version(pin.version)) == (name, version) and digest in pin.hashes
        ]
        if not held:
            raise NoWheels(f"`{path.name}` has no hash of the locks: take it away")
        for pin in held:
            found.setdefault(pin, set()).add(digest)
    return tuple(replace(pin, hashes=frozenset(digests)) for pin, digests in found.items())

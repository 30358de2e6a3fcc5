"""PURE. The lock that a release is made from: names, versions and the hashes that a wheel may have.

The normal case is a file that `uv pip compile --generate-hashes` wrote: a pin with an
optional marker, then its hashes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from packaging.markers import Marker
from packaging.utils import NormalizedName, canonicalize_name

_PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? ?\\?")
_HASH: Final = re.compile(r"    --hash=sha256:(?P<digest>[0-9a-f]{64})(?: \\)?")


class LockError(Exception):
    """A line of a lock that is neither pin nor hash; the message is one line."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked package.

    Args:
        name: normalised.
        version: exact.
        marker: where it is wanted; None: everywhere.
        hashes: SHA-256 of its wheels, in hex.
    """

    name: NormalizedName
    version: str
    marker: str | None
    hashes: frozenset[str]

    def is_wanted(self, python: str, machine: str) -> bool:
        """Whether a Linux with that Python needs it.

        Args:
            python: like `3.13`.
            machine: as `uname -m` says: `x86_64`, `aarch64`.
        """
        if self.marker is None:
            return True
        there = {
            "implementation_name": "cpython",
            "implementation_version": f"{python}.0",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{python}.0",
            "python_version": python,
            "sys_platform": "linux",
        }
        return Marker(self.marker).evaluate(there)


def parse_lock(text: str) -> tuple[Pin, ...]:
    """The pins of a lock, in its order.

    Args:
        text: of the file.

    Raises:
        LockError: a line is neither pin nor hash, or a pin has no hash.
    """
    pins: list[tuple[re.Match[str], set[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if (pin := _PIN.fullmatch(line)) is not None:
            pins.append((pin, set()))
        elif (digest := _HASH.fullmatch(line)) is not None and pins:
            pins[-1][1].add(digest["digest"])
        else:
            raise LockError(f"line {number} is neither a pin nor a hash: run `make lock`")
    if bare := [pin["name"] for pin, hashes in pins if not hashes]:
        raise LockError(f"no hash for {', '.join(bare)}: run `make lock`")
    return tuple(
        Pin(canonicalize_name(pin["name"]), pin["version"], pin["marker"], frozenset(hashes))
        for pin, hashes in pins
    )


def render_requirements(pins: Iterable[Pin]) -> str:
    """What pip is told: each package with its hashes, sorted.

    Args:
        pins: in any order.
    """
    lines = []
    for pin in sorted(pins, key=lambda pin: (pin.name, pin.version)):
        marker = f" ; {pin.marker}" if pin.marker else ""
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(pin.hashes))
        lines.append(f"{pin.name}=={pin.version}{marker} \\\n{hashes}\n")
    return "".join(lines)

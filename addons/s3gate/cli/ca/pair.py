"""The two files of a CA, written into a directory of their own, never over others.

The normal case: the key first, readable by its owner alone, then the certificate. Where one
of them is there already nothing is written; what was begun and cannot be finished is taken away.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from s3gate.cli.audit.place import WrongEnvironment
from s3gate.proxy.authority import Authority

CERTIFICATE: Final = "ca.pem"
PRIVATE_KEY: Final = "ca.key"
_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a CA lies.

    Args:
        certificate: PEM file, for the clients.
        private_key: PEM file, for the gate alone.
    """

    certificate: Path
    private_key: Path

    def as_data(self) -> dict[str, object]:
        """For JSON."""
        return {"certificate": str(self.certificate), "private_key": str(self.private_key)}


def write_pair(directory: Path, authority: Authority) -> Pair:
    """Write a CA into a directory.

    Args:
        directory: made when it is not there.
        authority: the CA.

    Raises:
        WrongEnvironment: a file is there already, or cannot be written.
    """
    pair = Pair(directory / CERTIFICATE, directory / PRIVATE_KEY)
    files = (
        (pair.private_key, authority.private_key_pem(), _PRIVATE),
        (pair.certificate, authority.certificate_pem(), _PUBLIC),
    )
    begun: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, content, mode in files:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            begun.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except OSError as exc:
        for path in begun:
            with suppress(OSError):
                path.unlink()
        raise _told(exc, directory) from exc
    return pair


def _told(exc: OSError, directory: Path) -> click.ClickException:
    where = exc.filename or directory
    if isinstance(exc, FileExistsError):
        return WrongEnvironment(f"`{where}` is there already: name another directory, or take it away first")
    return WrongEnvironment(f"`{where}` cannot be written ({exc.strerror}): name another directory")

"""`s3gate ca init DIR`: make the CA that clients of the gate must trust.

The normal case writes `ca.pem` (give it to the clients) and `ca.key` (keep it with the
gate alone) into a directory, and never over files that are there.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from s3gate.proxy.authority import CA_DAYS, Authority

CERTIFICATE: Final = "ca.pem"
PRIVATE_KEY: Final = "ca.key"
EXIT_ENVIRONMENT: Final = 3
_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o600

_EPILOG: Final = """\b
Example:
  s3gate ca init ./ca
"""


@click.group(name="ca")
def command() -> None:
    """Make the CA that clients trust."""


@command.command(epilog=_EPILOG)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> None:
    """Make a new CA in DIRECTORY: ca.pem for the clients, ca.key for the gate.

    The CA may sign for AWS's DNS suffixes only. Files that are there are never written over: exit code 3.
    """
    authority = Authority.generate(datetime.now(UTC))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / PRIVATE_KEY, authority.private_key_pem(), _PRIVATE)
        _write(directory / CERTIFICATE, authority.certificate_pem(), _PUBLIC)
    except FileExistsError as exc:
        click.echo(
            f"`{exc.filename}` is there already: name another directory, or take it away first", err=True
        )
        raise click.exceptions.Exit(EXIT_ENVIRONMENT) from exc
    except OSError as exc:
        click.echo(
            f"`{exc.filename or directory}` cannot be written ({exc.strerror}): name another directory",
            err=True,
        )
        raise click.exceptions.Exit(EXIT_ENVIRONMENT) from exc
    click.echo(f"{directory / CERTIFICATE}: give it to the clients (AWS_CA_BUNDLE); it lasts {CA_DAYS} days")
    click.echo(f"{directory / PRIVATE_KEY}: keep it with the gate alone")


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)

#!/usr/bin/env python3
"""Fetches CA and audit key from AWS into a directory: `s3gate-credentials.service` runs it on an instance.

The normal case reads every place, and only then points `current` at a new directory with all
of them: certificate and key are never of two CAs, and what cannot be fetched changes
nothing. No value is ever told.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from s3gate.policy.mistake import Misspelling
from s3gate.policy.source import CA_SCHEMES, Remote, SourceUnreachable, parse_remote
from s3gate.source.remote import read_once

EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3
CURRENT: Final = "current"
_NAME: Final = re.compile(r"[a-z][a-z0-9.-]{0,62}", re.ASCII)
_EPILOG: Final = """\b
Example:
  fetch_credentials.py --places /etc/s3gate/credentials.conf --into /run/s3gate-credentials
"""


class PlacesErrors(Exception):
    """Every mistake of a file of places, a line each."""


def parse_places(text: str) -> dict[str, Remote]:
    """The places of a file, by the name of the credential.

    Args:
        text: `NAME PLACE` a line; empty lines and those that begin with `#` say nothing.

    Raises:
        PlacesErrors: with every mistake.
    """
    places: dict[str, Remote] = {}
    mistakes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            name, place = _parse_line(words)
        except Misspelling as exc:
            mistakes.append(f"{number}: {exc.message}: {exc.suggestion}")
            continue
        if name in places:
            mistakes.append(f"{number}: `{name}` is there twice: delete one")
        places[name] = place
    if not places and not mistakes:
        mistakes.append("1: no credential: write like `ca.pem ssm:///s3gate/ca/certificate`")
    if mistakes:
        raise PlacesErrors("\n".join(mistakes))
    return places


def _parse_line(words: list[str]) -> tuple[str, Remote]:
    if len(words) != 2 or not _NAME.fullmatch(words[0]) or words[0] == CURRENT:
        raise Misspelling("no name and place", "write like `ca.pem ssm:///s3gate/ca/certificate`")
    place = parse_remote(words[1], CA_SCHEMES)
    if place is None:
        raise Misspelling(f"`{words[1]}` is a path", "write `ssm://PARAMETER` or `secretsmanager://SECRET`")
    return words[0], place


def store_credentials(directory: Path, values: dict[str, bytes]) -> None:
    """Put all values into a new directory and point `current` at it; the old one goes.

    Args:
        directory: on a tmpfs, of the caller's own.
        values: bytes of the credentials, by name.

    Raises:
        OSError: as the file system says; `current` is then what it was.
    """
    fresh = Path(tempfile.mkdtemp(prefix="set-", dir=directory))  # mode 0700
    link = directory / f"{fresh.name}.link"
    try:
        for name, value in values.items():
            descriptor = os.open(fresh / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
        link.symlink_to(fresh.name)
        link.replace(directory / CURRENT)
    except OSError:
        link.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    for old in directory.glob("set-*"):
        if old != fresh and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)


def fetch(
    places: dict[str, Remote], read: Callable[[Remote, str | None], bytes] = read_once
) -> dict[str, bytes]:
    """The bytes at every place.

    Args:
        places: by name.
        read: how one is read; the region is the environment's.

    Raises:
        SourceUnreachable: one cannot be read, or is empty.
    """
    values = {}
    for name, place in places.items():
        values[name] = read(place, None)
        if not values[name].strip():
            raise SourceUnreachable(f"{place} is empty")
    return values


@click.command(epilog=_EPILOG)
@click.option("--places", required=True, type=click.Path(path_type=Path), help="NAME PLACE a line.")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="A directory on a tmpfs.")
def main(places: Path, into: Path) -> None:
    """Fetch credentials into DIRECTORY/current.

    Exit code 2 when the file of places is wrong, 3 when AWS or the directory cannot be used.
    """
    try:
        wanted = parse_places(places.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        click.echo(f"`{places}` cannot be read: {exc}", err=True)
        sys.exit(EXIT_INPUT)
    except PlacesErrors as exc:
        for line in str(exc).splitlines():
            click.echo(f"{places}:{line}", err=True)
        sys.exit(EXIT_INPUT)
    try:
        store_credentials(into, fetch(wanted))
    except SourceUnreachable as exc:
        click.echo(f"{exc}; what was fetched before is still there", err=True)
        sys.exit(EXIT_ENVIRONMENT)
    except OSError as exc:
        click.echo(f"`{into}` cannot be written: {exc.strerror}", err=True)
        sys.exit(EXIT_ENVIRONMENT)
    click.echo(f"fetched {', '.join(wanted)}")


if __name__ == "__main__":
    main()

"""The policy file that a command is given: the policy, or every mistake on standard error and exit code 2.

The normal case: `--policy config/policy.yaml` is read whole and comes back with its bytes.
"""

from pathlib import Path
from typing import Final

import click

from s3gate.cli.excerpt import render_json, render_mistake, source_lines
from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import DocumentErrors, PolicyErrors
from s3gate.policy.model import Policy

EXIT_INPUT: Final = 2


def read_given(path: Path, what: str) -> bytes:
    """The bytes of a file that a person named.

    Args:
        path: as given.
        what: `policy` or what else it is, for the sentence.

    Raises:
        click.UsageError: it cannot be read; exit code 2.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise click.UsageError(f"{what} `{path}` cannot be read: {exc.strerror}") from exc


def load_given(path: Path, *, as_json: bool = False) -> tuple[Policy, bytes]:
    """The policy in a file, and the file's bytes.

    Args:
        path: as given.
        as_json: whether its mistakes are told as JSON lines on standard output, as `check --json` does.

    Raises:
        click.UsageError: it cannot be read.
        click.exceptions.Exit: it has mistakes, which were told.
    """
    data = read_given(path, "policy")
    try:
        return parse_policy(data), data
    except PolicyErrors as exc:
        tell_mistakes(path, data, exc, as_json=as_json)
        raise click.exceptions.Exit(EXIT_INPUT) from exc


def tell_mistakes(path: Path, data: bytes, errors: DocumentErrors, *, as_json: bool) -> None:
    """Every mistake of a document on standard error, with line, caret and next step; or as JSON lines."""
    if as_json:
        for one in errors.mistakes:
            click.echo(render_json(str(path), one, "error"))
        return
    lines = source_lines(data)
    for one in errors.mistakes:
        click.echo(render_mistake(str(path), lines, one) + "\n", err=True)

"""`s3gate audit verify`: is the journal on this disk whole and unaltered?

The normal case prints a line for each writer and exits 0. What is wrong is named by
writer and sequence number, and the exit code is 1.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from s3gate.audit.chain import Finding, verify
from s3gate.audit.reader import known_extent, list_writers, read_lines
from s3gate.policy.mistake import DocumentErrors
from s3gate.settings import read_settings
from s3gate.settings.source import read_hmac_key

EXIT_NO: Final = 1
EXIT_INPUT: Final = 2
DEFAULT_CONFIG: Final = Path("config/s3gate.yaml")

_EPILOG: Final = """\b
Examples:
  s3gate audit verify
  s3gate audit verify --key-file config/audit.key /var/lib/s3gate/audit --json
"""


class _WrongInput(click.ClickException):
    exit_code = EXIT_INPUT


@click.group()
def command() -> None:
    """Look at the record of decisions."""


@command.command(name="verify", epilog=_EPILOG)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the key of the chain.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Settings that name both.  [default: config/s3gate.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, and one for each writer.")
def verify_command(
    directory: Path | None, key_file: Path | None, config_path: Path | None, *, as_json: bool
) -> None:
    """Verify the chain of every writer in DIRECTORY.

    Names edited records, gaps, cut heads, and records that do not join, each with its
    number. Exit code 0 when nothing is wrong, 1 when something is, 2 when there is no
    journal or no key.
    """
    try:
        if directory is None or key_file is None:
            audit = read_settings(config_path or DEFAULT_CONFIG).audit
            directory, key_file = directory or audit.directory, key_file or audit.hmac_key
        key = read_hmac_key(key_file)
        writers = list_writers(directory)
    except DocumentErrors as exc:
        raise _WrongInput("; ".join(mistake.message for mistake in exc.mistakes)) from exc
    except OSError as exc:
        raise _WrongInput(f"journal `{directory}` cannot be read: {exc.strerror}") from exc
    if not writers:
        raise _WrongInput(f"`{directory}` holds no journal: name that of `audit.directory`")
    fine = [_verify_writer(writer, key, as_json=as_json) for writer in writers]
    if not all(fine):
        raise click.exceptions.Exit(EXIT_NO)


def _verify_writer(directory: Path, key: bytes, *, as_json: bool) -> bool:
    counted = 0

    def lines() -> Iterator[bytes]:
        nonlocal counted
        for line in read_lines(directory):
            counted += 1
            yield line

    try:
        findings = verify(lines(), key, known_extent(directory))
    except OSError as exc:
        raise _WrongInput(f"journal `{directory}` cannot be read: {exc.strerror}") from exc
    for finding in findings:
        click.echo(_render(directory.name, finding, as_json=as_json))
    summary = {"writer": directory.name, "records": counted, "findings": len(findings)}
    if as_json:
        click.echo(json.dumps(summary))
    else:
        state = f"{len(findings)} findings" if findings else "whole and unaltered"
        click.echo(f"{directory.name}: {counted} records, {state}")
    return not findings


def _render(writer: str, finding: Finding, *, as_json: bool) -> str:
    if as_json:
        found = {"seq": finding.seq, "fault": finding.fault, "detail": finding.detail}
        return json.dumps({"writer": writer} | found)
    return f"{writer}: seq {finding.seq}: {finding.fault}: {finding.detail}"

"""`s3gate import …`: other proxies' lists as a policy.

The normal case: `s3gate import squid /etc/squid/squid.conf > policy.yaml`. What is not taken
over is told on standard error and stands as a comment in the policy; nothing is guessed.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from s3gate.policy.mistake import Misspelling
from s3gate.policy.spelling import parse_account, parse_allow
from s3gate.squid.rendering import ACCOUNT_HOLE, REGION_HOLE, Wanted, render_policy
from s3gate.squid.statement import Unreadable
from s3gate.squid.whitelist import Note, Whitelist, read_whitelist

EXIT_NO: Final = 1
ALLOW: Final = ("read", "write", "list")

_EPILOG: Final = """\b
Examples:
  s3gate import squid /etc/squid/squid.conf > policy.yaml
  s3gate import squid --account 111122223333 whitelist.txt > policy.yaml
"""


@click.group()
def command() -> None:
    """Take over the list of another proxy."""


@command.command(name="squid", epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", "accounts", multiple=True, help="Whose keys may use the AWS services; repeatable.")
@click.option(
    "--allow",
    "allow",
    multiple=True,
    help="A class or S3 operation for each rule; repeatable.  [default: read, write, list]",
)
@click.option("--by-bucket", is_flag=True, help="Rules for buckets under each name; else for the host alone.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line a rule and a note, then the policy.")
def squid_command(
    file: Path, accounts: tuple[str, ...], allow: tuple[str, ...], *, by_bucket: bool, as_json: bool
) -> None:
    """Make a policy of a Squid dstdomain whitelist.

    FILE is a plain list of names, or a squid.conf with its includes. The policy
    goes to standard output, a note for each line that s3gate does not take over
    to standard error. Squid let a name through when its http_access lines say so
    for certain; leading dots and regular expressions also name other people's
    buckets and are not taken over. AWS services need --account.

    Exit code 0 when a policy was made, 1 when nothing could be taken over, 2 when
    the file cannot be read or Squid would refuse it.
    """
    try:
        for one in accounts:
            parse_account(one)
        for one in allow:
            parse_allow(one)
        whitelist = read_whitelist(file, by_bucket=by_bucket)
    except Misspelling as exc:
        raise click.UsageError(f"{exc.message}; {exc.suggestion}") from exc
    except Unreadable as exc:
        raise click.UsageError(str(exc)) from exc
    policy = render_policy(whitelist, Wanted(allow or ALLOW, accounts, file.name))
    if as_json:
        _print_json(whitelist, policy)
    else:
        click.echo(policy, nl=False)
        _tell(whitelist, policy)
    if not whitelist.entries:
        raise click.exceptions.Exit(EXIT_NO)


def _tell(whitelist: Whitelist, policy: str) -> None:
    for note in whitelist.notes:
        click.echo(f"{note.place}: `{_plain(note.text)}`: {note.why}", err=True)
        if note.step:
            click.echo(f"    next: {_plain(note.step)}", err=True)
    count = len(whitelist.entries)
    click.echo(
        f"{count} name{'s' * (count != 1)} taken over, {len(whitelist.notes)} "
        f"note{'s' * (len(whitelist.notes) != 1)} on what is not",
        err=True,
    )
    if f"[{ACCOUNT_HOLE}]" in policy:
        click.echo(
            f"next: write your account for `{ACCOUNT_HOLE}` under `hosts`, or give --account", err=True
        )
    if f"[{REGION_HOLE}]" in policy:
        click.echo(f"next: write your region for `{REGION_HOLE}` under `endpoints`", err=True)


def _print_json(whitelist: Whitelist, policy: str) -> None:
    for entry in whitelist.entries:
        places = [str(one) for one in entry.places]
        told = {"taken": entry.target.name, entry.target.key: entry.target.value, "places": places}
        click.echo(json.dumps({**told, "clients": list(entry.groups)}))
    for note in whitelist.notes:
        click.echo(json.dumps(_as_data(note)))
    click.echo(json.dumps({"policy": policy}))


def _as_data(note: Note) -> dict[str, object]:
    told = asdict(note)
    place = told.pop("place")
    return {"file": place["file"], "line": place["line"], **told}


def _plain(text: str) -> str:
    """Text that a terminal does not obey."""
    return "".join(one if one.isprintable() else "?" for one in text)

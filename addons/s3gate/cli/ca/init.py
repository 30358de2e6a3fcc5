"""`s3gate ca init DIR`: make the CA that clients of the gate must trust.

The normal case writes `ca.pem` (give it to the clients) and `ca.key` (keep it with the
gate alone) into a directory, and never over files that are there.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from s3gate.cli.ca.pair import write_pair
from s3gate.proxy.authority import Authority
from s3gate.proxy.ca_bundle import describe_ca

_EPILOG: Final = """\b
Examples:
  s3gate ca init ./ca
  s3gate ca init ./ca --json
"""


@click.command(name="init", epilog=_EPILOG)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def init_command(directory: Path, *, as_json: bool) -> None:
    """Make a new CA in DIRECTORY: ca.pem for the clients, ca.key for the gate.

    The CA may sign for AWS's DNS suffixes only. Files that are there are never written over: exit code 3.
    """
    authority = Authority.generate(datetime.now(UTC))
    pair = write_pair(directory, authority)
    about = describe_ca(authority.certificate)
    if as_json:
        click.echo(json.dumps(pair.as_data() | about.as_data()))
        return
    click.echo(
        f"{pair.certificate}: give it to the clients (AWS_CA_BUNDLE); it lasts until {about.ends:%Y-%m-%d}"
    )
    click.echo(f"{pair.private_key}: keep it with the gate alone")

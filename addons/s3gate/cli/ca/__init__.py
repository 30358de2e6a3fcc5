"""`s3gate ca …`: the CA that clients of the gate must trust, made, renewed, and handed out.

The normal case: `s3gate ca init` once; two years later `renew`, `bundle` for the clients,
then the gate takes the new one. deploy/runbooks/ca-rotation.md has the order.
"""

import click

from s3gate.cli.ca.bundle import bundle_command
from s3gate.cli.ca.init import init_command
from s3gate.cli.ca.renew import renew_command


@click.group(name="ca")
def command() -> None:
    """Make the CA that clients trust."""


for one in (init_command, renew_command, bundle_command):
    command.add_command(one)

"""`s3gate policy …`: what is made from the policy file.

The normal case: `s3gate policy export vpc-endpoint`.
"""

import click

from s3gate.cli.policy.export import export_group


@click.group()
def command() -> None:
    """Make other layers' policies from the policy file."""


command.add_command(export_group)

"""`s3gate audit …`: the record of decisions, looked at, proved, kept.

The normal case: `s3gate audit verify` and `s3gate audit report`.
"""

import click

from s3gate.cli.audit.archive import archive_command
from s3gate.cli.audit.drain import drain_command
from s3gate.cli.audit.report import report_command
from s3gate.cli.audit.selftest import selftest_command
from s3gate.cli.audit.tail import tail_command
from s3gate.cli.audit.verify import verify_command


@click.group()
def command() -> None:
    """Look at the record of decisions."""


for one in (
    archive_command,
    drain_command,
    report_command,
    selftest_command,
    tail_command,
    verify_command,
):
    command.add_command(one)

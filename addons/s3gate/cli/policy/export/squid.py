"""`s3gate policy export squid`: a `dstdomain` list, for Squid beside the gate.

The normal case: one exact name a line, for `acl allowed dstdomain "/etc/squid/allowed"`.
"""

import json
from pathlib import Path
from typing import Final

import click

from s3gate.aws.export.allow_policy import Choice
from s3gate.aws.export.squid_list import squid_names
from s3gate.cli.policy.export.choice import check_client, check_region, policy_options, read_policy
from s3gate.cli.policy.export.output import tell_notes

_EPILOG: Final = """\b
Example:
  s3gate policy export squid --policy config/policy.yaml > allowed
"""


@click.command(name="squid", epilog=_EPILOG)
@policy_options
@click.option("--client", help="Only rules for this group of clients, and for everybody.")
@click.option("--region", help="Only names of this region.")
def squid_command(
    policy_path: Path | None, config: Path | None, client: str | None, region: str | None, *, as_json: bool
) -> None:
    """List the names for Squid's dstdomain.

    Squid sees these names and no more: every operation and key passes, whoever signs, and
    a client can ask another bucket inside the tunnel. With --json: name and rule.
    """
    policy = read_policy(policy_path, config)
    names = squid_names(policy, Choice(check_region(policy, region), check_client(policy, client)))
    notes = [f"{len(names)} names; Squid checks the CONNECT name alone"]
    if policy.path_style:
        notes.append("path-style hosts are left out: such a name is every bucket of its region")
    if any(rule.clients for rule in policy.rules) and client is None:
        notes.append("`clients` are not in it: --client NAME makes a list for each group")
    tell_notes(notes)
    for one in names:
        click.echo(json.dumps({"name": one.name, "rule": one.rule}) if as_json else one.name)

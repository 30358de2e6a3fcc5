"""`s3gate policy export …`: the same list for AWS's own layers and for Squid.

The normal case: `s3gate policy export vpc-endpoint --policy config/policy.yaml > endpoint.json`.
"""

import click

from s3gate.cli.policy.export.bucket import bucket_command
from s3gate.cli.policy.export.endpoint import endpoint_command
from s3gate.cli.policy.export.iam import iam_command
from s3gate.cli.policy.export.squid import squid_command


@click.group(name="export")
def export_group() -> None:
    """Render the list for endpoints, buckets, users and Squid.

    What the gate allows, each export allows; another bucket, or a bucket of another
    account, it denies. Notes go to standard error; exit code 1 when a policy is
    longer than AWS takes.
    """


for one in (bucket_command, endpoint_command, iam_command, squid_command):
    export_group.add_command(one)

"""`s3gate policy export vpc-endpoint`: the policy of the S3 or the CloudWatch Logs endpoint.

The normal case: one S3 endpoint, gateway or interface, in the one region that the policy lists.
"""

from pathlib import Path
from typing import Final

import click

from s3gate.aws.export.allow_policy import S3, S3_EXPRESS, Choice, Rendered, render_grants
from s3gate.aws.export.document import allow_document, merge_grants, render_document
from s3gate.aws.export.logs_policy import logs_grants
from s3gate.aws.export.size import ENDPOINT_LIMIT, DoesNotFit, fit_document, split_grants
from s3gate.aws.export.target import partition_of_region
from s3gate.cli.audit.place import EXIT_NO, WrongInput
from s3gate.cli.policy.export.choice import (
    account_option,
    check_region,
    policy_options,
    read_given_settings,
    read_policy,
)
from s3gate.cli.policy.export.output import Export, tell_exports, tell_notes
from s3gate.policy.model import Policy

KIND: Final = "vpc-endpoint"
LOGS: Final = "logs"
_PARTS: Final = (
    "parts do not add up: each holds for its own endpoint. A VPC routes S3 by one gateway endpoint a route "
    "table, and one interface endpoint has the private DNS names: give each part to the subnet of a gate of "
    "its own, or to an interface endpoint that clients name (`endpoint_url`, and `vpce` in the policy file)"
)
_EPILOG: Final = """\b
Examples:
  s3gate policy export vpc-endpoint --policy config/policy.yaml > endpoint.json
  s3gate policy export vpc-endpoint --service logs --account 111122223333
"""


@click.command(name=KIND, epilog=_EPILOG)
@policy_options
@click.option("--region", help="Region of the endpoint.  [default: the policy's, if it lists one]")
@click.option(
    "--service",
    type=click.Choice([S3, S3_EXPRESS, LOGS]),
    default=S3,
    show_default=True,
    help="Which endpoint: each service has its own.",
)
@click.option(
    "--account", callback=account_option, help="Owner of what has no `owner`; of the log group, with logs."
)
@click.option("--coarse", is_flag=True, help="Every action and key on the same buckets: shorter.")
@click.option("--split", is_flag=True, help="Several policies when one is too long.")
def endpoint_command(
    policy_path: Path | None,
    config: Path | None,
    region: str | None,
    service: str,
    account: str | None,
    *,
    as_json: bool,
    coarse: bool,
    split: bool,
) -> None:
    """Render the policy of a VPC endpoint, gateway or interface.

    It holds for everybody who comes through the endpoint, also past the gate: only the
    listed buckets, each `owner` as aws:ResourceAccount. The gate's own buckets
    (archive, policy) are in it only if a rule lists them. Apply it with
    aws ec2 modify-vpc-endpoint --policy-document file://endpoint.json
    """
    if service == LOGS:
        if policy_path is not None or coarse or split or region is not None:
            raise WrongInput("the logs endpoint is rendered from the settings: give --config and --account")
        _tell_logs(config, account, as_json=as_json)
        return
    policy = read_policy(policy_path, config)
    choice = Choice(region=check_region(policy, region, one=True), owner=account)
    rendered = render_grants(policy, choice, (service,), coarse=coarse)
    about: dict[str, object] = {"service": service, "region": choice.region}
    whole = allow_document(rendered.grants, principal=True)
    if fit_document(whole, ENDPOINT_LIMIT) is not None:
        tell_exports([Export(KIND, whole, ENDPOINT_LIMIT, about)], rendered.notes, as_json=as_json)
        return
    try:
        parts = split_grants(rendered.grants, ENDPOINT_LIMIT, principal=True)
    except DoesNotFit as exc:
        raise WrongInput(f"{exc}; give the rule fewer `keys`") from exc
    if not split:
        tell_notes(rendered.notes)
        raise TooLong(_too_long(policy, choice, service, rendered, len(parts), coarse=coarse))
    exports = [
        Export(KIND, allow_document(part, principal=True), ENDPOINT_LIMIT, {**about, "part": number})
        for number, part in enumerate(parts, 1)
    ]
    tell_exports(exports, (*rendered.notes, _PARTS), as_json=as_json)


class TooLong(click.ClickException):
    """AWS does not take the policy: exit code 1."""

    exit_code = EXIT_NO


def _too_long(
    policy: Policy, choice: Choice, service: str, rendered: Rendered, parts: int, *, coarse: bool
) -> str:
    length = len(render_document(allow_document(rendered.grants, principal=True)))
    said = (
        f"the policy has {length} characters; an endpoint takes {ENDPOINT_LIMIT.characters}, not adjustable"
    )
    if not coarse:
        short = render_grants(policy, choice, (service,), coarse=True)
        size = len(render_document(allow_document(short.grants, principal=True)))
        said += f"; with --coarse it has {size}"
    return f"{said}; --split makes {parts} policies. But {_PARTS}"


def _tell_logs(config: Path | None, account: str | None, *, as_json: bool) -> None:
    settings = read_given_settings(config)
    cloudwatch = settings.cloudwatch
    if cloudwatch.region is None:
        raise WrongInput("the settings name no `cloudwatch.region`: there is no log group")
    if account is None:
        raise WrongInput("whose log group? add --account with the twelve digits of your account")
    partition = partition_of_region(cloudwatch.region)
    grants = merge_grants(logs_grants(partition, cloudwatch.region, account, cloudwatch.log_group))
    about: dict[str, object] = {"service": LOGS, "region": cloudwatch.region}
    notes = ["clients that write to other log groups through this endpoint are refused from now on"]
    export = Export(KIND, allow_document(grants, principal=True), ENDPOINT_LIMIT, about)
    tell_exports([export], notes, as_json=as_json)

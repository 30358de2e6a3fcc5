"""`s3gate policy export iam`: what the users themselves may do, and only through our endpoints.

The normal case: one managed policy with each rule's operations as actions.
"""

from pathlib import Path
from typing import Final

import click

from s3gate.aws.export.allow_policy import Choice, render_grants
from s3gate.aws.export.document import allow_document, render_document
from s3gate.aws.export.size import (
    MANAGED_LIMIT,
    MANAGED_POLICIES,
    DoesNotFit,
    fit_document,
    split_grants,
)
from s3gate.cli.audit.place import EXIT_NO, WrongInput
from s3gate.cli.policy.export.choice import (
    account_option,
    check_client,
    check_region,
    endpoint_ids_option,
    policy_options,
    read_policy,
)
from s3gate.cli.policy.export.output import Export, tell_exports, tell_notes

KIND: Final = "iam"
_EPILOG: Final = """\b
Example:
  s3gate policy export iam --policy config/policy.yaml --client batch \\
      --vpc-endpoint-id vpce-0a1b2c3d4e5f67890 --split --json > batch.jsonl
"""


@click.command(name=KIND, epilog=_EPILOG)
@policy_options
@click.option(
    "--vpc-endpoint-id",
    "endpoints",
    multiple=True,
    required=True,
    callback=endpoint_ids_option,
    help="Endpoint that one must come through; repeat it: gateway and interface.",
)
@click.option("--client", help="Only rules for this group of clients, and for everybody.")
@click.option("--account", callback=account_option, help="Only rules that keys of this account may use.")
@click.option("--region", help="Only what lies in this region.")
@click.option("--split", is_flag=True, help="Several policies when one is too long; they add up.")
def iam_command(
    policy_path: Path | None,
    config: Path | None,
    endpoints: tuple[str, ...],
    client: str | None,
    account: str | None,
    region: str | None,
    *,
    as_json: bool,
    split: bool,
) -> None:
    """Allow the users what the rules say, through your endpoints.

    Renders an identity policy. What other policies of the same user allow stays. Services that act with
    the user's rights (Athena, CloudFormation) come through no endpoint of yours.
    """
    policy = read_policy(policy_path, config)
    choice = Choice(check_region(policy, region), check_client(policy, client), None, account)
    through = ("StringEquals", "aws:SourceVpce", endpoints)
    rendered = render_grants(policy, choice, extra=[through])
    if not rendered.grants:
        raise WrongInput("no rule is for these users; there is nothing to allow")
    whole = allow_document(rendered.grants, principal=False)
    if fit_document(whole, MANAGED_LIMIT) is not None:
        tell_exports([Export(KIND, whole, MANAGED_LIMIT)], rendered.notes, as_json=as_json)
        return
    try:
        parts = split_grants(rendered.grants, MANAGED_LIMIT, principal=False)
    except DoesNotFit as exc:
        raise WrongInput(f"{exc}; give the rule fewer `keys`") from exc
    said = (
        f"{len(parts)} managed policies add up to the same; a user, group or role takes {MANAGED_POLICIES} "
        "unless your quota is higher"
    )
    if not split:
        tell_notes(rendered.notes)
        raise TooLong(
            f"the policy has {len(render_document(whole))} characters; a managed policy takes "
            f"{MANAGED_LIMIT.characters}; --split: {said}"
        )
    exports = [
        Export(KIND, allow_document(part, principal=False), MANAGED_LIMIT, {"part": number})
        for number, part in enumerate(parts, 1)
    ]
    tell_exports(exports, (*rendered.notes, said), as_json=as_json)


class TooLong(click.ClickException):
    """AWS does not take the policy: exit code 1."""

    exit_code = EXIT_NO

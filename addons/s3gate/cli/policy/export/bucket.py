"""`s3gate policy export bucket`: each bucket denies whoever comes another way.

The normal case: one statement for each listed bucket, to be added to the policy that it has.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from s3gate.aws.export.allow_policy import Choice, chosen_rules
from s3gate.aws.export.bucket_policy import Way, bucket_document
from s3gate.aws.export.remark import join_remarks
from s3gate.aws.export.size import BUCKET_LIMIT, fit_document
from s3gate.aws.export.target import Kind, NotRendered, Target
from s3gate.cli.audit.place import EXIT_NO, WrongInput
from s3gate.cli.policy.export.choice import (
    addresses_option,
    endpoint_ids_option,
    policy_options,
    principals_option,
    read_policy,
)
from s3gate.cli.policy.export.output import Export, tell_exports
from s3gate.policy.model import Policy

KIND: Final = "bucket"
_EPILOG: Final = """\b
Examples:
  s3gate policy export bucket --policy config/policy.yaml \\
      --vpc-endpoint-id vpce-0a1b2c3d4e5f67890 --bucket example-uploads
  s3gate policy export bucket --policy config/policy.yaml --cut-over \\
      --vpc-endpoint-id vpce-0a1b2c3d --source-ip 198.35.26.96/32
"""


@click.command(name=KIND, epilog=_EPILOG)
@policy_options
@click.option(
    "--vpc-endpoint-id",
    "endpoints",
    multiple=True,
    required=True,
    callback=endpoint_ids_option,
    help="Endpoint that one may come through; repeat it: gateway and interface.",
)
@click.option("--bucket", "only", help="Of the listed buckets only this one.")
@click.option(
    "--except-principal",
    "principals",
    multiple=True,
    callback=principals_option,
    help="ARN of a role or user who may come from anywhere; else nobody outside can undo this.",
)
@click.option("--cut-over", is_flag=True, help="Two steps: endpoint or source address, then endpoint only.")
@click.option(
    "--source-ip",
    "addresses",
    multiple=True,
    callback=addresses_option,
    help="Public network one comes from today; with --cut-over.",
)
def bucket_command(
    policy_path: Path | None,
    config: Path | None,
    endpoints: tuple[str, ...],
    only: str | None,
    principals: tuple[str, ...],
    addresses: tuple[str, ...],
    *,
    as_json: bool,
    cut_over: bool,
) -> None:
    """Deny every way to the buckets but through your endpoints.

    Renders a policy for each listed bucket, to be added to what it has; with --cut-over
    two. AWS services that come as themselves (log delivery) or with a user's rights
    (Athena) stay exempt; a role that a service assumes (replication) needs
    --except-principal.
    """
    if cut_over != bool(addresses):
        raise WrongInput("--cut-over and --source-ip go together: step 1 lets these addresses in as well")
    policy = read_policy(policy_path, config)
    found = dict(_buckets(policy))
    if only is not None and only not in found:
        raise WrongInput(f"the policy lists no general purpose bucket `{only}`")
    if not found:
        raise WrongInput("the policy lists no general purpose bucket")
    exports = []
    for bucket, partition in found.items():
        if only not in {None, bucket}:
            continue
        about: dict[str, object] = {"bucket": bucket}
        steps = (addresses, ()) if cut_over else ((),)
        for number, allowed in enumerate(steps, 1):
            document = bucket_document(partition, bucket, Way(endpoints, allowed, principals))
            numbered = {**about, "step": number} if cut_over else about
            exports.append(Export(KIND, document, BUCKET_LIMIT, numbered))
    if any(fit_document(one.document, BUCKET_LIMIT) is None for one in exports):
        raise TooLong(
            f"the policy is longer than {BUCKET_LIMIT.characters} bytes: name fewer endpoints or addresses"
        )
    tell_exports(exports, _notes(policy, principals, cut_over=cut_over), as_json=as_json)


class TooLong(click.ClickException):
    """AWS does not take the policy: exit code 1."""

    exit_code = EXIT_NO


def _buckets(policy: Policy) -> Iterator[tuple[str, str]]:
    for _, target in chosen_rules(policy, Choice()):
        if not isinstance(target, NotRendered) and target.kind is Kind.BUCKET:
            yield target.name, target.partition


def _other(target: Target) -> str:
    return f"{target.kind.value}s have policies of another form"


def _notes(policy: Policy, principals: tuple[str, ...], *, cut_over: bool) -> Iterator[str]:
    yield from join_remarks(
        (rule.id, f"left out: {target if isinstance(target, NotRendered) else _other(target)}")
        for rule, target in chosen_rules(policy, Choice())
        if isinstance(target, NotRendered) or target.kind is not Kind.BUCKET
    )
    yield "put-bucket-policy replaces: add the statement to what the bucket has"
    if not principals:
        yield (
            "nobody outside the endpoints can change the bucket policy again, but the account's root user; "
            "--except-principal ARN keeps a way"
        )
    if cut_over:
        yield (
            "step 2 when the bucket's CloudTrail data events of a full business cycle show no request "
            "without vpcEndpointId"
        )

"""What the export commands have in common: which policy file, which rules, whose account.

Normally the policy file of the settings, every rule, and the one region that the policy lists.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import click

from s3gate.cli.audit.place import DEFAULT_CONFIG, WrongInput
from s3gate.cli.excerpt import render_in_line
from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import DocumentErrors, Misspelling
from s3gate.policy.model import Policy
from s3gate.policy.spelling import parse_account
from s3gate.settings import Settings, read_settings

# EC2 API reference, VpcEndpoint: `vpce-` and 8 or 17 hexadecimal digits.
_ENDPOINT_ID: Final = re.compile(r"vpce-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
# IAM user guide, IAM ARNs: a role or user with its path; no wildcard, a principal is exact.
_PRINCIPAL: Final = re.compile(
    r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:(?:role|user)/[A-Za-z0-9+=,.@_/-]{1,576}", re.ASCII
)

# Bits: wider networks than any one holder has (IANA IPv4 address space registry; RFC 4291, section 2.4).
_MIN_PREFIX: Final = {4: 8, 6: 16}


def policy_options[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """`--policy`, `--config` and `--json`."""
    options = (
        click.option("--policy", "policy_path", type=click.Path(path_type=Path), help="A policy file."),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            help=f"Settings that name the policy.  [default: {DEFAULT_CONFIG}]",
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a policy, on one line."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_policy(policy_path: Path | None, config: Path | None) -> Policy:
    """The policy that is meant.

    Raises:
        WrongInput: two files, or one that cannot be read or has mistakes.
    """
    if policy_path is not None and config is not None:
        raise WrongInput("name one file: --policy FILE or --config FILE")
    path = policy_path or read_given_settings(config).policy
    if not isinstance(path, Path):
        raise WrongInput(f"the settings take the policy from `{path}`: save it and give --policy FILE")
    try:
        return parse_policy(path.read_bytes())
    except DocumentErrors as exc:
        raise WrongInput(f"`{path}` has mistakes: run `s3gate check --policy {path}`") from exc
    except OSError as exc:
        raise WrongInput(f"policy `{path}` cannot be read: {exc.strerror}") from exc


def read_given_settings(config: Path | None) -> Settings:
    """The settings.

    Raises:
        WrongInput: they cannot be read, or have mistakes.
    """
    path = config or DEFAULT_CONFIG
    try:
        return read_settings(path)
    except DocumentErrors as exc:
        raise WrongInput(render_in_line(str(path), exc.mistakes)) from exc


def check_region(policy: Policy, region: str | None, *, one: bool = False) -> str | None:
    """The region that is meant.

    Args:
        policy: which lists the regions there are.
        region: as given, or None.
        one: whether there must be one.

    Raises:
        WrongInput: the policy does not list it, or several and none was given.
    """
    listed = ", ".join(f"`{name}`" for name in sorted(policy.regions))
    if region is None:
        if one and len(policy.regions) != 1:
            raise WrongInput(f"an endpoint lies in one region: add --region, one of {listed}")
        return next(iter(policy.regions)) if one else None
    if region not in policy.regions:
        raise WrongInput(f"the policy does not list region `{region}`, only {listed}")
    return region


def check_client(policy: Policy, client: str | None) -> str | None:
    """A group of clients that the policy defines, or None.

    Raises:
        WrongInput: there is no such group.
    """
    if client is not None and client not in policy.clients:
        raise WrongInput(f"the policy defines no clients `{client}`")
    return client


def account_option(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """An account id: twelve digits."""
    if value is None:
        return None
    try:
        return parse_account(value)
    except Misspelling as exc:
        raise click.BadParameter(f"{exc}") from exc


def endpoint_ids_option(
    _context: click.Context, _option: click.Parameter, values: Sequence[str]
) -> tuple[str, ...]:
    """Ids of VPC endpoints, each once."""
    for value in values:
        if _ENDPOINT_ID.fullmatch(value) is None:
            raise click.BadParameter(f"`{value}` is no id of a VPC endpoint: vpce- and 8 or 17 of 0-9 a-f")
    return tuple(dict.fromkeys(values))


def addresses_option(
    _context: click.Context, _option: click.Parameter, values: Sequence[str]
) -> tuple[str, ...]:
    """Public networks in canonical spelling: S3 sees no private source address over the internet."""
    found = []
    for value in values:
        try:
            network = ip_network(value)
        except ValueError as exc:
            raise click.BadParameter(f"`{value}` is no network: {exc}") from exc
        if network.prefixlen < _MIN_PREFIX[network.version]:
            raise click.BadParameter(f"`{value}` is nearly everybody: name your own networks")
        if not network.is_global:
            raise click.BadParameter(
                f"`{value}` is no public network: over the internet S3 sees the address of your NAT or router"
            )
        found.append(str(network))
    return tuple(dict.fromkeys(found))


def principals_option(
    _context: click.Context, _option: click.Parameter, values: Sequence[str]
) -> tuple[str, ...]:
    """ARNs of IAM roles or users, exact."""
    for value in values:
        if _PRINCIPAL.fullmatch(value) is None:
            raise click.BadParameter(f"`{value}` is no ARN of an IAM role or user")
    return tuple(dict.fromkeys(values))

"""`s3gate check`: every mistake of a policy or a settings file, with its place and the next step.

The normal case prints one line and exits 0; warnings do not change that.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from s3gate.cli.excerpt import render_json, render_mistake, source_lines
from s3gate.cli.preset_listing import render_presets, render_presets_json
from s3gate.policy.cases import cases_name, find_case_mistakes
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.ground import NO_GROUND
from s3gate.policy.mistake import DocumentErrors, Mistake
from s3gate.policy.model import Policy
from s3gate.policy.own_ground import check_ground
from s3gate.policy.preset import preset_rows
from s3gate.policy.source import Remote, SourceUnreachable
from s3gate.policy.warning import find_warnings
from s3gate.settings import Settings, read_settings
from s3gate.settings.users_file import UsersErrors, check_users, find_user_warnings, read_users
from s3gate.source.remote import read_once

EXIT_INPUT: Final = 2
DEFAULT_CONFIG: Final = Path("config/s3gate.yaml")

_EPILOG: Final = """\b
Examples:
  s3gate check --policy config/policy.yaml
  s3gate check --config config/s3gate.yaml --json
  s3gate check --policy config/policy.yaml --show-presets
"""


@click.command(epilog=_EPILOG)
@click.option("--policy", "policy_path", type=click.Path(path_type=Path), help="A policy file.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="A settings file; its policy is checked too.  [default: config/s3gate.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mistake, and one for each file.")
@click.option("--show-presets", is_flag=True, help="Print each bucket that a preset opens, with its source.")
def command(policy_path: Path | None, config_path: Path | None, as_json: bool, show_presets: bool) -> None:
    """Find every mistake in a policy or a settings file, and in the cases beside the policy.

    Prints each as `file:line:column: message`, with the source line and the next
    step. Exit code 0 when there is none (warnings do not count), 2 otherwise.
    """
    if policy_path is not None and config_path is not None:
        raise click.UsageError("name one file: --policy FILE or --config FILE")
    if policy_path is None and config_path is None:
        config_path = DEFAULT_CONFIG
    fine = True
    if config_path is not None:
        settings = _check_settings(config_path, as_json=as_json)
        fine = settings is not None
        if settings is not None:
            fine = _check_policy(
                settings.policy, settings=settings, as_json=as_json, show_presets=show_presets
            )
            fine = _check_users(settings.users, as_json=as_json) and fine
    elif policy_path is not None:
        fine = _check_policy(policy_path, as_json=as_json, show_presets=show_presets)
    if not fine:
        raise click.exceptions.Exit(EXIT_INPUT)


def _check_settings(path: Path, *, as_json: bool) -> Settings | None:
    try:
        settings = read_settings(path)
    except DocumentErrors as exc:
        _print(path, exc.mistakes, (), as_json=as_json)
        return None
    _print(path, (), (), as_json=as_json, summary="the settings are fine")
    return settings


def _check_policy(
    path: Path | Remote, *, settings: Settings | None = None, as_json: bool, show_presets: bool
) -> bool:
    try:
        data = _read(path, settings)
    except (OSError, SourceUnreachable) as exc:
        why = f"cannot be read: {exc.strerror}" if isinstance(exc, OSError) else str(exc)
        _print(path, (Mistake(0, 0, why, "name a source that s3gate may read"),), (), as_json=as_json)
        return False
    try:
        policy, root = parse_policy_tree(data)
        check_ground(policy, root, settings.ground if settings is not None else NO_GROUND)
        if settings is not None:
            check_users(policy, settings.users)
    except DocumentErrors as exc:
        _print(path, exc.mistakes, (), data, as_json=as_json)
        return False
    if show_presets:
        render = render_presets_json if as_json else render_presets
        for line in render(preset_rows(policy)):
            click.echo(line)
    warnings = find_warnings(policy, root, datetime.now(UTC))
    if settings is not None:
        warnings = (*_user_warnings(policy, settings), *warnings)
    _print(path, (), warnings, data, as_json=as_json, summary=_describe(policy))
    return _check_cases(path, policy, as_json=as_json)


def _check_cases(path: Path | Remote, policy: Policy, *, as_json: bool) -> bool:
    """The cases beside the policy: `run` and a reload refuse a policy that they speak against."""
    beside = path.with_name(cases_name(path.name)) if isinstance(path, Path) else None
    if beside is None or not beside.is_file():
        return True
    data = beside.read_bytes()
    mistakes = find_case_mistakes(policy, data)
    _print(beside, mistakes, (), data, as_json=as_json, summary="the cases hold")
    return not mistakes


def _check_users(path: Path | None, *, as_json: bool) -> bool:
    """The users file; none of its lines is shown."""
    try:
        users = read_users(path) if path is not None else {}
    except UsersErrors as exc:
        _print(path or Path(), exc.mistakes, (), b"", as_json=as_json, hidden=True)
        return False
    if path is not None:
        counted = f"{len(users)} user{'s' * (len(users) != 1)}"
        _print(path, (), (), b"", as_json=as_json, summary=f"the users are fine: {counted}")
    return True


def _user_warnings(policy: Policy, settings: Settings) -> Iterator[Mistake]:
    """Where policy and users file do not agree; mistakes of that file are told with it."""
    if settings.users is not None:
        with suppress(UsersErrors):
            yield from find_user_warnings(policy, read_users(settings.users))


def _read(path: Path | Remote, settings: Settings | None) -> bytes:
    if isinstance(path, Path):
        return path.read_bytes()
    return read_once(path, settings.cloudwatch.region if settings is not None else None)


def _describe(policy: Policy) -> str:
    rules, hosts = len(policy.rules), len(policy.hosts)
    counted = f"{rules} rule{'s' * (rules != 1)}, {hosts} host{'s' * (hosts != 1)}"
    if policy.presets:
        presets, buckets = len(policy.presets), len(preset_rows(policy))
        counted += f", {presets} preset{'s' * (presets != 1)} of {buckets} bucket{'s' * (buckets != 1)}"
    return f"the policy is fine: {counted}, {policy.digest}"


def _print(
    path: Path | Remote,
    mistakes: tuple[Mistake, ...],
    warnings: tuple[Mistake, ...],
    data: bytes | None = None,
    *,
    as_json: bool,
    summary: str = "",
    hidden: bool = False,
) -> None:
    here = Path.cwd()
    name = str(path.relative_to(here) if isinstance(path, Path) and path.is_relative_to(here) else path)
    if as_json:
        for severity, found in (("error", mistakes), ("warning", warnings)):
            for one in found:
                click.echo(render_json(name, one, severity))
        counts = {"file": name, "ok": not mistakes, "errors": len(mistakes), "warnings": len(warnings)}
        click.echo(json.dumps(counts))
        return
    if data is None:
        data = path.read_bytes() if isinstance(path, Path) and path.is_file() else b""
    lines = [] if hidden else source_lines(data)
    for one in warnings:
        click.echo(render_mistake(name, lines, one, "warning") + "\n", err=True)
    for one in mistakes:
        click.echo(render_mistake(name, lines, one) + "\n", err=True)
    if mistakes:
        click.echo(f"{name}: {len(mistakes)} mistake{'s' * (len(mistakes) != 1)}", err=True)
    else:
        click.echo(f"{name}: {summary}")

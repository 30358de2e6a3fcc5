"""`s3gate suggest`: the fewest rules that would allow what monitor mode let pass.

The normal case, before monitor mode ends: its records in, a patch to the policy out, with
counts, times and clients as comments. What it adds allows what was seen and as little else
as rules can say; whether that was right is for the person who applies it to say.
"""

import json
import sys
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from s3gate.audit.chain import parse_text
from s3gate.audit.evidence import Aws, NoEvidence
from s3gate.cli.audit.place import EXIT_NO, Place, WrongInput
from s3gate.cli.given_policy import load_given
from s3gate.policy.document import parse_policy
from s3gate.replay.crew import each_once
from s3gate.suggest.draft import NotEditable
from s3gate.suggest.patch import amend, cautions, describe, known_accounts, render_patch, strangers
from s3gate.suggest.plan import Plan, Witness, folders, make_plan
from s3gate.suggest.seen import Seen, still_refused, wants_of

MONITORED: Final = b'"reason":"MONITOR_ONLY"'
LEFT_SHOWN: Final = 20
"""Kinds of requests without a suggestion that are told; `--json` has all."""

_EPILOG: Final = """\b
Examples:
  s3gate suggest --policy config/policy.yaml /var/lib/s3gate/audit > suggested.patch
  git apply suggested.patch
  s3gate suggest --policy config/policy.yaml --json /var/lib/s3gate/audit
"""


@click.command(epilog=_EPILOG)
@click.argument("journals", nargs=-1, metavar="[JOURNAL]...")
@click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), required=True, help="The policy to add to."
)
@click.option("--by-name", is_flag=True, help="Operations by their names always, not by their classes.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings that name the journal.")
@click.option("--region", help="AWS region of a log group or bucket.")
@click.option("--endpoint-url", help="Another endpoint of AWS than the region's.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line an addition, instead of a patch.")
def command(
    journals: tuple[str, ...],
    policy_path: Path,
    config: Path | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    by_name: bool,
    as_json: bool,
) -> None:
    """Suggest the fewest rules that would allow what monitor mode let pass.

    JOURNAL is a journal, a file or directory of downloaded records,
    cloudwatch:GROUP[:STREAM] or s3://BUCKET/PREFIX; without it, the journal of
    the settings. The patch goes to standard output, everything else to standard
    error. Operations of class admin stand by their names with a caution. Records
    hold no headers: a request with an ACL may need one rule more.

    Exit code 0 when everything that was seen is allowed then, 1 when something is
    not suggested, 2 when the input is wrong.
    """
    policy, text = load_given(policy_path)
    places = [Place(one, config, None, Aws(region, endpoint_url)) for one in journals or (None,)]
    seen, now = Seen(policy), datetime.now(UTC)
    try:
        _gather(seen, places)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    plan = make_plan(wants_of(seen, now), by_name=by_name)
    try:
        changed = amend(text, plan) if not plan.empty else text
    except NotEditable as exc:
        raise WrongInput(f"{policy_path}: {exc}") from exc
    left = {**seen.left, **_unproven(seen, changed, now)}
    if as_json:
        _print_json(plan, seen, left)
    else:
        click.echo(render_patch(text, changed, _patch_name(policy_path)), nl=False)
        _tell(plan, seen, left)
    if left:
        raise click.exceptions.Exit(EXIT_NO)


def _gather(seen: Seen, places: list[Place]) -> None:
    trails = [one.evidence() for one in places]
    sizes = [one.bytes for one in trails]
    total = sum(one for one in sizes if one is not None) if None not in sizes else None
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task, size = progress.add_task("reading", total=total), 0
        for number, line in enumerate(each_once(chain.from_iterable(one.lines for one in trails)), 1):
            size += len(line) + 1
            if number % 5_000 == 0:
                progress.update(task, completed=size)
            record = parse_text(line) if MONITORED in line else None
            if record is not None:
                seen.add(record)


def _unproven(seen: Seen, changed: bytes, now: datetime) -> dict[str, int]:
    """What was suggested for and would still be refused: nothing, unless this command is wrong."""
    told = {one.partition(":")[0] for one in seen.left}
    refused = still_refused(seen, parse_policy(changed), now)
    return {what: count for what, count in refused.items() if what.partition(":")[0] not in told}


def _patch_name(path: Path) -> str:
    """As `git apply` and `patch -p1` find it from here."""
    here, whole = Path.cwd(), path.resolve()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole.relative_to("/")).as_posix()


def _tell(plan: Plan, seen: Seen, left: dict[str, int]) -> None:
    kinds = len(seen.shapes)
    click.echo(f"{seen.monitored:,} requests passed by monitor mode, of {kinds:,} kinds", err=True)
    count = len(plan.rules)
    click.echo(
        f"{count} rule{'s' * (count != 1)}, {len(plan.hosts)} host{'s' * (len(plan.hosts) != 1)} and "
        f"{len(plan.words)} word{'s' * (len(plan.words) != 1)} under `endpoints` suggested",
        err=True,
    )
    for word, witness in plan.words.items():
        click.echo(f"caution: `{word.word}` opens a whole list: {describe(witness)}", err=True)
    known = known_accounts(seen.policy)
    for name, (accounts, _) in plan.hosts.items():
        for one in strangers(accounts, known):
            click.echo(f"caution: {name}: {one}", err=True)
    for rule in plan.rules:
        for one in cautions(rule, known):
            click.echo(f"caution: {rule.want.value}: {one}", err=True)
    ranked = sorted(left.items(), key=lambda pair: (-pair[1], pair[0]))
    for what, number in ranked[:LEFT_SHOWN]:
        click.echo(_plain(f"not suggested: {number:,} x {what}"), err=True)
    if len(ranked) > LEFT_SHOWN:
        click.echo(f"and {len(ranked) - LEFT_SHOWN:,} kinds more: --json tells all", err=True)


def _print_json(plan: Plan, seen: Seen, left: dict[str, int]) -> None:
    for word, witness in plan.words.items():
        click.echo(json.dumps({"add": word.section, "word": word.word, **_told(witness)}))
    for name, (accounts, witness) in plan.hosts.items():
        click.echo(json.dumps({"add": "host", "name": name, "accounts": sorted(accounts), **_told(witness)}))
    for rule in plan.rules:
        told = {
            "add": "rule",
            rule.want.key: rule.want.value,
            "allow": sorted(rule.words),
            "keys": folders(rule.keys),
            "clients_in": sorted(rule.groups),
            "accounts": sorted(rule.accounts),
            "cautions": cautions(rule, known_accounts(seen.policy)),
        }
        click.echo(json.dumps({**told, **_told(rule.witness)}))
    for what, number in left.items():
        click.echo(json.dumps({"add": None, "not_suggested": what, "count": number}))
    click.echo(
        json.dumps({"monitored": seen.monitored, "kinds": len(seen.shapes), "left": sum(left.values())})
    )


def _told(witness: Witness) -> dict[str, object]:
    return {
        "count": witness.count,
        "first": witness.first,
        "last": witness.last,
        "clients": sorted(witness.clients),
        "operations": dict(witness.operations),
    }


def _plain(text: str) -> str:
    """Text that a terminal does not obey: names come from clients."""
    return "".join(one if one.isprintable() else "?" for one in text)

"""`s3gate replay`: which past decisions another policy would change, and to what.

The normal case, before a changed policy comes into force: the journal is judged by the new
policy, and what would be another decision is told by kinds, with counts and an example.
What a record does not hold is never guessed: then every possible verdict is told.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from s3gate.audit.evidence import Aws, Evidence, NoEvidence
from s3gate.cli.audit.place import EXIT_NO, Place, WrongEnvironment, WrongInput
from s3gate.cli.given_policy import load_given
from s3gate.replay.crew import CrewLost, Job, replay
from s3gate.replay.replayer import Outcome
from s3gate.replay.tally import CLIENTS_MAX, Group, Kind, Tally

ROWS: Final = 25
"""Kinds of change on a terminal; `--json` has every decision."""

CLIENTS: Final = 3
"""Clients that are named in a line."""

_EPILOG: Final = """\b
Examples:
  s3gate replay --policy new.yaml --before config/policy.yaml /var/lib/s3gate/audit
  s3gate replay --policy new.yaml --json downloaded.json

\b
A record holds what was read of a request, not all of it: no headers but Host,
no region of a signature in a header, no key with `audit.keys: hash|omit`. A
verdict that hangs on such a thing is told with every way it may turn out. The
policy that decided at the time (--before, known by its digest) rules most of
these out: a request that it allowed had no header that it refuses. What is
taken for granted is counted: that no header came which means nothing to the
operation, such as an ACL on a GET, which no SDK sends.
"""


@click.command(epilog=_EPILOG)
@click.argument("journals", nargs=-1, metavar="[JOURNAL]...")
@click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), required=True, help="The new policy."
)
@click.option(
    "--before",
    "before_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A policy that decided at the time; repeatable.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Settings that name the journal.")
@click.option("--region", help="AWS region of a log group or bucket.")
@click.option("--endpoint-url", help="Another endpoint of AWS than the region's.")
@click.option("--at", help="The time at which monitor modes are looked at, ISO 8601.  [default: now]")
@click.option("--processes", type=click.IntRange(1, 256), help="At most so many.  [default: the processors]")
@click.option("--json", "as_json", is_flag=True, help="A JSON line a decision that changes, then the counts.")
def command(  # noqa: PLR0913 - each is an option of the command, and click gives them by name
    journals: tuple[str, ...],
    policy_path: Path,
    before_paths: tuple[Path, ...],
    config: Path | None,
    region: str | None,
    endpoint_url: str | None,
    at: str | None,
    processes: int | None,
    *,
    as_json: bool,
) -> None:
    """Tell which past decisions a policy would change, and to what.

    JOURNAL is a journal, a file or directory of downloaded records,
    cloudwatch:GROUP[:STREAM] or s3://BUCKET/PREFIX; without it, the journal of
    the settings. Exit code 0 when every decision stays the same, 1 when one
    changes or cannot be told, 2 when the input is wrong, 3 when a process dies.
    """
    job = Job(load_given(policy_path)[0], tuple(load_given(one)[0] for one in before_paths), _at(at), as_json)
    places = [Place(one, config, None, Aws(region, endpoint_url)) for one in journals or (None,)]
    tally = Tally()
    try:
        with _progress([one.evidence() for one in places]) as lines:
            for portion in replay(lines, job, processes):
                tally.add(portion.tally)
                for line in portion.told:
                    click.echo(line)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    except CrewLost as exc:
        raise WrongEnvironment(str(exc)) from exc
    if not tally.decisions and not tally.unreadable:
        raise WrongInput("no decision is recorded there; nothing was judged: name a journal that holds some")
    if as_json:
        click.echo(json.dumps(_as_data(tally, job.policy.digest)))
    else:
        _print(tally, policy_path)
    if not tally.unchanged:
        raise click.exceptions.Exit(EXIT_NO)


def _at(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise WrongInput(f"`{text}` is no time: write it like 2026-11-22T00:00:00Z") from exc
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@contextmanager
def _progress(trails: list[Evidence]) -> Iterator[Iterator[bytes]]:
    """The lines of all trails, with a bar on a terminal."""
    sizes = [one.bytes for one in trails]
    total = sum(one for one in sizes if one is not None) if None not in sizes else None
    columns = ("replaying", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("replaying", total=total and total >> 20)

        def told() -> Iterator[bytes]:
            size = 0
            for number, line in enumerate(chain.from_iterable(one.lines for one in trails), 1):
                size += len(line) + 1
                if number % 5_000 == 0:
                    progress.update(task, completed=size >> 20)
                yield line

        yield told()


def _as_data(tally: Tally, digest: str) -> dict[str, object]:
    return {
        "policy": digest,
        "decisions": tally.decisions,
        **{one.value: tally.outcomes[one.value] for one in Outcome},
        "unreadable": tally.unreadable,
        "assumed": tally.assumed,
        "first": tally.first or None,
        "last": tally.last or None,
        "policies_not_at_hand": dict(tally.missing.most_common()),
    }


def _print(tally: Tally, policy_path: Path) -> None:
    span = f", {_short(tally.first)} to {_short(tally.last)} UTC" if tally.first else ""
    click.echo(f"{tally.decisions:,} decisions{span}, judged by {policy_path}")
    same, changed, unknown = (f"{tally.outcomes[one.value]:>12,}" for one in Outcome)
    click.echo(f"{same} the same\n{changed} would change\n{unknown} cannot be told")
    if tally.assumed:
        click.echo(f"{tally.assumed:>12,} of these take for granted that no header came which means")
        click.echo(f"{'':12} nothing to its operation, such as an ACL on a GET")
    if tally.unreadable:
        click.echo(f"{tally.unreadable:>12,} lines are no records")
    ranked = sorted(tally.groups.items(), key=lambda pair: (pair[0].outcome, -pair[1].count, pair[0]))
    for heading, outcome in (("Would change", Outcome.CHANGED), ("Cannot be told", Outcome.UNKNOWN)):
        rows = [pair for pair in ranked if pair[0].outcome == outcome]
        if rows:
            click.echo(f"\n{heading}")
        for kind, group in rows[:ROWS]:
            _print_group(kind, group)
        if len(rows) > ROWS:
            click.echo(f"  and {len(rows) - ROWS:,} kinds more: --json tells every decision")
    for digest, count in tally.missing.most_common():
        click.echo(f"next: {count:,} of them were decided by {digest[:19]}…; give that file with --before")


def _print_group(kind: Kind, group: Group) -> None:
    by = f" (rule {kind.rule})" if kind.rule else ""
    click.echo(f"{group.count:>9,} x {kind.was} -> {' or '.join(kind.now) or '?'}{by}")
    names = sorted(group.clients)
    rest = len(names) - CLIENTS
    least = "at least " if len(names) == CLIENTS_MAX else ""
    more = f" and {least}{rest} other{'s' * (rest != 1)}" if rest > 0 else ""
    click.echo(_plain(f"            {kind.target} {kind.operation}, by {', '.join(names[:CLIENTS])}{more}"))
    click.echo(f"            {_short(group.first)} to {_short(group.last)}, e.g. {group.decision_id[:64]}")
    for phrase in kind.hangs_on:
        click.echo(f"            hangs on {phrase}")


def _short(time: str) -> str:
    """A record's time to the second, as people read it."""
    return time[:19].replace("T", " ")


def _plain(text: str) -> str:
    """Text that a terminal does not obey: names come from clients."""
    return "".join(one if one.isprintable() else "?" for one in text)

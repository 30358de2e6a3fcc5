"""`s3gate trace-path`: which way did requests to a bucket go? CloudTrail's word beside the gate's own.

The normal case: a directory of log files, the journal of the settings, and every request of
the bucket stands in both: exit code 0.
"""

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress

from s3gate.audit.chain import parse_text
from s3gate.audit.evidence import Aws, NoEvidence
from s3gate.aws.trail.files import TrailUnreadable, find_files, read_file
from s3gate.aws.trail.ledger import Ledger
from s3gate.aws.trail.trace import Trace
from s3gate.cli.audit.place import DEFAULT_CONFIG, Place, WrongEnvironment, WrongInput
from s3gate.cli.audit.report import parse_span
from s3gate.cli.trace_telling import tell

KEPT: Final = timedelta(days=90)  # LookupEvents, API reference: how far back it tells
# EC2 API reference: an id has 8 or 17 hexadecimal digits.
_VPCE: Final = re.compile(r"vpce-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_EPILOG: Final = """\b
Examples:
  s3gate trace-path --bucket example-uploads AWSLogs/
  s3gate trace-path --bucket example-uploads --json events.json.gz \\
      --journal cloudwatch:/s3gate/audit --expect-vpce vpce-0123456789abcdef0
  s3gate trace-path --bucket example-uploads --lookup --region eu-west-1
"""


class Words(TypedDict):
    """The options, as `command` has them."""

    journals: tuple[str, ...]
    no_journal: bool
    config: Path | None
    expected: tuple[str, ...]
    lookup: bool
    since: str
    region: str | None
    endpoint_url: str | None
    as_json: bool


@click.command(epilog=_EPILOG)
@click.argument("logs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--bucket", "buckets", multiple=True, required=True, help="The bucket; may be repeated.")
@click.option("--journal", "journals", multiple=True, help="The gate's records; may be repeated.")
@click.option("--no-journal", is_flag=True, help="Look at the endpoints alone.")
@click.option("--config", type=click.Path(path_type=Path), help=f"The settings.  [default: {DEFAULT_CONFIG}]")
@click.option("--expect-vpce", "expected", multiple=True, help="A VPC endpoint that the gate uses.")
@click.option("--lookup", is_flag=True, help="Ask CloudTrail for management events.")
@click.option("--since", default="24h", show_default=True, help="How far back --lookup asks: 90m, 24h, 7d.")
@click.option("--region", help="AWS region that --lookup asks.")
@click.option("--endpoint-url", help="Another endpoint of CloudTrail than the region's.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines: sources, requests that went around, a summary."
)
def command(logs: tuple[Path, ...], buckets: tuple[str, ...], **words: Unpack[Words]) -> None:
    """Tell which way requests to a bucket went: through the gate, or around it.

    LOGS are CloudTrail's log files or directories of them, what `aws cloudtrail
    lookup-events` printed, or an export of CloudTrail Lake (JSON or CSV). Each request
    is looked for in the gate's journal by S3's request id (--journal as in `s3gate audit
    report`; without it, that of the settings) and at --expect-vpce. Exit code 0: all
    went through; 1: one did not; 2: something could not be read; 3: nothing can be said.
    """
    _check_words(logs, words)
    wanted, places, journal = frozenset(buckets), words["journals"] or (None,), not words["no_journal"]
    with _environment(), Ledger(wanted) as ledger:
        with _bar() as bar:
            for where in places if journal else ():
                _read_journal(Place(where, words["config"], None, Aws(words["region"])), ledger, bar)
            trace = Trace(wanted, frozenset(words["expected"]), ledger, journal=journal)
            unreadable = _read_logs(logs, trace, bar)
            if words["lookup"]:
                _look_up(buckets, words, trace, bar)
        unmatched = ledger.unmatched(trace.tally.newest) if journal else None
        tell(trace, ledger, unmatched, buckets, as_json=words["as_json"])
    for one in unreadable:
        click.echo(f"s3gate: {one}", err=True)
    raise click.exceptions.Exit(trace.exit_code(unreadable=bool(unreadable)))


def _check_words(logs: tuple[Path, ...], words: Words) -> None:
    if not logs and not words["lookup"]:
        raise click.UsageError("name log files or a directory of them, or ask CloudTrail with --lookup")
    if words["no_journal"] and (words["journals"] or not words["expected"]):
        raise click.UsageError("--no-journal compares with --expect-vpce alone: give that, and no --journal")
    if parse_span(words["since"]) > KEPT:
        raise click.UsageError(f"CloudTrail tells of {KEPT.days} days: write --since {KEPT.days}d or less")
    for one in words["expected"]:
        if not _VPCE.fullmatch(one):
            raise click.UsageError(f"`{one}` is no VPC endpoint: write it like vpce-0123456789abcdef0")


@contextmanager
def _environment() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        told = f"the temporary database cannot be written: {exc}; make room, or set SQLITE_TMPDIR"
        raise WrongEnvironment(told) from exc


class _Bar:
    """A bar for each thing that takes long; nothing without a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, name: str, total: int | None) -> Callable[[int], None]:
        """A new bar; what is returned moves it."""
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.update(task, completed=done)


@contextmanager
def _bar() -> Iterator[_Bar]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        yield _Bar(progress)


def _read_journal(place: Place, ledger: Ledger, bar: _Bar) -> None:
    evidence, size = place.evidence(), 0
    move = bar.start("the gate's records", evidence.bytes)
    try:
        for line in evidence.lines:
            size += len(line) + 1
            move(size)
            record = parse_text(line)
            if record is not None:
                ledger.add_record(record)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc


def _read_logs(logs: tuple[Path, ...], trace: Trace, bar: _Bar) -> list[str]:
    """Judge what the files hold; what could not be read to its end."""
    try:
        files = find_files(logs)
    except TrailUnreadable as exc:
        raise WrongInput(str(exc)) from exc
    unreadable: list[str] = []
    passed = 0
    move = bar.start("CloudTrail's events", sum(one.stat().st_size for one in files))
    for path in files:
        try:
            trace.add(read_file(path, lambda size, before=passed: move(before + size)))  # type: ignore[misc]  # mypy does not take a default for a parameter of a lambda
        except TrailUnreadable as exc:
            unreadable.append(str(exc))
        passed += path.stat().st_size
        move(passed)
    return unreadable


def _look_up(buckets: tuple[str, ...], words: Words, trace: Trace, bar: _Bar) -> None:
    from s3gate.aws.trail.lookup import look_up, open_trail  # noqa: PLC0415 - boto3 loads slowly

    since = datetime.now(UTC) - parse_span(words["since"])
    try:
        client = open_trail(words["region"], words["endpoint_url"])
        for bucket in buckets:
            trace.add(look_up(client, bucket, since, bar.start("asking CloudTrail", None)))
    except TrailUnreadable as exc:
        raise WrongEnvironment(str(exc)) from exc

"""`s3gate audit tail`: decisions as they come, one line each.

The normal case is `s3gate audit tail -f` beside a running gate. Refusals that come in
numbers, from one client for one reason, are one line with a count; the journal has all.
"""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from s3gate.alarms.definition import load_definition
from s3gate.audit.chain import parse_text
from s3gate.audit.evidence import Aws
from s3gate.audit.folding import Told, fold
from s3gate.audit.ocsf import render_ocsf
from s3gate.audit.reader import list_writers, read_lines
from s3gate.audit.segment import list_segments
from s3gate.cli.audit.place import EXIT_NO, Place, WrongInput
from s3gate.policy.decision import Reason
from s3gate.policy.suggestion import nearest

EVASION: Final = "Evasion"
"""The metric whose filter tells severe refusals from plain ones."""

LINES: Final = 20
LOOK_S: Final = 0.5
"""Seconds between two looks; refusals within it are folded together."""

READ_BYTES: Final = 8 << 20
"""Read at one look of one journal: more waits for the next."""

_EPILOG: Final = """\b
Examples:
  s3gate audit tail -f
  s3gate audit tail -f --reason BUCKET_NOT_LISTED --client 10.20.0.5 --denied
  s3gate audit tail --decision 01M81WH1S1E17DM45RYH4354T2 --json
  s3gate audit tail -n 100000 --format ocsf
  s3gate audit tail -n 100 --json /var/lib/s3gate/audit
"""
Record = Mapping[str, object]


class Follower:
    """Gives what was appended to the journals of a directory since the last look.

    Args:
        directory: of all writers, or of one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._places: dict[Path, tuple[int, int]] = {}
        self.look(skip=True)

    def look(self, *, skip: bool = False) -> Iterator[bytes]:
        """New whole lines, by writer.

        Args:
            skip: take note of the ends only.
        """
        return iter(
            [line for writer in list_writers(self._directory) for line in self._new(writer, skip=skip)]
        )

    def _new(self, writer: Path, *, skip: bool) -> Iterator[bytes]:
        segments = list_segments(writer)
        if skip or not segments:
            self._places[writer] = (segments[-1].first, segments[-1].size()) if segments else (0, 0)
            return
        first, offset = self._places.get(writer, (0, 0))
        for segment in segments:
            if segment.first < first:
                continue
            start = offset if segment.first == first else 0
            with segment.path.open("rb") as file:
                file.seek(start)
                data = file.read(READ_BYTES)
            whole = data.rfind(b"\n") + 1
            self._places[writer] = (segment.first, start + whole)
            yield from data[:whole].splitlines()
            if len(data) == READ_BYTES:
                return


def _reason_option(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A reason that there is: of a misspelt one nothing would ever be shown."""
    if value is None or value in set(Reason):
        return value
    near = nearest(value, Reason)
    then = f"write {near}" if near else "config/audit.schema.json has all of them"
    raise click.BadParameter(f"`{value}` is no reason: {then}")


@click.command(name="tail", epilog=_EPILOG)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="Settings that name the journal.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("-n", "--lines", default=LINES, show_default=True, help="Decisions to begin with.")
@click.option("--decision", help="Only this decision id, with how the request ended.")
@click.option("--reason", callback=_reason_option, help="Only this reason.")
@click.option("--client", help="Only this client address.")
@click.option("--bucket", help="Only this bucket or host.")
@click.option("--denied", is_flag=True, help="Only refusals.")
@click.option(
    "--json", "as_json", is_flag=True, help="Whole records, one JSON object a line, nothing folded."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["s3gate", "ocsf"]),
    default="s3gate",
    help="ocsf: HTTP Activity events of the Open Cybersecurity Schema Framework, one a line.",
)
def tail_command(  # noqa: PLR0913 - one argument an option
    directory: Path | None,
    config: Path | None,
    lines: int,
    decision: str | None,
    reason: str | None,
    client: str | None,
    bucket: str | None,
    *,
    follow: bool,
    denied: bool,
    as_json: bool,
    form: str,
) -> None:
    """Show the last decisions, and follow them live.

    DIRECTORY is a journal; without it, that of the settings. Times are UTC. Exit code
    1 when a --decision is not in it.
    """
    show = _show_ocsf if form == "ocsf" else _show_json if as_json else _show
    place = directory or Place(None, config, None, Aws()).settings().audit.directory

    events = {"egress", "completion"} if decision is not None and form != "ocsf" else {"egress"}

    def wanted(record: Record) -> bool:
        return (
            record.get("event") in events
            and decision in (None, record.get("decision_id"))
            and not (denied and record.get("decision") != "deny")
            and reason in (None, record.get("reason"))
            and client in (None, _inside(record, "client", "address"))
            and bucket in (None, _inside(record, "request", "bucket"), _inside(record, "request", "host"))
        )

    try:
        follower = Follower(place)
        last: deque[Record] = deque(maxlen=max(0, lines))
        for writer in list_writers(place):
            last.extend(filter(wanted, _parsed(read_lines(writer))))
        show(sorted(last, key=lambda record: str(record.get("time"))))
        if not last and not follow:
            click.echo(f"no decision of `{place}` is like that", err=True)
        while follow:
            threading.Event().wait(LOOK_S)
            show(list(filter(wanted, _parsed(follower.look()))))
    except OSError as exc:
        raise WrongInput(f"journal `{place}` cannot be read: {exc.strerror}; name its directory") from exc
    if decision is not None and not last:
        click.echo("another gate may have made it: ask CloudWatch Logs, which has them all", err=True)
        raise click.exceptions.Exit(EXIT_NO)


def _parsed(lines: Iterator[bytes]) -> Iterator[Record]:
    return (record for line in lines if (record := parse_text(line)) is not None)


def _show_json(records: list[Record]) -> None:
    for record in records:
        click.echo(json.dumps(record))


def _show_ocsf(records: list[Record]) -> None:
    (evasion,) = (item.parsed for item in load_definition().filters if item.metric == EVASION)
    for record in records:
        click.echo(json.dumps(render_ocsf(record, severe=evasion.matches(json.dumps(record)))))


def _show(records: list[Record]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for told in fold(records):
        console.print(render_line(told))
    sys.stdout.flush()


def render_line(told: Told) -> Text:
    """One line for a terminal: coloured by verdict, without anything that a terminal would obey."""
    record = told.record
    if record.get("event") == "completion":
        return _render_ending(record)
    denied = record.get("decision") == "deny"
    field: Callable[[str, str], str] = lambda part, name: str(_inside(record, part, name) or "-")  # noqa: E731 - a short name for one line
    style = "bold red" if denied else "yellow" if record.get("reason") == "MONITOR_ONLY" else "green"
    names = (field("request", name) for name in ("bucket", "host", "connect"))
    target = next((name for name in names if name != "-"), "-")
    parts = [str(record.get("time"))[:23].replace("T", " "), field("client", "address")]
    line = Text(_printable(" ".join(parts)) + " ")
    line.append(f"{record.get('decision')} {record.get('reason')}", style)
    line.append(_printable(f" {field('request', 'operation')} {target} {field('request', 'key')}"))
    if told.count > 1:
        line.append(f"  and {told.count - 1:,} more like it", "bold")
    return line


def _render_ending(record: Record) -> Text:
    """How an allowed request ended, with what S3 calls it: that is for S3's side."""
    field: Callable[[str, str], str] = lambda part, name: str(_inside(record, part, name) or "-")  # noqa: E731 - a short name for one line
    ended = (
        f"{record.get('outcome')} {field('transfer', 'status')}, request id {field('upstream', 'request_id')}"
    )
    return Text(_printable(f"{str(record.get('time'))[:23].replace('T', ' ')} {ended}"))


def _inside(record: Record, part: str, name: str) -> object:
    inner = record.get(part)
    return inner.get(name) if isinstance(inner, dict) else None


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)

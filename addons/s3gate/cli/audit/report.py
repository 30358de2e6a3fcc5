"""`s3gate audit report`: who was refused what, from where, how often; what was let through.

The normal case prints lines for a terminal; `--html` writes one page that needs nothing else. Refusals
are one line for each client and reason, so that a storm is a line with a count.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from s3gate.audit.chain import parse_text
from s3gate.audit.evidence import Aws, Evidence, NoEvidence
from s3gate.audit.page import render_page
from s3gate.audit.record import render_time
from s3gate.audit.summary import Summary
from s3gate.cli.audit.place import Place, WrongEnvironment, WrongInput, place_options
from s3gate.cli.audit.report_telling import tell_report

PIPE_COLUMNS: Final = 80
"""Where there is no terminal."""

TICK: Final = 5_000
"""Records between two movements of the progress bar."""

UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}
# 90m, 24h, 7d
_SPAN: Final = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_EPILOG: Final = """\b
Examples:
  s3gate audit report
  s3gate audit report --since 24h --html report.html /var/lib/s3gate/audit
  s3gate audit report --since 7d --json cloudwatch:/s3gate/audit --region eu-west-1
"""


@click.command(name="report", epilog=_EPILOG)
@place_options
@click.option("--since", help="Only the last 90m, 24h, 7d.")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write one self-contained page.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def report_command(
    where: str | None,
    config: Path | None,
    region: str | None,
    endpoint_url: str | None,
    since: str | None,
    page: Path | None,
    *,
    as_json: bool,
) -> None:
    """Tell who was refused what, and what was let through.

    WHERE is a journal, a file or directory of downloaded records,
    cloudwatch:GROUP[:STREAM], or s3://BUCKET/PREFIX; without it, the journal of the
    settings. What is reported is not verified: see `s3gate audit verify`.
    """
    start = datetime.now(UTC) - parse_span(since) if since is not None else None
    since_ms = round(start.timestamp() * 1000) if start is not None else None
    evidence = Place(where, config, None, Aws(region, endpoint_url)).evidence(since_ms)
    summary = Summary(render_time(start) if start is not None else "")
    try:
        with _progress(evidence) as lines:
            for line in lines:
                record = parse_text(line)
                if record is not None:
                    summary.add(record)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    title = where or "the journal"
    if page is not None:
        try:
            page.write_text(render_page(summary, title), encoding="utf-8")
        except OSError as exc:
            raise WrongEnvironment(f"`{page}` cannot be written: {exc.strerror}") from exc
    if as_json:
        click.echo(json.dumps(_as_data(summary)))
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_COLUMNS
        for text in tell_report(summary, title, columns):
            click.echo(text)


def parse_span(text: str) -> timedelta:
    """A span like `90m`, `24h` or `7d`.

    Raises:
        WrongInput: it is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise WrongInput(f"`{text}` is no span: write minutes, hours or days like `90m`, `24h`, `7d`")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


@contextmanager
def _progress(evidence: Evidence) -> Iterator[Iterator[bytes]]:
    """The lines, with a bar on a terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=evidence.bytes)

        def told() -> Iterator[bytes]:
            size = 0
            for number, line in enumerate(evidence.lines, 1):
                size += len(line) + 1
                if number % TICK == 0:
                    progress.update(task, completed=size)
                yield line

        yield told()


def _as_data(summary: Summary) -> dict[str, object]:
    return {
        "first": summary.first or None,
        "last": summary.last or None,
        "records": summary.records,
        "repeated": summary.repeated,
        "denied": summary.denied,
        "allowed": summary.allowed,
        "monitored": summary.monitored,
        "refused": [
            {"client": one.client, "reason": one.reason, "count": one.count,
             "first": one.first, "last": one.last,
             "targets": dict(one.targets.most_common()), "more_targets": one.more,
             "operations": dict(one.operations), "users": sorted(one.users), "decision_id": one.decision_id}
            for one in summary.refusals()
        ],
        "passed": [
            {"target": one.target, "requests": one.requests, "completed": one.completed, "failed": one.failed,
             "bytes_up": one.bytes_up, "bytes_down": one.bytes_down, "first": one.first, "last": one.last,
             "clients": sorted(one.clients)}
            for one in summary.passages()
        ],
    }  # fmt: skip

"""`s3gate doctor`: is everything in place, on a client or on the gate? Tried, not believed.

The normal case: a tick a line and exit code 0; a cross comes with the next step.
"""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from s3gate.doctor.finding import Finding

MARKS: Final = {"fine": "✓", "wrong": "✗", "unknown": "?", "left_out": "-"}
MIN_COLUMNS: Final = 60  # below that a detail has no room beside its name
_EPILOG: Final = """\b
Examples:
  s3gate doctor
  s3gate doctor --expect-private s3.eu-west-1.amazonaws.com --canary
  s3gate doctor --config config/s3gate.yaml --json
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Look at the gate of these settings, on its own machine.",
)
@click.option("--canary", is_flag=True, help="Ask for a bucket that must be refused; it turns alarms on.")
@click.option("--expect-private", "private", multiple=True, help="A name that must resolve privately.")
@click.option("--nameserver", "nameservers", multiple=True, help="Whom to ask for these: ADDRESS[:PORT].")
@click.option("--region", help="AWS region of the clients.  [default: that of the AWS configuration]")
@click.option("--logs-endpoint", help="On a client: CloudWatch Logs must answer at this URL.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a check.")
def command(
    config: Path | None,
    private: tuple[str, ...],
    nameservers: tuple[str, ...],
    region: str | None,
    logs_endpoint: str | None,
    *,
    canary: bool,
    as_json: bool,
) -> None:
    """Find what is missing, on a client or, with --config, on the gate.

    On a client: is the proxy set and reached, does S3 go through it and the instance
    metadata service not, does the CA bundle trust it, is the clock right. On the gate:
    settings, policy, CA, journal, DNS, readiness, shipping, log group. Nothing is sent
    that the gate would refuse, but for --canary; a client that does not trust the CA
    leaves one NOT_TLS record. Exit code 0: all is fine; 1: something is wrong; 3:
    something could not be checked.
    """
    from s3gate.doctor.bounded import run_checks  # noqa: PLC0415 - botocore loads slowly
    from s3gate.doctor.finding import exit_code  # noqa: PLC0415 - botocore loads slowly
    from s3gate.doctor.rounds import Wish, client_checks, gate_checks  # noqa: PLC0415 - botocore loads slowly

    wish = Wish(region, private, nameservers, logs_endpoint, canary=canary)
    checks = client_checks(wish) if config is None else gate_checks(config, wish)
    found = [_tell(one, as_json=as_json) for one in run_checks(checks)]
    raise click.exceptions.Exit(exit_code(found))


def _tell(finding: "Finding", *, as_json: bool) -> "Finding":
    if as_json:
        click.echo(json.dumps(asdict(finding)))
        return finding
    click.echo(_fit(f"{MARKS[finding.outcome]} {finding.name:<24} ", finding.detail))
    if finding.then is not None:
        click.echo(_fit("  next: ", finding.then))
    return finding


def _fit(head: str, text: str) -> str:
    """The line as a terminal shows it best; whole where there is none."""
    if not sys.stdout.isatty():
        return head + text
    columns = max(MIN_COLUMNS, shutil.get_terminal_size().columns)
    lines = wrap(
        text, columns, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
    return "\n".join(lines)

"""`s3gate ca renew OLD NEW`: the next CA beside the one in use, before that one ends.

The normal case: OLD is the `ca.pem` that clients trust, NEW a directory that is not there
yet; both CAs are valid for a while, so that clients can trust both before the gate signs
with the new one. Nothing of the old CA is changed, and its key is not needed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from s3gate.cli.audit.place import EXIT_NO, WrongInput
from s3gate.cli.ca.pair import write_pair
from s3gate.proxy.authority import Authority, CaUnusable
from s3gate.proxy.ca_bundle import describe_ca, parse_cas

_EPILOG: Final = """\b
Examples:
  s3gate ca renew ./ca/ca.pem ./ca-next
  s3gate ca renew ./ca/ca.pem ./ca-next --json
"""


@click.command(name="renew", epilog=_EPILOG)
@click.argument("old", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("new", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def renew_command(old: Path, new: Path, *, as_json: bool) -> None:
    """Make the CA that follows OLD, a certificate (PEM), in the directory NEW.

    Both are valid until OLD ends: until then give clients the bundle of both (`s3gate ca
    bundle`), only then let the gate sign with NEW, and take OLD out of the bundle last.
    Files that are there are never written over. Exit code 1: OLD has ended, nothing
    overlaps; 2: OLD is no CA; 3: NEW cannot be written.
    """
    now = datetime.now(UTC)
    try:
        found = parse_cas(old.read_bytes())
    except (CaUnusable, OSError) as exc:
        raise WrongInput(f"`{old}`: {exc.strerror if isinstance(exc, OSError) else exc}") from exc
    if len(found) > 1:
        raise WrongInput(
            f"`{old}` holds {len(found)} certificates: name the file of the CA that the gate uses"
        )
    last = describe_ca(found[0])
    if last.ends <= now:
        click.echo(
            f"`{old}` ended on {last.ends:%Y-%m-%d}: nothing overlaps, clients are cut off already; "
            "make another with `s3gate ca init`, and give it to the clients at once",
            err=True,
        )
        raise click.exceptions.Exit(EXIT_NO)
    authority = Authority.generate(now)
    pair, about = write_pair(new, authority), describe_ca(authority.certificate)
    days = (last.ends - now).days
    if as_json:
        told = {"old_sha256": last.sha256, "old_not_after": f"{last.ends:%Y-%m-%dT%H:%M:%SZ}"}
        click.echo(json.dumps(pair.as_data() | about.as_data() | told | {"overlap_days": days}))
        return
    click.echo(f"{pair.certificate}: valid from now until {about.ends:%Y-%m-%d}")
    click.echo(f"{pair.private_key}: keep it with the gate alone")
    click.echo(f"Both CAs are valid for {days} days, until {last.ends:%Y-%m-%d}. Next, for the clients:")
    click.echo(f"  s3gate ca bundle {old} {pair.certificate} --out bundle.pem")

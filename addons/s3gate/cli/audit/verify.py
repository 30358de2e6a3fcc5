"""`s3gate audit verify`: is the trail whole and unaltered?

The normal case prints a line for each writer and exits 0. What is wrong is named by
writer and sequence number, and the exit code is 1.
"""

import json
from pathlib import Path
from typing import Final

import click

from s3gate.audit.chain import WHOLE, Extent, Finding
from s3gate.audit.evidence import Aws, NoEvidence
from s3gate.audit.verification import Verification
from s3gate.cli.audit.place import EXIT_NO, Place, WrongInput, place_options

ANY_HEAD: Final = 2**63
"""A chain may begin anywhere: what came before was not asked for."""

_EPILOG: Final = """\b
Examples:
  s3gate audit verify
  s3gate audit verify --key-file audit.key /var/lib/s3gate/audit --json
  s3gate audit verify --key-file audit.key cloudwatch:/s3gate/audit
  s3gate audit verify --key-file audit.key s3://example-audit-archive/s3gate/
"""


@click.command(name="verify", epilog=_EPILOG)
@place_options
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the key of the chain.")
@click.option("--expired", is_flag=True, help="Chains may begin late: older records have expired there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, and one for each writer.")
def verify_command(
    where: str | None,
    config: Path | None,
    region: str | None,
    endpoint_url: str | None,
    key_file: Path | None,
    *,
    expired: bool,
    as_json: bool,
) -> None:
    """Verify the chain of every writer in WHERE.

    WHERE is a journal, a file or directory of downloaded records,
    cloudwatch:GROUP[:STREAM], or s3://BUCKET/PREFIX; without it, the journal of the
    settings. Records may come in any order and twice. Names edited records, gaps, cut
    heads and tails, chains that vanished and records that do not join, each with its
    number. Exit code 0 when nothing is wrong, 1 when something is, 2 when there is no
    trail or no key.
    """
    place = Place(where, config, key_file, Aws(region, endpoint_url))
    verification = Verification(place.key())
    evidence = place.evidence()
    counted = 0
    try:
        for line in evidence.lines:
            counted += 1
            verification.add(line)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    if not counted and not evidence.extents:
        raise WrongInput(f"`{where}` holds no record: is it the right place?")
    default = Extent(first=ANY_HEAD) if expired else WHOLE
    found = verification.finish(evidence.extents, only=evidence.only, default=default)
    for writer, (records, findings) in found.items():
        _tell(writer, records, findings, as_json=as_json)
    if verification.unsealed and not as_json:
        click.echo(f"{verification.unsealed} records of the shipper are outside of the chains")
    if any(findings for _, findings in found.values()):
        raise click.exceptions.Exit(EXIT_NO)


def _tell(writer: str, records: int, findings: list[Finding], *, as_json: bool) -> None:
    shown = writer or "unreadable"
    for finding in findings:
        if as_json:
            told = {"seq": finding.seq, "fault": finding.fault, "detail": finding.detail}
            click.echo(json.dumps({"writer": writer} | told))
        else:
            click.echo(f"{shown}: seq {finding.seq}: {finding.fault}: {finding.detail}")
    if as_json:
        click.echo(json.dumps({"writer": writer, "records": records, "findings": len(findings)}))
    else:
        state = f"{len(findings)} findings" if findings else "whole and unaltered"
        click.echo(f"{shown}: {records} records, {state}")

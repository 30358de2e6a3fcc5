"""`s3gate audit archive`: sealed segments into a bucket with Object Lock.

The normal case runs from a timer beside the gate: what is sealed and not there yet is
put, and said. With `--prune` archived segments leave the disk, which makes room where
nothing is shipped to CloudWatch.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from s3gate.audit.appender import Position, prune_segments
from s3gate.audit.archive import Archive, Archived, ArchiveFailed, Fate, sealed_segments
from s3gate.audit.cursor import CursorFile
from s3gate.audit.evidence import Aws, NoEvidence
from s3gate.audit.reader import list_writers
from s3gate.audit.segment import list_segments
from s3gate.cli.audit.place import EXIT_NO, Place, WrongEnvironment, WrongInput

S3: Final = "s3://"
_EPILOG: Final = """\b
Examples:
  s3gate audit archive s3://example-audit-archive/s3gate/
  s3gate audit archive s3://example-audit-archive --retain-days 400 --prune
"""


@click.command(name="archive", epilog=_EPILOG)
@click.argument("bucket")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="Settings that name the journal.")
@click.option("--retain-days", type=click.IntRange(min=1), help="Retain in compliance mode.")
@click.option("--prune", is_flag=True, help="Remove archived segments from the disk.")
@click.option("--region", help="AWS region of the bucket.")
@click.option("--endpoint-url", help="Another endpoint of S3 than the region's.")
def archive_command(
    bucket: str,
    directory: Path | None,
    config: Path | None,
    retain_days: int | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    prune: bool,
) -> None:
    """Put the sealed segments of every writer into s3://BUCKET/PREFIX.

    The bucket must have Object Lock, and a default retention where --retain-days is
    not given. Nothing is ever put over another object. The newest segment of a writer
    stays: it is still appended to. Exit code 1 when an object of that name holds
    something else, 3 when the bucket cannot be used.
    """
    if not bucket.startswith(S3):
        raise WrongInput(f"`{bucket}` is no bucket: write s3://BUCKET/PREFIX")
    place = Place(None, config, None, Aws(region, endpoint_url))
    if prune and (directory is not None or place.settings().cloudwatch.enabled):
        raise WrongInput("`--prune` needs `cloudwatch.enabled: false`: else shipping prunes by itself")
    directory = directory or place.settings().audit.directory
    name, _, prefix = bucket.removeprefix(S3).partition("/")
    until = datetime.now(UTC) + timedelta(days=retain_days) if retain_days is not None else None
    differs = False
    try:
        archive = Archive(place.aws.client("s3"), name, prefix, until)
        archive.check()
        for writer in list_writers(directory):
            done = [archive.put(writer.name, segment) for segment in sealed_segments(writer)]
            differs |= any(one.fate is Fate.DIFFERS for one in done)
            _tell(writer, name, done)
            if prune:
                _prune(writer, done)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    except ArchiveFailed as exc:
        raise WrongEnvironment(str(exc)) from exc
    except OSError as exc:
        raise WrongInput(f"journal `{directory}` cannot be read: {exc.strerror}") from exc
    if differs:
        raise click.exceptions.Exit(EXIT_NO)


def _tell(writer: Path, bucket: str, done: list[Archived]) -> None:
    put = sum(one.fate is Fate.PUT for one in done)
    there = sum(one.fate is Fate.THERE for one in done)
    click.echo(f"{writer.name}: {put} segments put, {there} there already")
    for one in done:
        if one.fate is Fate.DIFFERS:
            click.echo(f"{writer.name}: s3://{bucket}/{one.key}: {one.fate}")


def _prune(writer: Path, done: list[Archived]) -> None:
    """Archived is as good as shipped: the cursor moves, and whole segments below it go."""
    kept = next((one.segment for one in done if one.fate is Fate.DIFFERS), list_segments(writer)[-1])
    cursor, last = CursorFile(writer), kept.first - 1
    if last > cursor.load().seq:
        before = [one.segment for one in done if one.segment.first < kept.first]
        cursor.store(Position(last, before[-1].first, before[-1].size()))
        prune_segments(writer, last)

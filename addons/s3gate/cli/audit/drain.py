"""`s3gate audit drain`: deliver what a writer left that does not run any more.

The normal case: an instance was replaced or a worker killed, and its journal still
holds records that CloudWatch has not. Exit 0 when every dead writer's journal is
delivered, 3 when CloudWatch did not take all of it in time.
"""

from pathlib import Path
from typing import Final

import click

from s3gate.audit.draining import drain_writer
from s3gate.audit.evidence import Aws
from s3gate.audit.journal import JournalDamaged, JournalUnavailable
from s3gate.audit.reader import list_writers
from s3gate.cli.audit.place import EXIT_ENVIRONMENT, Place, WrongEnvironment, WrongInput

TIMEOUT_S: Final = 60.0

_EPILOG: Final = """\b
Examples:
  s3gate audit drain
  s3gate audit drain --config /etc/s3gate/s3gate.yaml --timeout 600
"""


@click.command(name="drain", epilog=_EPILOG)
@click.option("--config", type=click.Path(path_type=Path), help="The settings of the gate.")
@click.option("--timeout", default=TIMEOUT_S, show_default=True, help="Seconds to go on trying, for each.")
def drain_command(config: Path | None, timeout: float) -> None:
    """Ship the records of writers that have ended.

    Journals whose writer runs are left to it. Nothing is lost when this is interrupted;
    what was delivered and not yet noted is delivered again.
    """
    from s3gate.audit.cloudwatch import CloudWatchSink  # noqa: PLC0415 - boto3 loads slowly

    place = Place(None, config, None, Aws())
    settings, key = place.settings(), place.key()
    cloudwatch = settings.cloudwatch
    if not cloudwatch.enabled:
        raise WrongInput(
            "`cloudwatch.enabled` is false: there is nowhere to drain to; use `s3gate audit archive`"
        )
    try:
        writers = list_writers(settings.audit.directory)
    except OSError as exc:
        raise WrongInput(f"journal `{settings.audit.directory}` cannot be read: {exc.strerror}") from exc
    left = False
    for writer in writers:
        sink = CloudWatchSink.open(
            writer,
            region=cloudwatch.region,
            group=cloudwatch.log_group,
            stream=writer.name,
            endpoint_url=cloudwatch.endpoint_url,
        )
        try:
            drained = drain_writer(writer, key, sink, timeout)
        except JournalUnavailable:
            click.echo(f"{writer.name}: its writer runs, and ships by itself")
            continue
        except (JournalDamaged, OSError) as exc:
            raise WrongEnvironment(str(exc)) from exc
        finally:
            sink.close()
        delivered = drained.acknowledged - drained.before
        if drained.empty:
            click.echo(f"{writer.name}: {delivered} records delivered, nothing is left")
        else:
            left = True
            waiting = drained.last - drained.acknowledged
            click.echo(f"{writer.name}: {delivered} records delivered, {waiting} are left: {drained.error}")
            click.echo("  next: look at credentials, permissions and the way to CloudWatch Logs", err=True)
    if left:
        raise click.exceptions.Exit(EXIT_ENVIRONMENT)

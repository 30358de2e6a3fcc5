"""`s3gate run`: the gate in the foreground, until SIGTERM.

The normal case prints one line when it listens and one when it ends; everything else
goes to the journal. Bad input is told whole and ends it before anything is opened.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from s3gate.cli.excerpt import render_mistake, source_lines
from s3gate.policy.mistake import DocumentErrors, Mistake

if TYPE_CHECKING:
    from s3gate.pages import Ports
    from s3gate.policy.source import Remote
    from s3gate.policy_keeper import Kept
    from s3gate.settings import Settings

log = logging.getLogger("s3gate")

EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3

_EPILOG: Final = """\b
Examples:
  s3gate run --config config/s3gate.yaml
  S3GATE_LISTEN__PORT=3128 s3gate run --config /etc/s3gate/s3gate.yaml
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config/s3gate.yaml"),
    show_default=True,
    help="The settings file.",
)
def command(config_path: Path) -> None:
    """Run the gate.

    Needs a valid policy, a CA (`s3gate ca init`) and a writable audit directory;
    without one of them it does not start, nor when a forbidden request of its own is
    not refused. A policy in AWS that cannot be read yet is waited for, and nothing
    passes until then. SIGTERM drains; SIGHUP looks at the policy, as `s3gate reload`
    does. Exit code 0 after SIGTERM, 2 when the settings or the policy are wrong, 3
    when the environment is.
    """
    logging.basicConfig(level=logging.WARNING, format="s3gate: %(levelname)s %(name)s: %(message)s")
    from s3gate.descriptors import allow_descriptors  # noqa: PLC0415 - with what else a start alone needs
    from s3gate.loading import CannotStart  # noqa: PLC0415 - the policy's grammar loads slowly
    from s3gate.policy_keeper import open_keeper  # noqa: PLC0415 - as above
    from s3gate.settings import read_settings  # noqa: PLC0415 - as above
    from s3gate.settings.users_file import UsersErrors, read_users  # noqa: PLC0415 - as above

    place: Path | Remote = config_path
    try:
        settings = read_settings(config_path)
        _look_at_files(settings)
        if told := allow_descriptors(settings.limits.connections):
            log.warning("%s", told)
        if settings.users is not None:
            read_users(settings.users)  # its mistakes are told before anything is opened
        with open_keeper(settings) as found:
            if settings.workers == 1:  # while the policy is read; a supervisor does without mitmproxy
                from s3gate.app import run  # noqa: PLC0415 - mitmproxy loads slowly
            else:
                from s3gate.fleet import run_fleet  # noqa: PLC0415 - as above

            place = settings.policy
            keeper = found()
            place = config_path

            def started(ports: "Ports") -> None:
                where = f"{settings.listen.host}:{ports.gate}"
                click.echo(f"s3gate: listening on {where}, {_describe(keeper.kept)}", err=True)
                health = f"{settings.health.host}:{ports.health}"
                admin = f"{settings.admin.host}:{ports.admin}"
                click.echo(f"s3gate: health on {health}, admin on {admin}", err=True)

            if settings.workers == 1:
                asyncio.run(run(settings, keeper, started))
            elif code := run_fleet(settings, keeper, started):
                sys.exit(code)
    except UsersErrors as exc:  # none of its lines is shown
        _refuse(settings.users or config_path, exc.mistakes, b"")
    except DocumentErrors as exc:
        _refuse(
            place, exc.mistakes, place.read_bytes() if isinstance(place, Path) and place.is_file() else b""
        )
    except CannotStart as exc:
        click.echo(f"s3gate: not started: {exc}", err=True)
        sys.exit(EXIT_ENVIRONMENT)
    click.echo("s3gate: ended", err=True)


def _look_at_files(settings: "Settings") -> None:
    """All that the settings name and nobody can use is told at once."""
    from s3gate.settings.named_files import find_exposed, find_unusable  # noqa: PLC0415 - as above

    for exposed in find_exposed(settings):
        log.warning("%s: %s", exposed, exposed.next_step)
    if unusable := find_unusable(settings):
        for told in unusable:
            click.echo(f"s3gate: not started: {told}", err=True)
        sys.exit(EXIT_ENVIRONMENT)


def _refuse(place: "Path | Remote", mistakes: Sequence[Mistake], data: bytes) -> NoReturn:
    """Tell every mistake, with the lines that are given, and end."""
    lines = source_lines(data) if data else ()
    for mistake in mistakes:
        click.echo(render_mistake(str(place), lines, mistake) + "\n", err=True)
    click.echo(f"s3gate: not started: {place} has mistakes", err=True)
    sys.exit(EXIT_INPUT)


def _describe(kept: "Kept") -> str:
    if kept.loaded is None:
        return "no policy yet"
    policy = kept.loaded.policy
    return f"{len(policy.rules)} rule{'s' * (len(policy.rules) != 1)}, policy {policy.digest[:19]}"

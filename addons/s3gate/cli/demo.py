"""`s3gate demo`: the gate at work on this machine, with everything embedded.

The normal case takes some ten seconds, prints each step and what was checked, and exits 0.
"""

import os
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console

from s3gate.demo.client import ENDING, ClientMissingError, find_awscli
from s3gate.demo.emulator import EmulatorError, find_command
from s3gate.demo.gate import GateError
from s3gate.demo.story import ALARM, tell
from s3gate.demo.telling import WIDTH, Teller
from s3gate.demo.world import LISTED_BUCKET, World

EXIT_NO: Final = 1
EXIT_ENVIRONMENT: Final = 3
EXIT_SIGNAL: Final = 128
"""Added to the number of the signal that ended a process, as shells do."""

_EPILOG: Final = """\b
Examples:
  s3gate demo
  s3gate demo --keep
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--keep", is_flag=True, help="Leave everything running, and print what to paste in another terminal."
)
def command(*, keep: bool) -> None:
    """Show the gate at work: an upload, refusals, the audit trail, the alarm.

    Needs no AWS account, no network and no root: AWS is an emulator, everything is on
    loopback and on free ports. Exit code 0 when every step came out as it says, 1 when
    one did not, 3 when something to run it with is missing.
    """
    _leave_aws_settings_behind()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, _stop)
    try:
        find_awscli()
        find_command()
        fine = _run(keep=keep)
    except (ClientMissingError, EmulatorError, GateError, OSError) as exc:
        click.echo(f"s3gate demo: {exc}", err=True)
        sys.exit(EXIT_ENVIRONMENT)
    sys.exit(0 if fine else EXIT_NO)


def _run(*, keep: bool) -> bool:
    """Tell the story; whether everything came out."""
    start = time.monotonic()
    teller = Teller(Console(width=WIDTH, highlight=False))
    teller.title("s3gate demo", "Everything runs on this machine, and ends with it.")
    with tempfile.TemporaryDirectory(prefix="s3gate-demo-") as directory, World(Path(directory)) as world:
        pool = world.dns.pool
        teller.facts(
            (
                ("AWS", f"MiniStack, behind TLS on {pool[0]} to {pool[-1]}, port {world.origin.port}"),
                ("Names", f"a DNS server on 127.0.0.1:{world.dns.port}: another address each time, TTL 1 s"),
                ("s3gate", f"127.0.0.1:{world.gate.port}; its policy lists one bucket, {LISTED_BUCKET}"),
                ("Alarm", f"{ALARM}: on one refusal in five minutes; now {world.alarms.state(ALARM)}"),
                ("Client", "the real awscli, with HTTPS_PROXY and AWS_CA_BUNDLE set"),
            )
        )
        tell(world, teller)
        teller.end(time.monotonic() - start)
        if keep:
            exports = [
                f"export {name}={shlex.quote(value)}" for name, value in world.client_variables.items()
            ]
            teller.lines("Paste this in another terminal, then use aws; Ctrl-C here ends it all:", exports)
            world.gate.wait_ended(None)
    return not teller.failed


def _leave_aws_settings_behind() -> None:
    """Forget the caller's AWS variables: a profile or an endpoint of theirs is not for the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def _stop(number: int, _: FrameType | None) -> None:
    """Leave, stopping every process on the way; a second signal does not cut that short."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(EXIT_SIGNAL + number)

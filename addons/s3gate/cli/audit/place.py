"""What the audit commands have in common: which trail, which key, which AWS, and how they fail.

Normally all of it comes from the settings file; each part can be given instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from s3gate.audit.evidence import Aws, Evidence, NoEvidence, open_evidence
from s3gate.cli.excerpt import render_in_line
from s3gate.policy.mistake import DocumentErrors
from s3gate.settings import Settings, read_settings
from s3gate.settings.source import read_hmac_key

EXIT_NO: Final = 1
EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3
DEFAULT_CONFIG: Final = Path("config/s3gate.yaml")


class WrongInput(click.ClickException):
    """The input is wrong: exit code 2."""

    exit_code = EXIT_INPUT


class WrongEnvironment(click.ClickException):
    """The environment is wrong: exit code 3."""

    exit_code = EXIT_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Place:
    """What was given on the command line.

    Args:
        where: a trail as `evidence.py` writes it, or None for that of the settings.
        config: the settings file, or None for the usual one.
        key_file: file with the key of the chain, or None for that of the settings.
        aws: which AWS is asked.
    """

    where: str | None
    config: Path | None
    key_file: Path | None
    aws: Aws

    def settings(self) -> Settings:
        """The settings.

        Raises:
            WrongInput: they cannot be read, or have mistakes.
        """
        path = self.config or DEFAULT_CONFIG
        try:
            return read_settings(path)
        except DocumentErrors as exc:
            raise WrongInput(render_in_line(str(path), exc.mistakes)) from exc

    def key(self) -> bytes:
        """The key of the chain.

        Raises:
            WrongInput: there is none.
        """
        path = self.key_file or self.settings().audit.hmac_key
        try:
            return read_hmac_key(path)
        except DocumentErrors as exc:
            told = "; ".join(one.message for one in exc.mistakes)
            raise WrongInput(f"{told}; name the key of that gate with --key-file") from exc

    def evidence(self, since_ms: int | None = None) -> Evidence:
        """The trail.

        Args:
            since_ms: events of a log group before this are left out, milliseconds since 1970.

        Raises:
            WrongInput: there is none.
        """
        where = self.where or str(self.settings().audit.directory)
        try:
            return open_evidence(where, self.aws, since_ms)
        except NoEvidence as exc:
            raise WrongInput(str(exc)) from exc


def place_options[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """The argument and the options that make a Place, as `where`, `config`, `region`, `endpoint_url`."""
    options = (
        click.argument("where", required=False),
        click.option(
            "--config", type=click.Path(path_type=Path), help=f"The settings.  [default: {DEFAULT_CONFIG}]"
        ),
        click.option("--region", help="AWS region of the log group or bucket."),
        click.option("--endpoint-url", help="Another endpoint of AWS than the region's."),
    )
    for option in reversed(options):
        function = option(function)
    return function

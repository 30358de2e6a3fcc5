"""`s3gate reload`: the running gate looks at its policy now, and says what came of it.

The normal case prints one line: the policy that is in force now. The gate is asked over a
socket in its audit directory, which only its user and root may open.
"""

import json
from pathlib import Path
from typing import Final

import click

from s3gate.cli.excerpt import render_mistake
from s3gate.control import NoGate, ask_reload
from s3gate.policy.mistake import DocumentErrors
from s3gate.settings import read_settings

EXIT_NO: Final = 1
EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3
# What an outcome ends with: the policy is refused; it could not be looked at.
_EXITS: Final = {"refused": EXIT_NO, "unreachable": EXIT_ENVIRONMENT, "timeout": EXIT_ENVIRONMENT}
_SENTENCES: Final = {
    "changed": "the policy is now {policy}, was {before}; {rules} rules",
    "unchanged": "the policy is still {policy}",
    "refused": "refused, {policy} stays in force: {why}",
    "unreachable": "{policy} stays in force: {why}",
    "timeout": "no word yet, look at /readyz: {why}",
}

_EPILOG: Final = """\b
Examples:
  s3gate reload --config config/s3gate.yaml
  s3gate reload --json
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config/s3gate.yaml"),
    show_default=True,
    help="The settings file of the running gate.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each gate.")
def command(config_path: Path, as_json: bool) -> None:
    """Have the running gate take in its policy now.

    It reads the source, proves it (mistakes, the gate's own ground, the cases beside
    it) and swaps it in every worker, or keeps the last good one. Exit code 0 when the
    policy is in force, 1 when it is refused, 2 when the settings are wrong, 3 when no
    gate is found or its source cannot be read.
    """
    try:
        settings = read_settings(config_path)
    except DocumentErrors as exc:
        for mistake in exc.mistakes:
            click.echo(render_mistake(str(config_path), [], mistake), err=True)
        raise click.exceptions.Exit(EXIT_INPUT) from exc
    try:
        answers = ask_reload(settings.audit.directory)
    except NoGate as exc:
        click.echo(f"s3gate: {exc}", err=True)
        raise click.exceptions.Exit(EXIT_ENVIRONMENT) from exc
    worst = 0
    for line in answers:
        fields = json.loads(line)
        click.echo(json.dumps(fields) if as_json else _tell(fields))
        worst = max(worst, _EXITS.get(fields["outcome"], 0))
    raise click.exceptions.Exit(worst)


def _tell(fields: dict[str, object]) -> str:
    """One sentence."""
    said = {name: value if value is not None else "none" for name, value in fields.items()}
    return _SENTENCES[str(fields["outcome"])].format(**said)

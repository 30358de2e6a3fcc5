"""Words in, exit code out; one file a command.

The normal case: `s3gate check --policy config/policy.yaml`. A command's file is only
imported when that command is asked for, so that `s3gate --help` answers at once.
"""

from importlib import import_module
from typing import Final

import click

from s3gate import __version__

COMMANDS: Final = {
    "ca": "Make the CA that clients trust.",
    "audit": "Look at the record of decisions.",
    "check": "Find every mistake in a policy or a settings file.",
    "demo": "Show the gate at work, with everything embedded.",
    "doctor": "Find what is missing, on a client or on the gate.",
    "explain": "Say what the policy decides about a request, and why.",
    "import": "Take over the list of another proxy.",
    "policy": "Make other layers' policies from the policy file.",
    "replay": "Say which past decisions another policy would change.",
    "reload": "Have the running gate take in its policy now.",
    "run": "Run the gate.",
    "suggest": "Suggest rules for what monitor mode let pass.",
    "test": "Run the cases beside a policy.",
    "trace-path": "Tell which way requests to a bucket went.",
}
"""Each command with its one line; `s3gate.cli.<name>`, `-` as `_`, holds it as `command`."""

FILES: Final = {"import": "importing"}
"""Commands by whose name no Python module can be imported, with their file's."""


class LazyGroup(click.Group):
    """A group that imports the file of a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"s3gate.cli.{FILES.get(cmd_name, cmd_name.replace('-', '_'))}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"s3gate.cli.{cmd_name}.command is no command")
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="s3gate")
def main() -> None:
    """Let AWS clients reach the S3 buckets on a list, and nothing else.

    Exit codes: 0 fine, 1 the answer is no, 2 the input is wrong, 3 the environment is.
    """

"""Write the command reference from the help of the commands themselves.

`make readme` after a help text
changed; a test compares the committed file with what this prints into another.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from s3gate.cli import main

WIDTH = 80  # columns: what a terminal has that nobody has widened

HEAD = """\
# The commands

<!-- made by tests/generate/command_reference.py from the help texts; a test keeps them equal -->

Each command has `--help`. Exit codes: 0 fine, 1 the answer is no, 2 the input is wrong, 3 the environment is.
"""


def render() -> str:
    """The whole reference, as the committed file holds it."""
    top = click.Context(
        main,
        info_name="s3gate",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return HEAD + "".join(_sections(main, top))


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """A command and all below it, each with its context; hidden ones are not for people."""
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from commands(inner, click.Context(inner, info_name=name, parent=context))


def _sections(command: click.Command, top: click.Context) -> Iterator[str]:
    for one, context in commands(command, top):
        text = "\n".join(line.rstrip() for line in one.get_help(context).splitlines())
        yield f"\n## {context.command_path}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

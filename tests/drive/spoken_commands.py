"""Commands in a shell script, and whether the program has those words: AWS CLI by botocore's models, ours by their help.

A word that starts with `--` must be an option. What botocore's models do not have (`aws s3`) is the AWS CLI's
own, and told by a table of its manual's words.
"""

import functools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from botocore import xform_name
from botocore.session import Session

from s3gate.cli import main

ROOT = Path(__file__).parents[2]
STARTS = {"!", "$", "then", "do", "else", "if"}  # what follows is a command as well
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
PUNCTUATION = "();|&\n"
HERE_DOCUMENT = re.compile(r"<<'(\w+)'(.*?)\n.*?^\1$", re.MULTILINE | re.DOTALL)
# AWS CLI command reference: global options.
GLOBAL = {"--region", "--query", "--output", "--debug", "--profile", "--endpoint-url", "--no-cli-pager"}
# AWS CLI command reference, `aws s3`: these are no operations of the service.
S3 = {"cp": {"--recursive", "--only-show-errors"}, "sync": {"--only-show-errors"}, "ls": {"--recursive"}}


def commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a script, each as its words; also those inside of `$(…)`."""
    text = HERE_DOCUMENT.sub(r"\2", script).replace("\\\n", " ")
    text = re.sub(r"(^|\s)#[^\n]*", r"\1", text)
    words = shlex.shlex(text, posix=True, punctuation_chars=PUNCTUATION)
    words.whitespace, words.whitespace_split, words.commenters = " \t", True, ""
    command: list[str] = []
    for word in [*words, "\n"]:
        if word in STARTS or not word.strip(PUNCTUATION):
            if command:
                yield command
            command = []
        elif command or not ASSIGNMENT.match(word):
            command.append(word)
        if "$(" in word:
            yield from commands(word.partition("$(")[2].rpartition(")")[0])


def mistakes(command: Sequence[str]) -> list[str]:
    """What is wrong with a command's words; nothing is said of programs that are not ours or AWS's."""
    program, *words = command
    while program in ("sudo", "exec"):
        program, *words = words
    if program == "aws":
        return _aws(words)
    if program == "s3gate":
        return _s3gate(words)
    if program.startswith("deploy/"):
        return _script(program, words)
    return []


def _aws(words: Sequence[str]) -> list[str]:
    service, operation, *rest = words
    options = {word.partition("=")[0] for word in rest if word.startswith("--")}
    if service == "s3":
        return sorted(options - S3.get(operation, set()) - GLOBAL)
    if service != "s3api" and service not in Session().get_available_services():
        return [f"no service {service}"]
    model = _model("s3" if service == "s3api" else service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"no operation {service} {operation}"]
    shape = model.operation_model(names[operation]).input_shape
    members = {} if shape is None else {f"--{xform_name(one, '-')}": one for one in shape.members}
    booleans = {f"--no-{one[2:]}" for one in members}
    # AWS CLI command reference: its own names for the number of results and pages.
    paging = {"--max-items", "--page-size", "--starting-token", "--limit"}
    wrong = sorted(options - set(members) - booleans - GLOBAL - paging)
    needed = {f"--{xform_name(one, '-')}" for one in (shape.required_members if shape is not None else ())}
    return wrong + [f"lacks {one}" for one in sorted(needed - options)]


@functools.cache
def _model(service: str):  # type: ignore[no-untyped-def] # botocore has no types  # noqa: ANN202
    return Session().get_service_model(service)


def _s3gate(words: Sequence[str]) -> list[str]:
    command: click.Command = main
    context = click.Context(main, info_name="s3gate", help_option_names=["-h", "--help"])
    rest = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest[0]) if rest else None
        if found is None:
            return [f"no command s3gate {' '.join(words)}"]
        command, rest = found, rest[1:]
        context = click.Context(command, parent=context)
    known = {
        one
        for parameter in command.get_params(context)
        for one in (*parameter.opts, *parameter.secondary_opts)
    }
    return sorted({word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"} - known)


@functools.cache
def _help(program: str) -> str:
    path = ROOT / program
    # deploy/build would make the environment anew that we run in: its module alone.
    command = [sys.executable, "-m", "release"] if path.name == "build" else [str(path)]
    if path.suffix == ".py":
        command = [sys.executable, str(path)]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT / 'addons'}:{ROOT / 'deploy'}",
    }
    done = subprocess.run(
        [*command, "--help"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _script(program: str, words: Sequence[str]) -> list[str]:
    if not (ROOT / program).is_file():
        return [f"no file {program}"]
    return [
        word
        for word in words
        if word.startswith("--") and f"{word} " not in _help(program).replace("\n", " ") + " "
    ]

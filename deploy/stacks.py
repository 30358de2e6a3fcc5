#!/usr/bin/env python3
"""Makes or updates the stacks, each with what the earlier ones gave.

    deploy/stacks.py --params deploy/params/prod.json --region eu-west-1
    deploy/stacks.py --params deploy/params/prod.json --region eu-west-1 --apply

The first only tells what would be done.

A parameter has the name of the output that fills it: so the file holds choices
only, and nothing is copied by hand. A name in the file wins over an output: a
VPC of your own is `--without network` and its ids in the file. `--only proxy`
does one stack. Nothing is deleted. The AWS CLI does the work, with the
credentials that it finds. Before the first run: deploy/endpoint_policy.py.

Exit codes: 0, 1 AWS refused, 2 the input is wrong, 3 there is no AWS CLI.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "cloudformation"
ORDER: Final = (
    "network", "endpoints", "security", "archive", "observability", "alarms", "proxy", "hosts",
)  # fmt: skip
"""Each after those whose outputs it takes."""

BODY_LIMIT: Final = 51_200
"""Bytes of a template that is not in S3 (CreateChangeSet, API reference: TemplateBody)."""

EXIT_REFUSED, EXIT_INPUT, EXIT_ENVIRONMENT = 1, 2, 3
_HEADING: Final = re.compile(r"([A-Za-z]+):.*", re.ASCII)
_NAME: Final = re.compile(r"  ([A-Za-z0-9]+):", re.ASCII)


class WrongInput(Exception):
    """A parameter is missing or unknown; the text names all of them."""


@dataclass(frozen=True)
class Aws:
    """The AWS CLI.

    Args:
        region: where everything is.
    """

    region: str

    def __call__(self, *words: str) -> str:
        """Run one command and give what it printed."""
        command = ["aws", "--region", self.region, "--output", "json", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read_choices(path: Path) -> dict[str, str]:
    """The parameters that a person chose.

    Args:
        path: a JSON object, as `params/prod.json` is one.

    Raises:
        WrongInput: it is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise WrongInput(f"`{path}` cannot be read: {exc.strerror}; deploy/params/ has two examples") from exc
    except ValueError as exc:
        raise WrongInput(f"`{path}` is no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise WrongInput(f"`{path}` is no JSON object of parameters: deploy/params/ has two examples")
    return found


def parameters_of(template: Path) -> dict[str, bool]:
    """The names of a template's parameters; whether each has a default.

    Args:
        template: a file in this directory's form: names indented by two, what is said of them by four.
    """
    found: dict[str, bool] = {}
    section = name = ""
    for line in template.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.fullmatch(line):
            section = heading[1]
        elif section == "Parameters" and (named := _NAME.fullmatch(line)):
            name = named[1]
            found[name] = False
        elif section == "Parameters" and line.startswith("    Default:"):
            found[name] = True
    return found


def choose(
    wanted: Mapping[str, bool], chosen: Mapping[str, str], outputs: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Values for a template's parameters, and the names of those that have none.

    Args:
        wanted: names, and whether each has a default.
        chosen: the file of parameters; it wins.
        outputs: of the earlier stacks.
    """
    given = {**outputs, **chosen}
    missing = [name for name, default in wanted.items() if not default and name not in given]
    return {name: given[name] for name in wanted if name in given}, missing


def outputs_of(aws: Aws, prefix: str) -> dict[str, str]:
    """What the stacks gave that there are, in their order.

    Args:
        aws: the CLI.
        prefix: of their names.
    """
    told = json.loads(aws("cloudformation", "describe-stacks"))
    stacks = {one["StackName"]: one.get("Outputs", []) for one in told["Stacks"]}
    found = (one for name in ORDER for one in stacks.get(f"{prefix}-{name}", []))
    return {one["OutputKey"]: one["OutputValue"] for one in found}


def package(aws: Aws, template: Path, bucket: str, scratch: Path) -> Path:
    """The template with its files uploaded and their places written in, if it names any."""
    if "AWS::Include" not in template.read_text(encoding="utf-8"):
        return template
    packed = scratch / template.name
    words = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", "templates"]
    aws("cloudformation", "package", *words, "--output-template-file", str(packed))
    return packed


def deploy(aws: Aws, stack: str, template: Path, values: Mapping[str, str], bucket: str) -> None:
    """Make or update one stack and wait for it."""
    words = ["--stack-name", stack, "--template-file", str(template), "--no-fail-on-empty-changeset"]
    words += ["--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    if template.stat().st_size > BODY_LIMIT:
        words += ["--s3-bucket", bucket, "--s3-prefix", "templates"]
    if values:
        words += ["--parameter-overrides", *(f"{name}={value}" for name, value in values.items())]
    aws("cloudformation", "deploy", *words)


def check_names(wanted: Mapping[str, Mapping[str, bool]], chosen: Mapping[str, str]) -> None:
    """Refuse a parameter that no template has: a misspelt one would leave a default in force, unseen.

    Raises:
        WrongInput: with all such names.
    """
    if unknown := sorted(set(chosen) - {name for one in wanted.values() for name in one}):
        raise WrongInput(f"no template has {', '.join(unknown)}: correct or delete them in the parameters")


def run(aws: Aws, prefix: str, stacks: Sequence[str], chosen: Mapping[str, str], *, apply: bool) -> None:
    """Go through the stacks in order.

    Args:
        aws: the CLI.
        prefix: of the stacks' names.
        stacks: which of `ORDER` are made.
        chosen: the file of parameters.
        apply: do it; else only tell.

    Raises:
        WrongInput: a parameter is missing or unknown.
    """
    wanted = {name: parameters_of(TEMPLATES / f"{name}.yaml") for name in ORDER}
    check_names(wanted, chosen)
    outputs = outputs_of(aws, prefix)
    with tempfile.TemporaryDirectory() as scratch:
        for name in [one for one in ORDER if one in stacks]:
            stack = f"{prefix}-{name}"
            values, missing = choose(wanted[name], chosen, outputs)
            if missing and apply:
                raise WrongInput(f"{stack} has no {', '.join(missing)}: add them to the parameters")
            later = f"; of earlier stacks or missing: {', '.join(missing)}" if missing else ""
            sys.stderr.write(f"{stack}: {len(values)} parameters{later}\n")
            if apply:
                bucket = chosen["ArtifactBucketName"]
                packed = package(aws, TEMPLATES / f"{name}.yaml", bucket, Path(scratch))
                deploy(aws, stack, packed, values, bucket)
                outputs = outputs_of(aws, prefix)


def main(words: Sequence[str] | None = None) -> int:
    """Read the arguments, do it; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, required=True, help="parameters of the stacks")
    parser.add_argument("--region", required=True, help="where to make them")
    parser.add_argument("--prefix", default="s3gate", help="of the stacks' names  [default: s3gate]")
    known = ", ".join(ORDER)
    for name, said in (("--without", f"leave a stack out: {known}"), ("--only", "no stack but this")):
        parser.add_argument(name, action="append", default=[], choices=ORDER, metavar="STACK", help=said)
    parser.add_argument("--apply", action="store_true", help="do it; else only say what would be done")
    given = parser.parse_args(words)
    aws = Aws(given.region)
    stacks = [one for one in (given.only or ORDER) if one not in given.without]
    if shutil.which("aws") is None:
        sys.stderr.write("the AWS CLI is not on PATH: install it, or add its directory\n")
        return EXIT_ENVIRONMENT
    try:
        run(aws, given.prefix, stacks, read_choices(given.params), apply=given.apply)
    except WrongInput as exc:
        sys.stderr.write(f"{exc}\n")
        return EXIT_INPUT
    except subprocess.CalledProcessError as exc:
        sys.stderr.write(
            f"{exc.stderr.strip()}\n`{' '.join(exc.cmd[5:9])} …` failed: mend it and run this again\n"
        )
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())

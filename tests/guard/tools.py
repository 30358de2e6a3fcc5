"""The linters as processes, each started once in a run over everything: the templates and their mutants.

Every worker of a parallel run asks for the same answer; the first one makes it, the others wait and read it. A linter
that is not there fails the tests that ask, with the sentence that makes it.
"""

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from drive.templates import Json
from guard.deployment import ROOT

PATIENCE_S: Final = 300
Checks = dict[str, list[tuple[str, str]]]  # file → checks that failed there, each with its resource


def program(environment: str, name: str) -> Path:
    """A linter of an environment that `make test` makes."""
    found = sorted((ROOT / ".venv").glob(f"{environment}-*/bin/{name}"))
    assert found, f"{name} is not installed: run deploy/development/environment.sh {environment}"
    return found[-1]


def once[T](factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` gives, made by one worker of the run alone.

    Args:
        name: of the answer.
        make: takes an empty directory; what it gives must be JSON.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    answer = shared / f"{name}.json"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            directory = shared / name
            directory.mkdir()
            made = make(directory)
            (shared / f"{name}.new").write_text(json.dumps(made), encoding="utf-8")
            (shared / f"{name}.new").rename(answer)
    found: T = json.loads(answer.read_text(encoding="utf-8"))
    return found


def write(directory: Path, files: Mapping[str, Json]) -> None:
    """Write templates in the long form, which is JSON."""
    for name, template in files.items():
        target = directory / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(template, indent=1), encoding="utf-8")


def run_cfn_lint(directory: Path, files: Mapping[str, Json]) -> Checks:
    """What cfn-lint says of templates, warnings and informational findings included.

    Args:
        directory: empty.
        files: by the name that the answer gives back.
    """
    write(directory, files)
    words: list[str | Path] = [
        program("lint", "cfn-lint"),
        "--format",
        "json",
        "--include-checks",
        "I",
        "--template",
        *sorted(directory.rglob("*.json")),
    ]
    ran = subprocess.run(
        words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=directory
    )
    assert ran.stdout.startswith("["), ran.stderr
    found: Checks = {name: [] for name in files}
    for one in json.loads(ran.stdout):
        name = str(Path(one["Filename"]).relative_to(directory).with_suffix(""))
        place = [str(step) for step in one["Location"]["Path"] or []]
        found[name].append((one["Rule"]["Id"], place[1] if len(place) > 1 else ""))
    return found


def run_checkov(directory: Path, files: Mapping[str, Json]) -> Checks:
    """Which of checkov's checks fail in templates, beside those that the templates suppress."""
    write(directory, files)
    words: list[str | Path] = [
        program("checkov", "checkov"),
        "--skip-download",
        "--quiet",
        "--compact",
        "--framework",
        "cloudformation",
        "--output",
        "json",
        "--directory",
        directory,
    ]
    ran = subprocess.run(
        words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=directory
    )
    assert ran.stdout.lstrip().startswith("{"), ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["summary"]["parsing_errors"] == 0, told
    found: Checks = {name: [] for name in files}
    for one in told["results"]["failed_checks"]:
        found[re.sub(r"^/|\.json$", "", one["file_path"])].append(
            (one["check_id"], one["resource"].rpartition(".")[2])
        )
    return found


def suppressions(template: Json) -> dict[tuple[str, str], str]:
    """The checks that a template suppresses, by check and resource, each with its reason."""
    return {
        (one["id"], name): one["comment"]
        for name, resource in template["Resources"].items()
        for one in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def without_suppressions(template: Json) -> Json:
    """The template as a linter would see it without them."""
    bare = {
        name: {
            **one,
            "Metadata": {
                key: {**inner, "skip": []} if key == "checkov" else inner
                for key, inner in one.get("Metadata", {}).items()
            },
        }
        if "Metadata" in one
        else one
        for name, one in template["Resources"].items()
    }
    return {**template, "Resources": bare}

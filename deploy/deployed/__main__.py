"""Is what was deployed at work? Each promise tried once, the way a client goes.

    deploy/smoke --config /etc/s3gate/s3gate.yaml --bucket example-uploads
        --proxy http://s3gate.example.internal:8080 --ca-bundle bundle.pem
        --expect-vpce vpce-0123456789abcdef0

Run it on the gate's machine after each deployment. In this order: `s3gate
doctor`; an allowed put and get; `s3gate audit selftest --deny-canary`, whose
refusal must turn the alarm on within five minutes (it calls those whom the
alarm calls: tell them first); a put to another bucket; a request that hides
behind the listed name; `s3gate audit verify`; `s3gate trace-path`. The canary
is the first that is refused: an alarm that is on already proves nothing.

It puts one object, always at the same key (--key). Needs `s3gate` and `aws` on
PATH, credentials that may use the bucket, and for the alarm what `s3gate audit
selftest --help` names. CloudTrail tells of a request after minutes:
--trail-timeout. Exit codes: 0 all is fine, 1 something is not, 2 the arguments
are wrong, 3 something could not be tried. What was left out is told, and is no
failure.
"""

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from deployed.result import EXIT_ENVIRONMENT, EXIT_NO, FINE, LEFT_OUT, UNKNOWN, WRONG, Result
from deployed.steps import Smoke

MARKS: Final = {FINE: "✓", WRONG: "✗", UNKNOWN: "?", LEFT_OUT: "-"}
COLUMNS: Final = 80
ALARM_S: Final = 300.0  # what is promised of the alarm
TRAIL_S: Final = 1200.0  # CloudTrail user guide: events come after about 5 minutes, which is no promise


def run(smoke: Smoke, without: list[str], told: Callable[[str, Result, float], None]) -> int:
    """Try each step; the exit code.

    Args:
        smoke: the steps.
        without: names of those that are left out.
        told: given each result with its seconds.
    """
    outcomes = []
    for name, step in smoke.steps():
        began = time.monotonic()
        try:
            result = Result(LEFT_OUT, f"--without {name}") if name.split()[0] in without else step()
        except (OSError, ValueError, KeyError, http.client.HTTPException, subprocess.TimeoutExpired) as exc:
            result = Result(UNKNOWN, f"{type(exc).__name__}: {exc}")
        outcomes.append(result.outcome)
        told(name, result, time.monotonic() - began)
    if WRONG in outcomes:
        return EXIT_NO
    return EXIT_ENVIRONMENT if UNKNOWN in outcomes else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # the next step may take minutes


def show(name: str, result: Result, seconds: float) -> None:
    """A line or two that fit a terminal."""
    head = f"{MARKS[result.outcome]} {name:<20} {seconds:6.1f} s  "
    for start, text in ((head, result.detail), ("  next: ", result.then)):
        if text:
            lines = textwrap.wrap(text, COLUMNS, initial_indent=start, subsequent_indent=" " * len(start))
            _say("\n".join(lines))


def show_json(name: str, result: Result, seconds: float) -> None:
    """One line of JSON."""
    _say(json.dumps({"name": name} | asdict(result) | {"seconds": round(seconds, 1)}))


def read_arguments() -> argparse.Namespace:
    """The command line; exit code 2 where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="deploy/smoke", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    environment = os.environ
    add = parser.add_argument
    add("--config", required=True, type=Path, help="the settings of the gate")
    add("--bucket", required=True, help="a bucket that the policy lets these credentials write and read")
    add("--key", default="s3gate-smoke", help="of the object (default: %(default)s)")
    add(
        "--proxy",
        default=environment.get("HTTPS_PROXY"),
        help="the gate as clients reach it: http://HOST:PORT",
    )
    add(
        "--ca-bundle", default=environment.get("AWS_CA_BUNDLE"), type=Path, help="PEM file that clients trust"
    )
    add("--region", default=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"))
    add("--expect-vpce", help="the VPC endpoint by which the gate must reach S3")
    add("--trail", type=Path, help="CloudTrail's log files, instead of asking CloudTrail")
    add(
        "--journal",
        help="the records, if not the journal of the settings (as `s3gate audit verify` takes it)",
    )
    add("--key-file", type=Path, help="file with the key of the chain")
    add("--timeout", type=float, default=ALARM_S, help="seconds for the alarm (default: %(default)s)")
    add("--trail-timeout", type=float, default=TRAIL_S, help="seconds for CloudTrail (default: %(default)s)")
    add("--endpoint-url", help="another endpoint of CloudWatch than the region's")
    add("--without", action="append", default=[], metavar="STEP", help="leave out: alarm, doctor, journal, …")
    add("--json", action="store_true", help="one JSON object a step, and one for all")
    given = parser.parse_args()
    for name in ("proxy", "ca_bundle", "region"):
        if getattr(given, name) is None:
            parser.error(f"--{name.replace('_', '-')} is needed: no variable of the environment has it")
    if not given.proxy.startswith("http://"):
        parser.error("--proxy must be written http://HOST:PORT")
    if not given.config.is_file() or not given.ca_bundle.is_file():
        parser.error(f"`{given.config}` or `{given.ca_bundle}` is no file")
    known = {name.split()[0] for name, _ in Smoke(given, Path()).steps()}
    if set(given.without) - known:
        parser.error(f"--without knows {', '.join(sorted(known))}")
    return given


def main() -> int:
    """Try everything and print the report."""
    given = read_arguments()
    for program in ("s3gate", "aws"):
        if shutil.which(program) is None:
            sys.stderr.write(f"deploy/smoke: `{program}` is not on PATH: install it, or add its directory\n")
            return EXIT_ENVIRONMENT
    counted: dict[str, int] = dict.fromkeys(MARKS, 0)

    def told(name: str, result: Result, seconds: float) -> None:
        counted[result.outcome] += 1
        (show_json if given.json else show)(name, result, seconds)

    with tempfile.TemporaryDirectory(prefix="s3gate-smoke-") as directory:
        code = run(Smoke(given, Path(directory)), given.without, told)
    if given.json:
        _say(json.dumps({"name": "all", "exit_code": code} | counted))
    else:
        _say(", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counted.items() if count))
    return code


if __name__ == "__main__":
    sys.exit(main())

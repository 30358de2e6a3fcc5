"""`make bench`: what a transfer and a request cost direct, in mitmdump, in Squid and in s3gate, in one run.

`python -m bench` prints the table and writes `cost.json`, `cost.md`, `cost.svg` and `cost.png`. Progress is on
standard error. Everything it starts it stops, also on Ctrl-C and SIGTERM. Exit codes: 0 all goals of the
measured rows are met, 1 one is missed or a row could not be measured, 2 the arguments are wrong, 3 a program
is missing.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.cost.accounting import read_usage, render_usage
from bench.cost.chart import render_chart, write_png
from bench.cost.machine import describe_machine, render_machine
from bench.cost.measure import FULL, QUICK, Results, described, measure
from bench.cost.report import render_json, render_markdown, render_table
from bench.cost.rows import GROUPS, ROWS, judge
from drive.squid import missing as squid_missing

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory made inside it, with a name of its own
DISK = Path("/var/tmp")  # noqa: S108 - likewise; a disk also where /tmp is not (FHS 3.0, 5.15)
NEEDS = {"nginx": "nginx-light", "curl": "curl", "rsvg-convert": "librsvg2-bin"}


def missing() -> list[str]:
    """What stands in the way, a line each with what to do."""
    found = [
        f"`{program}` is missing: apt-get install {package}"
        for program, package in NEEDS.items()
        if not shutil.which(program)
    ]
    found += [problem for problem in [squid_missing()] if problem]
    if os.geteuid() != 0:
        found.append("not root: the origin listens on port 443; run `sudo make bench`")
    if not MEMORY.is_dir():
        found.append(f"`{MEMORY}` is missing: mount a tmpfs there, so that no disk is measured")
    return found


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m bench --quick --rows requests,transfers",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where to write (build/bench)")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of everything, once: to see that it works"
    )
    parser.add_argument("--repeats", type=int, help=f"of each measurement ({FULL.repeats})")
    parser.add_argument("--rows", default=",".join(GROUPS), help=f"only these: {','.join(GROUPS)}")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the table")
    options = parser.parse_args(arguments)
    options.groups = frozenset(options.rows.split(","))
    if unknown := options.groups - set(GROUPS):
        parser.error(f"no rows `{','.join(sorted(unknown))}`: there are {','.join(GROUPS)}")
    if options.repeats is not None and options.repeats < 1:
        parser.error(f"`{options.repeats}` repeats measure nothing: give 1 or more")
    return options


def run(options: argparse.Namespace) -> Results:
    """Measure."""
    scale = QUICK if options.quick else FULL
    if options.repeats:
        scale = replace(
            scale, repeats=options.repeats, repeats_memory=min(options.repeats, scale.repeats_memory)
        )
    options.scale = scale
    with tempfile.TemporaryDirectory(dir=MEMORY) as memory, tempfile.TemporaryDirectory(dir=DISK) as disk:
        for made in (memory, disk):
            Path(made).chmod(0o755)  # for the users that Squid and nginx become
        return measure(Path(memory), Path(disk), scale, options.groups)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    options = parsed(arguments)
    if problems := missing():
        print("\n".join(problems), file=sys.stderr)
        return 3
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = read_usage()
    try:
        results = run(options)
    except KeyboardInterrupt:
        print("stopped: everything that was started has ended", file=sys.stderr)
        return 130
    results.notes.insert(0, render_usage(before, read_usage()))
    if options.quick:
        results.notes.insert(
            0, "made with --quick: smaller amounts than the rows say, once; no figures to keep"
        )
    machine = describe_machine()
    options.out.mkdir(parents=True, exist_ok=True)
    document = render_json(results.values, machine, described(options.scale), results.notes)
    (options.out / "cost.json").write_text(document)
    (options.out / "cost.md").write_text(render_markdown(results.values, machine, results.notes))
    (options.out / "cost.svg").write_text(render_chart(results.values, machine))
    write_png(options.out / "cost.svg", options.out / "cost.png")
    if options.json:
        print(document, end="")
    else:
        print(render_machine(machine), render_table(results.values), *results.notes, sep="\n")
    failed = any("not measured" in note for note in results.notes)
    missed = any(not verdict.met for row in ROWS for verdict in judge(row, results.values))
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())

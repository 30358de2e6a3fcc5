"""`make bench`: what a transfer and a request cost in direct, mitmdump, Squid and s3gate, in one run, side by side.

`python -m bench [--repeats N] [--out DIRECTORY] [--quick]` prints the medians with their spread and writes
`cost.json`, `cost.svg` and, where `rsvg-convert` is there, `cost.png`.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench.cost.measure import measure_all
from bench.cost.report import render_chart, render_json, render_table, write_png
from drive.squid import missing as squid_missing

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory made inside it, with a name of its own
NEEDS = {"nginx": "nginx-light", "curl": "curl"}


def missing() -> list[str]:
    """What to install, a line each."""
    found = [
        f"{program} is missing: apt-get install {package}"
        for program, package in NEEDS.items()
        if not shutil.which(program)
    ]
    return found + [problem for problem in [squid_missing()] if problem]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--quick", action="store_true", help="without memory and sync")
    options = parser.parse_args()
    if problems := missing():
        print("\n".join(problems), file=sys.stderr)
        return 3
    # In memory: what is uploaded must not wait for a disk.
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as made:
        Path(made).chmod(0o755)
        results = measure_all(Path(made), options.repeats, quick=options.quick)
    options.out.mkdir(parents=True, exist_ok=True)
    print(render_table(results))
    (options.out / "cost.json").write_text(render_json(results))
    (options.out / "cost.svg").write_text(render_chart(results))
    write_png(options.out / "cost.svg", options.out / "cost.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())

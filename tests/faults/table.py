"""Print the fault matrix at full scale, with watchtower as it comes beside it: `make faults`.

Exit code 1 when s3gate lost a record or did not end within five seconds.
"""

import logging
import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from faults.matrix import DELIVERY, FULL, JOURNAL, Outcome, run_ours, run_plain

ENDS_WITHIN_S = 5.0
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": "invented",
    "AWS_EC2_METADATA_DISABLED": "true",
    "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "addons"),
    "NO_PROXY": "127.0.0.1",
}


def main() -> int:
    os.environ.update(ENVIRONMENT)
    logging.raiseExceptions = False  # watchtower's failures would be printed a thousand times
    threading.excepthook = lambda _: None  # nor that its thread died of a warning
    scale = replace(FULL, outage_s=float(os.environ.get("OUTAGE_S", FULL.outage_s)))
    scale = replace(scale, records=int(scale.outage_s * scale.rate))
    table = Table("fault", "records", "watchtower lost", "twice", "s3gate lost", "twice", "refused", "end",
                  title=f"outages of {scale.outage_s:g} s, {scale.rate:g} records/s")  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    bad = False
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor() as pool:
        for number, (name, row) in enumerate(DELIVERY.items()):
            plain = pool.submit(run_plain, row, scale)
            ours = run_ours(row, scale, Path(directory) / str(number))
            bad |= add(table, name, plain.result(), ours)
            sys.stderr.write(f"{name}\n")
        for name, run in JOURNAL.items():
            bad |= add(table, name, None, run(scale, Path(directory) / name))
            sys.stderr.write(f"{name}\n")
    Console(width=110).print(table)
    return int(bad)


def add(table: Table, name: str, plain: Outcome | None, ours: Outcome) -> bool:
    """One line; whether s3gate failed in it."""
    theirs = ("–", "–") if plain is None else (f"{plain.lost:,}", f"{plain.duplicates:,}")
    table.add_row(name, f"{ours.sent:,}", *theirs, f"{ours.lost:,}", f"{ours.duplicates:,}",
                  f"{ours.refused:,}", f"{ours.end_s:.1f} s")  # fmt: skip
    return ours.lost > 0 or ours.end_s > ENDS_WITHIN_S


if __name__ == "__main__":
    sys.exit(main())

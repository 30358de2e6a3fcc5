"""`python -m s3gate`."""

import os
import subprocess
import sys
from pathlib import Path

ADDONS = Path(__file__).resolve().parents[2] / "addons"


def test_it_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "s3gate", "--version"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ADDONS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("s3gate, version ")

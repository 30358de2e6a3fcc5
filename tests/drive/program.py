"""Programs of the locked environments: made by `make test`, or now."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def find_program(environment: str, name: str) -> str:
    """The path of a program in an environment of deploy/development/locks."""
    script = ROOT / "deploy" / "development" / "environment.sh"
    ran = subprocess.run([script, environment], capture_output=True, text=True, check=True, timeout=600)
    return f"{ran.stdout.strip()}/{name}"

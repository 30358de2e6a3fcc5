"""What the figures were measured on: processors, kernel and versions, read from the machine; no name of a host."""

import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PROGRAMS = {
    "Squid": (["squid", "-v"], r"Version (\S+)"),
    "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
    "curl": (["curl", "--version"], r"curl (\S+)"),
}
PACKAGES = ("mitmproxy", "awscli")


def describe_machine() -> dict[str, str]:
    """Name and value, in the order in which they are told."""
    processors = Path("/proc/cpuinfo").read_text()
    found = {
        "date": f"{datetime.now(UTC).date()}",
        "processors": described_processors(processors),
        "kernel": f"Linux {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
    }
    found |= {name: read_version(command, pattern) for name, (command, pattern) in PROGRAMS.items()}
    return found | {package: version(package) for package in PACKAGES}


def described_processors(text: str) -> str:
    """`2 vCPU, AMD EPYC` from /proc/cpuinfo."""
    count = len(re.findall(r"(?m)^processor\s*:", text))
    model = re.search(r"(?m)^model name\s*: (.+)$", text)
    return f"{count} vCPU, {model[1].strip() if model else platform.machine()}"


def read_version(command: list[str], pattern: str) -> str:
    """What a program says of itself; some say it on standard error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1].rstrip(",") if found else "?"


def render_machine(machine: Mapping[str, str]) -> str:
    """One line; the values that say by themselves what they are come first."""
    alone = ("date", "processors", "kernel")
    return ", ".join(
        [machine[name] for name in alone]
        + [f"{name} {value}" for name, value in machine.items() if name not in alone]
    )

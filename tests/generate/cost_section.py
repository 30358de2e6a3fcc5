"""The README's figures of what s3gate costs, from `tests/bench/results/cost.json`.

`make readme` after `make bench` has written new results rewrites what stands between the two marks.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests" / "bench" / "results" / "cost.json"
SIZING = ROOT / "deploy" / "sizing.py"
BEGIN = "<!-- cost: made by tests/generate/cost_section.py -->\n"
END = "<!-- end of cost -->\n"
# Row of the JSON → words, format of a value.
ROWS = {
    "get_cpu_s_per_gib": ("download, CPU seconds a GiB", ".2f"),
    "put_cpu_s_per_gib": ("upload with a length, CPU seconds a GiB", ".2f"),
    "put_chunked_cpu_s_per_gib": ("upload in chunks (awscli's), CPU seconds a GiB", ".2f"),
    "connect_cpu_ms": ("new tunnel and one small GET, CPU ms", ".2f"),
    "keep_alive_cpu_ms": ("small GET on an open tunnel, CPU ms", ".2f"),
    "keep_alive_p50_ms": ("the same by the clock, median ms", ".2f"),
    "idle_mib": ("idle worker, MiB", ".0f"),
    "tunnel_idle_kib": ("open tunnel, KiB", ".0f"),
    "tunnel_used_kib": ("open tunnel with its upstream, KiB", ".0f"),
    "sync_down_many_s": ("`aws s3 sync`, 2,000 files of 100 KB down, s", ".1f"),
    "sync_up_many_s": ("`aws s3 sync`, 2,000 files of 100 KB up, s", ".1f"),
    "sync_down_big_s": ("`aws s3 sync`, 4 files of 1 GiB down, s", ".1f"),
    "sync_up_big_s": ("`aws s3 sync`, 4 files of 1 GiB up, s", ".1f"),
}
NAMES = ("s3gate", "Squid", "mitmdump", "direct")
EXAMPLE = (
    "--down", "8", "--up", "2", "--requests", "2000", "--connections", "100", "--tunnels", "5000", "--zones", "3",
)  # fmt: skip


def render() -> str:
    """The table, what a vCPU does, and an example of sizing, with their marks."""
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    machine = document["machine"]
    about = ", ".join(
        [machine["date"], machine["processors"], machine["kernel"], f"Squid {machine['Squid']}"]
    )
    shared = next((note for note in document["notes"] if note.startswith("of the machine's CPU time")), "")
    able = runpy.run_path(str(SIZING))
    one: dict[str, float] = able["per_vcpu"](able["parse_costs"](RESULTS.read_text(encoding="utf-8")))
    example = subprocess.run(
        [sys.executable, str(SIZING), *EXAMPLE], capture_output=True, text=True, check=True
    ).stdout
    return (
        f"{BEGIN}Measured {about}; medians, all in one run\n({shared}):\n\n{_table(document)}\n"
        f"So one such vCPU moves {one['down_gbit_per_s']:.1f} Gbit/s down or {one['up_gbit_per_s']:.1f} Gbit/s up, or "
        f"answers {one['requests_per_s']:,.0f}\nsmall requests a second, or opens "
        f"{one['connections_per_s']:,.0f} tunnels a second. What that means behind the load balancer:\n\n"
        f"```\n$ deploy/sizing.py {_broken(EXAMPLE)}\n{example}```\n{END}"
    )


def _broken(words: tuple[str, ...]) -> str:
    return " ".join(words[:8]) + " \\\n    " + " ".join(words[8:])


def _table(document: dict[str, Any]) -> str:
    rows = {row["row"]: row for row in document["rows"]}
    lines = ["| | " + " | ".join(NAMES) + " | goal |", "|---|" + "---:|" * len(NAMES) + "---|"]
    for key, (words, form) in ROWS.items():
        if key not in rows:
            continue
        cells = [format(value, form) if (value := rows[key]["median"].get(name)) else "" for name in NAMES]
        lines.append(f"| {words} | {' | '.join(cells)} | {_goals(rows[key]['goals'])} |")
    return "\n".join(lines) + "\n"


def _goals(goals: list[dict[str, Any]]) -> str:
    told = []
    for goal in goals:
        against = "" if goal["against"] == "nothing" else f" x {goal['against']}"
        told.append(f"≤ {goal['at_most']:g}{against}: {'met' if goal['met'] else 'missed'}")
    return "; ".join(told)
